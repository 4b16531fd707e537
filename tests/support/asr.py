"""A speech detector and a recogniser whose answers can be told from the sound, and sound for them."""

import numpy as np

from affectstream.models.asr.speech import FRAME_MS
from affectstream.schemas.messages import AudioChunk, EndOfStream

RATE_HZ = 8_000
START_MS = 1_700_000_000_000 // 30_000 * 30_000
LOUD, FAINT = 0.5, 0.125  # as loud as the speech is likely: certain, and between going on and beginning


class Loudness:
    """Speech is as likely as the sound is loud."""

    def probabilities(self, samples, rate_hz):
        frame = rate_hz * FRAME_MS // 1000
        frames = samples[len(samples) % frame :].reshape(-1, frame)
        return 2 * np.abs(frames).mean(axis=1, dtype=np.float64).astype(np.float32)


class Lengths:
    """The words are how long the loud part of the sound is, in tenths of a second at 16 kHz."""

    model_id = "lengths"

    def __init__(self):
        self.heard = []

    def transcribe(self, samples):
        self.heard.append(len(samples))
        return f"{round(np.count_nonzero(np.abs(samples) > 0.1) / 1600)} tenths"


def sound(*parts):
    """Samples of (seconds, level) one after the other."""
    return np.concatenate([np.full(round(s * RATE_HZ), level, np.float32) for s, level in parts])


def chunks(samples, party="customer", session="s", start_ms=START_MS, hop_ms=1000, **fields):
    """The chunks of a sound, two seconds each, and the end of its stream; their words are wanted."""
    base = {"session_id": session, "party": party, "expects": ("audio", "text")}
    total_ms = len(samples) * 1000 // RATE_HZ
    found = []
    for seq, at_ms in enumerate(range(0, total_ms, hop_ms)):
        end_ms = min(at_ms + hop_ms, total_ms)
        window = samples[max(0, (end_ms - 2000) * RATE_HZ // 1000) : end_ms * RATE_HZ // 1000]
        times = {"start_ms": start_ms + at_ms, "end_ms": start_ms + end_ms, "watermark_ms": start_ms + end_ms}
        pcm = (window * 32767).astype("<i2").tobytes()
        found.append(
            AudioChunk(**base, seq=seq, **times, pcm=pcm, rate_hz=RATE_HZ, **{"transcribe": True, **fields})
        )
    at = {name: start_ms + total_ms for name in ("start_ms", "end_ms", "watermark_ms")}
    return [*found, EndOfStream(**base, modality="audio", seq=len(found), **at)]
