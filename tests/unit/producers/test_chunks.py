"""Windows over a signal: what they cover, where they lie, how the last one ends."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.chunks import Chunker, Timeline
from affectstream.schemas.errors import InputError


def cut(samples, rate_hz, block=1024, **lengths):
    chunker = Chunker(rate_hz, **lengths)
    found = [c for i in range(0, len(samples), block) for c in chunker.push(samples[i : i + block])]
    return [*found, *chunker.finish()]


def ramp(n):
    return (np.arange(n) % 30_000).astype(np.float32) / 32_768


@pytest.mark.parametrize(
    ("length_ms", "hops", "pcm_ms"),
    [
        # 0    1    2    3    4    5 s
        # |hhhh|
        # |cccc|hhhh|
        #      |cccc|hhhh|
        #           |cccc|hhhh|
        (4_000, [(0, 1000), (1000, 2000), (2000, 3000), (3000, 4000)], [1000, 2000, 2000, 2000]),
        # ..           |cccccccc|h|
        (4_300, [(0, 1000), (1000, 2000), (2000, 3000), (3000, 4000), (4000, 4300)], [1000, *[2000] * 4]),
        (1_000, [(0, 1000)], [1000]),
        (1_001, [(0, 1000), (1000, 1001)], [1000, 1001]),
        (700, [(0, 700)], [700]),
        (1, [(0, 1)], [1]),
        (0, [], []),
    ],
)
def test_a_chunk_states_its_last_hop_and_holds_the_window_that_ends_there(length_ms, hops, pcm_ms):
    found = cut(ramp(8 * length_ms), 8_000)
    assert [(c.start_ms, c.end_ms) for c in found] == hops
    assert [len(c.pcm) / 2 / 8 for c in found] == pcm_ms


def test_hops_end_with_the_windows_whenever_the_signal_begins():
    # 0         1         2         3 s of the epoch
    # |    [hhhh|hhhhhhhhh|hhhhhh)  |
    found = cut(ramp(8 * 2_100), 8_000, zero_ms=7_000_000_600)
    assert [(c.start_ms, c.end_ms) for c in found] == [(0, 400), (400, 1400), (1400, 2100)]
    assert [len(c.pcm) / 2 / 8 for c in found] == [400, 1400, 2000]


@given(
    n=st.integers(0, 60_000),
    rate_hz=st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000]),
    block=st.integers(1, 9_000),
    lengths=st.sampled_from([(2000, 1000), (1500, 1500), (900, 250), (333, 111)]),
    zero_ms=st.one_of(st.just(0), st.integers(0, 1 << 41)),
)
def test_every_sample_is_in_the_hop_of_exactly_one_chunk_however_it_arrives(
    n, rate_hz, block, lengths, zero_ms
):
    samples = ramp(n)
    chunk_ms, hop_ms = lengths
    found = cut(samples, rate_hz, max(block, n // 50 + 1), chunk_ms=chunk_ms, hop_ms=hop_ms, zero_ms=zero_ms)
    reached_ms = reached = 0  # where the hop of the last chunk ended
    for chunk in found:
        assert chunk.start_ms == reached_ms < chunk.end_ms <= chunk.start_ms + hop_ms
        pcm = np.frombuffer(chunk.pcm, "<i2")
        begin = max(0, index(chunk.end_ms - chunk_ms, rate_hz))
        stop = begin + len(pcm)
        if chunk is not found[-1]:
            assert (zero_ms + chunk.end_ms) % hop_ms == 0
            assert stop == index(chunk.end_ms, rate_hz)
        assert begin <= reached < stop
        assert abs(stop - index(chunk.end_ms, rate_hz)) <= rate_hz / 2000 + 1
        assert np.array_equal(pcm, np.rint(samples[begin:stop] * 32_768).astype("<i2"))
        reached_ms, reached = chunk.end_ms, stop
    assert 0 <= n - reached <= rate_hz / 2000


def index(ms, rate_hz):
    return round(Fraction(ms * rate_hz, 1000) + Fraction(1, 10**9))


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
