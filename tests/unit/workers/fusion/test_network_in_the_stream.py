"""The join with a network for its rule: any order of arrival, and names that say what was lacking."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import embedded
from support.joining import fusion

from affectstream.lab.fusion.networks import KINDS
from affectstream.lab.training.recipe import FusionRecipe
from affectstream.lab.training.tasks.fusion import export, train
from affectstream.models.fusion.network_rule import rules
from affectstream.models.fusion.pools import EntropyTrust
from affectstream.runtime.settings import FusionSettings
from affectstream.schemas.codec import encode
from affectstream.schemas.errors import SettingsError
from affectstream.schemas.messages import MODALITIES, EndOfStream, Face, Probabilities
from affectstream.workers.fusion import config
from affectstream.workers.fusion.offline import OfflineJoin

STEP_MS = {"video": 250, "audio": 1000, "text": 1500}
LENGTH_MS = {"video": 0, "audio": 2000, "text": 1500}
END_MS = 6000
TRUST = dict.fromkeys(MODALITIES, 0.7)
LEFT, RIGHT = (0.1, 0.1, 0.3, 0.3), (0.6, 0.1, 0.2, 0.2)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    for kind in KINDS:
        one = train(embedded.log(140), FusionRecipe(network=kind, epochs=2, batch=32))
        export(one, folder / f"fusion-{kind.replace('_', '-')}.safetensors", {})
    return rules(EntropyTrust(), folder)


def stream(rng, modality, carried=True):
    """Return one modality's observations with embeddings, its end last."""
    whose = {"session_id": "s", "party": "customer", "modality": modality, "expects": MODALITIES}
    size = embedded.SIZES[MODALITIES.index(modality)]
    items = []
    for start in range(0, END_MS, STEP_MS[modality]):
        end = min(start + LENGTH_MS[modality], END_MS)
        times = {"seq": len(items), "start_ms": start, "end_ms": end, "watermark_ms": start + 1}
        p = tuple(rng.dirichlet(np.ones(7)).tolist())
        said = {"p": p, "quality": round(float(rng.random()), 3)}
        carries = {"embedding": rng.normal(0, 2, size).astype("<f4").tobytes() if carried else None}
        faces = ()
        if modality == "video":
            other = {**said, "embedding": rng.normal(0, 2, size).astype("<f4").tobytes()}
            faces = (Face(box=LEFT, score=0.9, **said, **carries), Face(box=RIGHT, score=0.9, **other))
        items.append(Probabilities(**whose, **times, **said, **carries, faces=faces, model_id="m"))
    times = {"seq": len(items), "start_ms": END_MS, "end_ms": END_MS, "watermark_ms": END_MS}
    return [*items, EndOfStream(**whose, **times)]


def call(seed=0, **carried):
    rng = np.random.default_rng(seed)
    return [stream(rng, modality, carried.get(modality, True)) for modality in MODALITIES]


def shuffled(streams, seed):
    """Return the streams as one: each in its order, the order between them drawn."""
    dice, waiting = random.Random(seed), [list(items) for items in streams]
    while waiting := [items for items in waiting if items]:
        yield dice.choice(waiting).pop(0)


def finals(rule, items):
    join = OfflineJoin(fusion(rule, TRUST))
    return [o for item in items for o in join.push(item) if o.pane == "final"]


@given(
    kind=st.sampled_from(sorted(KINDS)),
    seed=st.integers(0, 3),
    orders=st.tuples(st.integers(), st.integers()),
)
@settings(max_examples=15)
def test_any_order_of_arrival_gives_the_same_bytes(networks, kind, seed, orders):
    first, second = (finals(networks[kind], shuffled(call(seed), order)) for order in orders)
    assert len(first) == END_MS // 1000
    assert [encode(one) for one in first] == [encode(one) for one in second]


@pytest.mark.parametrize("kind", KINDS)
def test_embeddings_change_what_is_said_and_finals_name_the_network(networks, kind):
    rule = networks[kind]
    with_all, without = (
        finals(rule, shuffled(call(**dict.fromkeys(MODALITIES, carried)), 0)) for carried in (True, False)
    )
    assert {final.rule for final in with_all} == {rule.name}
    assert {final.rule for final in without} == {f"{rule.name}-fallback"}
    assert all(a.p != b.p for a, b in zip(with_all, without, strict=True))


def test_where_one_worker_sends_none_the_finals_say_partial(networks):
    rule = networks["early_late"]
    said = finals(rule, shuffled(call(text=False), 0))
    assert {final.rule for final in said} == {f"{rule.name}-partial"}


def test_an_operators_word_is_told_beside_it(networks):
    rule = networks["early_late"]
    join = OfflineJoin(fusion(rule, TRUST))
    join.fuser = join.fuser.override({"text": 0.5})
    outputs = [output for item in shuffled(call(text=False), 0) for output in join.push(item)]
    assert {o.rule for o in outputs} <= {
        f"{rule.name}-partial+override",
        f"{rule.name}+override",
    }


def test_a_network_is_refused_at_the_start_where_no_embeddings_are_sent(networks, monkeypatch):
    monkeypatch.setattr(config, "rule_named", lambda name, fitted: networks[name])
    with pytest.raises(SettingsError, match=r"fusion\.embeddings = true"):
        config.configured(FusionSettings(rule="concat"))
    assert config.configured(FusionSettings(rule="concat", embeddings=True)).join()
