"""Windows over a signal: what they cover, where they lie, how the last one ends."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.chunks import Chunker
from affectstream.producers.timeline import Timeline
from affectstream.schemas.errors import InputError


def cut(samples, rate_hz, block=1024, **lengths):
    chunker = Chunker(rate_hz, **lengths)
    found = [c for i in range(0, len(samples), block) for c in chunker.push(samples[i : i + block])]
    return [*found, *chunker.finish()]


def ramp(n):
    return (np.arange(n) % 30_000).astype(np.float32) / 32_768


@pytest.mark.parametrize(
    ("length_ms", "intervals"),
    [
        # 0    1    2    3    4    5 s
        # [---------)
        #      [---------)
        #           [---------)
        (5_000, [(0, 2000), (1000, 3000), (2000, 4000), (3000, 5000)]),
        (5_300, [(0, 2000), (1000, 3000), (2000, 4000), (3000, 5000), (4000, 5300)]),
        (2_000, [(0, 2000)]),
        (2_001, [(0, 2000), (1000, 2001)]),
        (700, [(0, 700)]),
        (1, [(0, 1)]),
        (0, []),
    ],
)
def test_the_last_window_is_shortened_and_left_out_where_it_adds_nothing(length_ms, intervals):
    found = cut(ramp(8 * length_ms), 8_000)
    assert [(c.start_ms, c.end_ms) for c in found] == intervals


@given(
    n=st.integers(0, 60_000),
    rate_hz=st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000]),
    block=st.integers(1, 9_000),
    lengths=st.sampled_from([(2000, 1000), (1500, 1500), (900, 250), (333, 111)]),
)
def test_every_sample_is_covered_at_its_own_time_however_it_arrives(n, rate_hz, block, lengths):
    samples = ramp(n)
    chunk_ms, hop_ms = lengths
    covered = np.zeros(n, bool)
    settled = 0
    for chunk in cut(samples, rate_hz, block=max(block, n // 50 + 1), chunk_ms=chunk_ms, hop_ms=hop_ms):
        first = round(Fraction(chunk.start_ms * rate_hz, 1000) + Fraction(1, 10**9))
        pcm = np.frombuffer(chunk.pcm, "<i2")
        assert np.array_equal(pcm, np.rint(samples[first : first + len(pcm)] * 32_768).astype("<i2"))
        assert chunk.start_ms >= settled
        assert abs(len(pcm) - (chunk.end_ms - chunk.start_ms) * rate_hz / 1000) <= rate_hz / 1000
        settled = chunk.settled_ms
        covered[first : first + len(pcm)] = True
    assert covered[: max(0, n - rate_hz // 1000)].all()


def test_loud_samples_are_clipped_and_not_wrapped():
    pcm = cut(np.repeat(np.array([2.0, -2.0], np.float32), 8), 8_000)[0].pcm
    assert set(np.frombuffer(pcm, "<i2")) == {32_767, -32_768}


@pytest.mark.parametrize("lengths", [{"hop_ms": 0}, {"chunk_ms": 500}, {"chunk_ms": 60_000}])
def test_impossible_lengths_are_refused(lengths):
    with pytest.raises(InputError):
        Chunker(48_000, **lengths)


def placed(*blocks, rate_hz=1000):
    timeline = Timeline(rate_hz)
    parts = [p for at, n in blocks for p in timeline.place(Fraction(at), np.ones(n, np.float32))]
    return "".join("x" if value else "." for value in np.concatenate(parts)[::100])


@pytest.mark.parametrize(
    ("blocks", "picture"),
    [
        ([("0", 500), ("0.5", 500)], "xxxxxxxxxx"),
        ([("0", 500), ("0.8", 200)], "xxxxx...xx"),
        ([("0.3", 200)], "...xx"),
        ([("0", 500), ("0.2", 600)], "xxxxxxxx"),
        ([("0", 500), ("0.1", 200)], "xxxxx"),
        ([("0", 500), ("0.509", 500)], "xxxxxxxxxx"),
    ],
)
def test_gaps_are_filled_overlaps_cut_and_jitter_is_left(blocks, picture):
    assert placed(*blocks) == picture
