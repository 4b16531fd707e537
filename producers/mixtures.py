"""Recordings that mix two people on one lane, found by a transcript that says who speaks when, or by ear.

Where another one speaks, a lane that carries its own party alone is quiet: crosstalk of a telephone lies far
below a voice. One that is about as loud then mixes both, and nobody can tell whose emotion a window shows.
Without a transcript the voices themselves are compared, which errs more: whoever states whose a lane is, is
believed.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from affectstream.producers.audio import mono
from affectstream.producers.media import MediaFile, decode
from affectstream.producers.voices import voices
from affectstream.schemas.errors import InputError

BLOCK_MS = 100
LONGEST_S = 600  # of a recording are compared
ENOUGH_MS = 2_000  # of each speaker's words
APART_DB = 10.0  # crosstalk lies further below the own voice

Spans = tuple[tuple[int, int], ...]  # ms after the zero of the recording


def check(file: MediaFile, own: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> None:
    """Raise InputError where ``others`` are about as loud in a recording as its own party is."""
    alone, theirs = _without(own, others), _without(others, own)
    if min(_length(alone), _length(theirs)) < ENOUGH_MS:
        return
    own_db, other_db = _loudness(file, alone), _loudness(file, theirs)
    if other_db > own_db - APART_DB:
        raise InputError(
            f"{file.path}: mixes both parties on one track: it is as loud where the transcript has another "
            "one speaking. Give each party a channel or a file of its own; or read it whole with --channels "
            "both, as one party `other` whose windows are nobody's"
        )


def check_voices(file: MediaFile) -> None:
    """Raise InputError where two voices seem to speak in a recording of one party."""
    if voices(file).mixed:
        raise InputError(
            f"{file.path}: two voices seem to speak on its one track. Give each party a channel or a file of "
            "its own; read it whole with --channels both, as one party `other` whose windows are nobody's; "
            "or say with --channels customer that the customer alone speaks there"
        )


def _without(spans: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> Spans:
    """Return the blocks in which only ``spans`` speak."""
    blocks = {at for start, end in spans for at in range(start // BLOCK_MS + 1, end // BLOCK_MS)}
    blocks -= {at for start, end in others for at in range(start // BLOCK_MS, end // BLOCK_MS + 1)}
    return tuple((at * BLOCK_MS, (at + 1) * BLOCK_MS) for at in sorted(blocks))


def _length(spans: Spans) -> int:
    return sum(end - start for start, end in spans if end <= LONGEST_S * 1000)


def _loudness(file: MediaFile, spans: Spans) -> float:
    """Return the loudness of some blocks in dB of full scale: their upper quartile, as words have gaps."""
    levels = _levels(file)
    found = [levels[start // BLOCK_MS] for start, _ in spans if start // BLOCK_MS < len(levels)]
    return float(np.percentile(found, 75)) if found else -120.0


@lru_cache(maxsize=8)
def _levels(file: MediaFile) -> NDArray[np.float64]:
    """Return the level of each block of a recording's beginning, in dB of full scale."""
    levels: list[float] = []
    waiting = np.zeros(0, np.float32)
    for item in decode(file, "audio", Counter()):
        waiting = np.concatenate([waiting, mono(item.frame, None)])
        size = item.frame.sample_rate * BLOCK_MS // 1000
        while len(waiting) >= size:
            power = float(np.mean(np.square(waiting[:size], dtype=np.float64)))
            levels.append(10 * np.log10(power + 1e-12))
            waiting = waiting[size:]
        if len(levels) * BLOCK_MS > LONGEST_S * 1000:
            break
    return np.array(levels)
