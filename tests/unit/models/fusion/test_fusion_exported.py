"""A shipped network is the trained one, window by window, and says when it has nothing to go by."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import embedded

from affectstream.lab.fusion.networks import KINDS
from affectstream.lab.training.recipe import FusionRecipe
from affectstream.lab.training.tasks.fusion import export, train
from affectstream.models.fusion.evidence import Evidence
from affectstream.models.fusion.network_file import read
from affectstream.models.fusion.network_rule import (
    FOLDER,
    NetworkRule,
    network,
    require_embeddings,
    rules,
    weights_of,
)
from affectstream.models.fusion.pools import EntropyTrust
from affectstream.schemas.errors import ModelError, SettingsError

FALLBACK = EntropyTrust()
LOG = embedded.log(140)
NEW = embedded.log(24, seed=3).evidence


@pytest.fixture(scope="module")
def trained():
    return {kind: train(LOG, FusionRecipe(network=kind, epochs=3, batch=32)) for kind in KINDS}


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    for kind, one in trained.items():
        export(one, folder / f"fusion-{kind.replace('_', '-')}.safetensors", {"data": "made up"})
    return folder


@pytest.fixture(params=KINDS)
def rule(request, folder):
    return rules(FALLBACK, folder)[request.param]


def rows(evidence, chosen):
    return Evidence(
        evidence.p[chosen],
        evidence.present[chosen],
        evidence.quality[chosen],
        evidence.trust[chosen],
        tuple(x if x is None else x[chosen] for x in evidence.embeddings),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_exported_network_gives_the_numbers_of_torch(kind, trained, folder):
    one = trained[kind]
    log = replace(LOG, evidence=NEW, labels=LOG.labels[:24], groups=LOG.groups[:24])
    scaled = one.logits(log) / one.temperature
    expected = np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)
    assert rules(FALLBACK, folder)[kind].fuse(NEW).p == pytest.approx(expected, abs=1e-5)


def test_the_result_is_a_distribution_and_shares_of_the_present(rule):
    pooled = rule.fuse(NEW)
    assert pooled.p.min() >= 0.0
    assert pooled.p.sum(axis=1) == pytest.approx(1.0)
    assert pooled.weights.min() >= 0.0
    assert (pooled.weights[~NEW.present] == 0.0).all()
    assert pooled.weights.sum(axis=1) == pytest.approx(1.0)


def test_a_window_gives_the_same_bits_alone_and_among_others(rule):
    together = rule.fuse(NEW)
    for w in range(8):
        alone = rule.fuse(rows(NEW, [w]))
        assert np.array_equal(alone.p[0], together.p[w])
        assert np.array_equal(alone.weights[0], together.weights[w])


@pytest.mark.parametrize("gone", range(3))
def test_what_an_absent_modality_holds_has_no_influence(rule, gone):
    present = NEW.present.copy()
    present[:, gone] = False
    without = replace(NEW, present=present)
    p, embeddings = NEW.p.copy(), list(NEW.embeddings)
    p[:, gone] = np.eye(7)[0]
    embeddings[gone] = np.full_like(embeddings[gone], np.nan)
    other = replace(without, p=p, embeddings=tuple(embeddings))
    assert np.array_equal(rule.fuse(without).p, rule.fuse(other).p)


def test_nothing_present_gives_the_uniform_distribution_and_no_weight(rule):
    nobody = replace(NEW, present=np.zeros_like(NEW.present))
    pooled = rule.fuse(nobody)
    assert pooled.p == pytest.approx(1 / 7)
    assert (pooled.weights == 0.0).all()


def test_trust_that_is_not_very_low_leaves_the_network_alone(rule):
    lower = replace(NEW, trust=np.full_like(NEW.trust, 0.3))
    assert np.array_equal(rule.fuse(lower).p, rule.fuse(NEW).p)


@pytest.mark.parametrize("gone", range(3))
def test_no_trust_in_a_modality_is_its_absence(rule, gone):
    three = rows(NEW, NEW.present.all(axis=1))
    trust, present = three.trust.copy(), three.present.copy()
    trust[:, gone], present[:, gone] = 0.0, False
    untrusted, absent = rule.fuse(replace(three, trust=trust)), rule.fuse(replace(three, present=present))
    assert untrusted.p == pytest.approx(absent.p, abs=1e-12)
    assert untrusted.weights[:, gone] == pytest.approx(0.0)


def test_little_trust_lies_between_full_and_none(rule):
    three = rows(NEW, NEW.present.all(axis=1))
    said = []
    for trust in (1.0, 0.125, 0.0):
        table = three.trust.copy()
        table[:, 0] = trust
        said.append(rule.fuse(replace(three, trust=table)).p)
    assert said[1] == pytest.approx((said[0] + said[2]) / 2)


@pytest.mark.parametrize("lacking", [None, "short", "zeros", "nan"])
def test_without_its_embedding_a_modality_speaks_by_its_probabilities_and_the_name_says_so(rule, lacking):
    x, y, z = NEW.embeddings
    broken = {None: None, "short": y[:, :4], "zeros": np.zeros_like(y), "nan": np.full_like(y, np.nan)}[
        lacking
    ]
    partial = replace(NEW, embeddings=(x, broken, z), present=np.ones_like(NEW.present))
    said = rule.fuse(partial)
    p = NEW.p.copy()
    p[:, 1] = np.roll(p[:, 1], 1, axis=1)
    other = rule.fuse(replace(partial, p=p))
    absent = rule.fuse(replace(partial, present=np.array([[True, False, True]] * len(p))))
    for different in (other, absent):
        assert (np.abs(said.p - different.p).max(axis=1) > 0).all()
    assert rule.name_of(rows(partial, [0])) == f"{rule.name}-partial"


def test_where_no_modality_has_an_embedding_the_fallback_answers_and_the_name_says_so(rule):
    for nothing in ((), (None, None, None)):
        bare = replace(NEW, embeddings=nothing)
        pooled, plain = rule.fuse(bare), FALLBACK.fuse(bare)
        assert np.array_equal(pooled.p, plain.p)
        assert np.array_equal(pooled.weights, plain.weights)
        assert rule.name_of(rows(bare, [0])) == f"{rule.name}-fallback"


def test_with_all_embeddings_the_name_is_the_rules(rule):
    assert rule.name_of(rows(NEW, [0])) == rule.name


@functools.cache
def cached(folder):
    return rules(FALLBACK, folder)["early_late"]


@given(data=st.data())
@settings(max_examples=20)
def test_any_order_of_windows_gives_the_same(folder, data):
    chosen = data.draw(st.lists(st.integers(0, 23), min_size=1, max_size=6))
    rule = cached(folder)
    assert np.array_equal(rule.fuse(rows(NEW, chosen)).p, rule.fuse(NEW).p[chosen])


def test_a_network_is_refused_where_the_workers_send_no_embeddings(rule):
    with pytest.raises(SettingsError, match=r"set fusion\.embeddings = true"):
        require_embeddings(rule, embeddings=False)
    require_embeddings(rule, embeddings=True)
    require_embeddings(FALLBACK, embeddings=False)


def test_the_file_reader_reads_what_the_library_wrote(folder):
    from safetensors.numpy import load_file

    for path in folder.iterdir():
        ours, theirs = read(path).tensors, load_file(path)
        assert set(ours) == set(theirs)
        assert all(np.array_equal(ours[name], theirs[name].astype(np.float64)) for name in ours)


@pytest.mark.parametrize("cut", [0, 4, 8, 100, -1, -3])
def test_a_file_that_is_cut_short_is_refused(folder, tmp_path, cut):
    data = (folder / "fusion-concat.safetensors").read_bytes()
    path = tmp_path / "fusion-concat.safetensors"
    path.write_bytes(data[:cut])
    with pytest.raises(ModelError, match="fetch it again"):
        rules(FALLBACK, tmp_path)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_model_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "fusion-concat.safetensors"
    path.write_bytes(data)
    with pytest.raises(ModelError):
        network(path)


def test_files_that_are_not_there_are_no_rules(tmp_path):
    assert rules(FALLBACK, tmp_path) == {}


def test_a_rule_is_named_after_its_file(folder):
    rule = rules(FALLBACK, folder)["concat"]
    again = NetworkRule(network(folder / "fusion-concat.safetensors"), FALLBACK)
    assert rule.name == again.name
    assert rule.name.startswith("concat/")


def test_an_embedding_of_other_weights_than_in_training_counts_as_none(trained, tmp_path):
    export(trained["concat"], tmp_path / "fusion-concat.safetensors", {"text": "text-minilm/0 0123456789ab"})
    rule = rules(FALLBACK, tmp_path)["concat"]
    assert rule.network.fresh == (True, True, False)
    faces, voices, _ = NEW.embeddings
    without = replace(NEW, embeddings=(faces, voices, None))
    np.testing.assert_array_equal(rule.fuse(NEW).p, rule.fuse(without).p)
    assert rule.name_of(NEW) == rule.name_of(without)


@pytest.mark.skipif(not rules(FALLBACK), reason="no fusion networks are shipped yet")
@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_networks_are_small_and_take_no_embedding_of_other_weights(kind):
    path = FOLDER / f"fusion-{kind.replace('_', '-')}.safetensors"
    assert path.stat().st_size < 1_500_000
    said = network(path).statement
    fresh = [said[name] == weights_of(name) for name in ("face", "voice", "text")]
    assert rules(FALLBACK)[kind].network.fresh == tuple(fresh)
    assert fresh[:2] == [True, True], "train the fusion networks again"  # text: its card says so
