"""The networks learn, forget nothing of who is not there, and stop by held-out groups."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import embedded

from affectstream.lab.fusion.networks import KINDS, EarlyLate, finished, masked_softmax
from affectstream.lab.training.recipe import changed, shipped_recipe
from affectstream.lab.training.tasks.fusion import left_out, statistics, train, without_embedding
from affectstream.schemas.errors import InputError

SIZES = tuple(size + 7 for size in embedded.SIZES)
each = pytest.mark.parametrize("kind", KINDS)


def recipe(kind, **changes):
    return changed(shipped_recipe("fusion-networks"), {"network": kind, **changes})


def network(kind, width=16):
    torch.manual_seed(0)
    return KINDS[kind](SIZES, width)


def batch(n=14):
    g = torch.Generator().manual_seed(1)
    return [torch.randn(n, size, generator=g) for size in SIZES], torch.ones(n, 3, dtype=torch.bool)


@each
def test_it_learns_a_tiny_batch_by_heart(kind):
    net, (rows, flags) = network(kind), batch()
    labels = torch.arange(14) % 7
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(150):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(rows, flags), labels).backward()
        optimiser.step()
    assert (net.eval()(rows, flags).argmax(dim=1) == labels).all()


@each
@pytest.mark.parametrize("gone", range(3))
def test_what_an_absent_modality_holds_has_no_influence(kind, gone):
    net, (rows, flags) = network(kind).eval(), batch()
    flags[:, gone] = False
    other = [row.clone() for row in rows]
    other[gone][:] = 1e6
    other[gone][0] = torch.nan
    assert torch.equal(net(rows, flags), net(other, flags))


@each
@pytest.mark.parametrize("gone", range(3))
def test_a_present_modality_and_its_absence_have_influence(kind, gone):
    net, (rows, flags) = network(kind).eval(), batch()
    other = [row.clone() for row in rows]
    other[gone] += 1.0
    fewer = flags.clone()
    fewer[:, gone] = False
    assert not torch.allclose(net(rows, flags), net(other, flags))
    assert not torch.allclose(net(rows, flags), net(rows, fewer))


@each
def test_a_window_is_answered_alone_as_among_others(kind):
    net, (rows, flags) = network(kind).eval(), batch()
    flags[1, 0] = flags[2, 1] = flags[2, 2] = False
    together = net(rows, flags)
    alone = [net([row[i : i + 1] for row in rows], flags[i : i + 1])[0] for i in range(14)]
    assert torch.allclose(together, torch.stack(alone), atol=1e-6)


def test_with_one_modality_there_is_nobody_to_attend_to_and_still_an_answer():
    net, (rows, flags) = network("cross_attention").eval(), batch()
    flags[:, 1:] = False
    assert torch.isfinite(net(rows, flags)).all()


def test_the_softmax_over_nothing_is_nothing():
    scores = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    mask = torch.tensor([[True, False, True], [False, False, False]])
    shares = masked_softmax(scores, mask)
    assert shares[0].tolist() == pytest.approx([1 / (1 + np.e**2), 0.0, np.e**2 / (1 + np.e**2)])
    assert shares[1].tolist() == [0.0, 0.0, 0.0]


def test_the_ensemble_weighs_early_and_late_by_sigmoids():
    net, (rows, flags) = network("early_late").eval(), batch()
    with torch.no_grad():
        both = net(rows, flags)
        net.mixing.copy_(torch.tensor([100.0, -100.0]))
        early = net(rows, flags)
        net.mixing.copy_(torch.tensor([-100.0, 100.0]))
        late = net(rows, flags)
    assert torch.allclose(both, (early + late) / 2, atol=1e-6)


def test_finishing_folds_the_normalisation_and_changes_little():
    net, (rows, flags) = network("early_late"), batch()
    for _ in range(5):
        net(rows, flags)  # the normalisation sees some data
    before = net.eval()(rows, flags)
    done = finished(net)
    assert isinstance(done, EarlyLate)
    assert not [m for m in done.modules() if isinstance(m, torch.nn.BatchNorm1d)]
    assert torch.allclose(before, done(rows, flags), atol=5e-3)
    assert all(torch.equal(p, p.half().float()) for p in done.parameters())


@given(chance=st.floats(0, 1), seed=st.integers(0, 99))
def test_dropping_adds_nobody_and_never_leaves_a_window_empty(chance, seed):
    flags = torch.tensor([[True, True, True], [True, False, True], [False, True, False]])
    kept = left_out(flags, chance, torch.Generator().manual_seed(seed))
    assert not (kept & ~flags).any()
    assert kept.any(dim=1).all()


@each
def test_it_begins_near_the_product_of_what_the_modalities_say(kind):
    p = torch.distributions.Dirichlet(torch.ones(7)).sample((14, 3)).log()
    means, deviations = p.mean(dim=0), p.std(dim=0)
    net, (rows, flags) = network(kind).eval(), batch()
    flags[3, 1] = False
    standard = (p - means) / deviations
    rows = [torch.cat([row[:, :-7], standard[:, m]], dim=1) for m, row in enumerate(rows)]
    before = net(rows, flags)
    net.straight.begin(means, deviations)
    assert torch.allclose(net(rows, flags) - before, (p * flags[:, :, None]).sum(dim=1), atol=1e-4)


def test_an_embedding_that_is_left_out_leaves_the_probabilities():
    rows = torch.arange(26.0).view(2, 13) + 1
    kept = without_embedding(rows, torch.tensor([True, False]))
    assert torch.equal(kept[0], rows[0])
    assert torch.equal(kept[1, :6], torch.zeros(6))
    assert torch.equal(kept[1, 6:], rows[1, 6:])


@each
def test_training_learns_what_groups_never_seen_say(kind):
    trained = train(embedded.log(280), recipe(kind, epochs=8, rate=3e-3, batch=32))
    new = embedded.log(140, seed=9)
    right = (trained.logits(new).argmax(axis=1) == new.labels).mean()
    assert right > 0.6
    assert 0.2 < trained.temperature < 5.0
    assert trained.held_nll < 1.2


def test_training_is_repeatable_and_leaves_the_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    log = embedded.log(140)
    first, second = (train(log, recipe("concat", epochs=2, batch=32)) for _ in range(2))
    assert np.array_equal(first.logits(log), second.logits(log))
    assert torch.rand(1) == expected


def test_training_stops_when_held_out_windows_gain_nothing():
    log = embedded.log(140)
    shuffled = replace(log, labels=np.random.default_rng(0).permutation(log.labels))
    assert train(shuffled, recipe("concat", epochs=60, rate=3e-3, batch=32, patience=3)).epochs < 30


def test_the_statistics_are_of_the_windows_that_have_the_modality():
    log = embedded.log(300, missing=0.5)
    means, deviations = statistics(log)
    there = log.evidence.present[:, 1]
    assert means[1][:10] == pytest.approx(log.evidence.embeddings[1][there].mean(axis=0), rel=1e-5)
    assert (deviations[1] > 0).all()


def test_a_log_without_embeddings_is_refused():
    log = embedded.log(70)
    x, _, z = log.evidence.embeddings
    bare = replace(log, evidence=replace(log.evidence, embeddings=(x, None, z)))
    with pytest.raises(InputError, match="no embeddings of audio"):
        train(bare, recipe("concat"))
