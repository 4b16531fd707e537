"""A window's bits do not depend on the windows beside it, in a rule, in a measure, in a message."""

import random

import numpy as np
import pytest
from support.drawn_calls import call, in_records, interleave
from support.joining import fusion

from affectstream.models.fusion.evidence import Evidence, disagreement, uncertainty
from affectstream.models.fusion.parameters import available
from affectstream.models.fusion.pools import tempered
from affectstream.models.fusion.rules import on_probabilities
from affectstream.schemas.codec import decode, encode
from affectstream.schemas.messages import Probabilities
from affectstream.schemas.observations import record

WINDOWS = 600
SIZES = (2, 3, 7, 8, 13, 64, 100, WINDOWS)
RULES = on_probabilities(available(None))


def evidence():
    """Return windows with zeros, ones, ties, absent modalities and qualities of zero among them."""
    dice = np.random.default_rng(3)
    p = dice.dirichlet(np.full(7, 0.3), (WINDOWS, 3))
    p[: WINDOWS // 20] = np.eye(7)[dice.integers(0, 7, (WINDOWS // 20, 3))]
    present = dice.random((WINDOWS, 3)) < 0.8
    p[~present] = 1.0 / 7.0
    quality = np.where(dice.random((WINDOWS, 3)) < 0.1, 0.0, dice.random((WINDOWS, 3)))
    return Evidence(p, present, quality, dice.uniform(0.05, 1.0, (WINDOWS, 3)))


EVIDENCE = evidence()


def part(rows):
    return Evidence(*(getattr(EVIDENCE, name)[rows].copy() for name in ("p", "present", "quality", "trust")))


@pytest.mark.parametrize("name", RULES)
def test_a_rule_gives_a_window_the_same_bits_in_any_batch(name):
    rule, dice = RULES[name], np.random.default_rng(4)
    alone = [rule.fuse(part(slice(w, w + 1))) for w in range(WINDOWS)]
    p, weights = np.concatenate([one.p for one in alone]), np.concatenate([one.weights for one in alone])
    for size in SIZES:
        order = dice.permutation(WINDOWS)
        for start in range(0, WINDOWS, size):
            rows = order[start : start + size]
            together = rule.fuse(part(rows))
            assert together.p.tobytes() == p[rows].tobytes()
            assert together.weights.tobytes() == weights[rows].tobytes()


def test_a_temperature_gives_a_window_the_same_bits_in_any_batch():
    temperatures, blend = np.array([1.368492, 1.435977, 0.5]), np.ones((WINDOWS, 1))
    alone = [tempered(EVIDENCE.p[w : w + 1], temperatures, blend[:1]) for w in range(WINDOWS)]
    assert tempered(EVIDENCE.p, temperatures, blend).tobytes() == np.concatenate(alone).tobytes()


def test_the_measures_give_a_window_the_same_bits_in_any_batch():
    measures = {
        "disagreement": lambda e: disagreement(e.p, e.present),
        "uncertainty": lambda e: uncertainty(e.p[:, 0]),
    }
    for measure in measures.values():
        alone = np.concatenate([measure(part(slice(w, w + 1))) for w in range(WINDOWS)])
        assert measure(EVIDENCE).tobytes() == alone.tobytes()


def closed_windows(seed):
    """Return the windows of a drawn call, in the order in which they close."""
    rng = random.Random(seed)
    join = fusion().join()
    for offset, items in enumerate(in_records(rng, interleave(rng, call(rng), duplicates=0.1))):
        join.add(offset, map(record, items))
    return join.take_effects().finals


@pytest.mark.parametrize("name", RULES)
def test_a_final_has_the_same_bytes_alone_and_among_others(name):
    fuser = fusion(RULES[name], {"video": 0.9, "audio": 0.7}).fuser
    windows = [window for seed in range(12) for window in closed_windows(seed)]
    assert len(windows) > 50
    together = fuser.fuse(windows, "final").panes
    assert together == [pane for window in windows for pane in fuser.fuse([window], "final").panes]
    assert all(encode(decode(pane.packed, 1 << 16)) == pane.packed for pane in together)
    halves = [windows[1::2], windows[::2]]
    apart = [pane for half in halves for pane in fuser.fuse(half, "final").panes]
    assert sorted(apart) == sorted(together)


@pytest.mark.parametrize("frames", [1, 127, 128, 300])
@pytest.mark.parametrize("start_ms", [0, 127_000, 65_000, 1_700_000_000_000])
def test_a_final_is_packed_as_the_codec_packs_it_whatever_the_size_of_its_integers(frames, start_ms):
    join = fusion().join()
    for seq in range(frames + 1):
        at_ms = start_ms + (seq if seq < frames else 1000)
        join.add(seq, [record(one_frame(seq, at_ms))])
    (pane,) = fusion().fuser.fuse(join.take_effects().finals, "final").panes
    final = decode(pane.packed, 1 << 16)
    assert encode(final) == pane.packed
    assert (final.session_id, final.start_ms, final.modalities[0].count) == ("s", start_ms, frames)


def one_frame(seq, at_ms):
    return Probabilities(
        session_id="s",
        party="customer",
        modality="video",
        seq=seq,
        start_ms=at_ms,
        end_ms=at_ms,
        watermark_ms=at_ms,
        expects=("video",),
        p=(0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
        quality=0.5,
        model_id="m/\u00ff\u20ac",
    )
