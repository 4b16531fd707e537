"""Windows of a recording: those of its spoken part, and those that the stream cuts."""

import numpy as np
import pytest

from affectstream.lab.evaluation import windows
from affectstream.producers.chunks import Chunker, to_pcm


def test_windows_cover_the_spoken_part() -> None:
    t = np.arange(24_000) / 16_000
    swell = np.sin(np.pi * ((t - 0.4) / 0.7).clip(0, 1)) ** 2
    noise = np.random.default_rng(0).normal(0, 1e-4, len(t))
    samples = (0.2 * np.sin(2 * np.pi * 101 * t) * swell + noise).astype(np.float32)
    ((start, end),) = windows.clip_spans(samples, 16_000)
    assert end - start == 2.0
    assert start == pytest.approx(0.75 - 1.0, abs=0.1)
    long = np.concatenate([samples[:8000], np.tile(samples[8000:16000], 8)])
    starts = [start for start, _ in windows.clip_spans(long, 16_000)]
    assert len(starts) >= 6
    assert np.diff(starts).max() <= 0.5


def test_a_window_reaching_beyond_the_clip_is_padded() -> None:
    ones = np.ones(16_000, np.float32)
    assert windows.cut(ones, 16_000, (-0.5, 1.5)).nonzero()[0].tolist()[:1] == [8_000]
    assert windows.cut(ones, 16_000, (0.5, 2.5)).sum() == 8_000


def test_the_stream_is_cut_as_producers_cut_it() -> None:
    t = np.arange(4.3 * 16_000) / 16_000
    swell = 0.05 + 0.3 * (t * 5 // 1 % 2)
    samples = (np.sin(2 * np.pi * 180 * t) * swell).astype(np.float32)
    spans = windows.stream_spans(samples, 16_000)
    np.testing.assert_allclose(spans, [(0, 1), (0, 2), (1, 3), (2, 4), (2.3, 4.3)])
    chunker = Chunker(16_000)
    chunks = [*chunker.push(samples), *chunker.finish()]
    assert [to_pcm(windows.cut(samples, 16_000, span)) for span in spans] == [c.pcm for c in chunks]
