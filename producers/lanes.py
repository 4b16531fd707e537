"""Lanes: which sound of a recording is whose, where it has several channels or several tracks.

A lane is one channel of the only track of sound, or one of several tracks. Where nobody names the lanes, a
recording is read as one voice only if all its lanes carry one: the same sound (also with one channel
inverted, as a wrong cable makes it), or sound on one lane alone. Otherwise two people could be mixed.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
import soxr
from numpy.typing import NDArray

from affectstream.producers.audio import mono
from affectstream.producers.media import MediaFile, decode
from affectstream.producers.notices import notice
from affectstream.schemas.errors import InputError

RATE_HZ = 8_000
BLOCK_S = 0.5
LONGEST_S = 600  # of a recording are compared
ENOUGH = 240  # blocks with sound
QUIET_DBFS = -50.0
BELOW_LOUDEST_DB = 30.0
APART_DB = 10.0  # one voice lies this near on all lanes; crosstalk of a telephone lies further below
ALIKE = 0.4  # correlation of one sound on two lanes; of two voices it is below 0.3
OFTEN = 0.05  # share of the blocks in which a lane with a voice of its own is not drowned
LAG_MS = 5  # between two microphones in a room
SURROUND = ("5.", "6.", "7.", "hexa", "octa")  # layouts of one scene, not of people

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Lane:
    """A track of sound, by number, and one of its channels, or all of them mixed."""

    track: int = 0
    channel: int | None = None


def lanes(file: MediaFile) -> tuple[Lane, ...]:
    """Return the lanes of a recording in their order: its tracks if there are several, else its channels."""
    if len(file.sound) > 1:
        return tuple(Lane(number) for number in range(len(file.sound)))
    return tuple(Lane(0, channel) for channel in range(file.channels))


def named(file: MediaFile, number: int) -> Lane:
    """Return the lane of that number, from 0; raises InputError where there is none."""
    found = lanes(file)
    if not 0 <= number < len(found):
        kind = "sound track" if len(file.sound) > 1 else "audio channel"
        raise InputError(f"{file.path}: no {kind} {number}; it has {len(found)}, from 0")
    return found[number]


@lru_cache(maxsize=32)
def only(file: MediaFile) -> Lane:
    """Return what is read where all sound of a recording belongs to one party and no lane is named.

    Raises InputError where the lanes carry different sounds.
    """
    found = lanes(file)
    if len(found) < 2 or file.sound[0].layout.startswith(SURROUND):
        return Lane()
    what = f"{len(found)} {'sound tracks' if len(file.sound) > 1 else 'channels'}"
    sounding, signs = compare(file, found)
    if signs is None:
        raise InputError(
            f"{file.path}: its {what} carry different sounds; say who is on which with --channels, for "
            f"instance `--channels {_example(len(found))}` (- is nobody), or that all of them are one "
            "party's with `--channels mix`"
        )
    if len(sounding) == 1 and len(found) > 1:
        notice(file.path, f"of {what} only number {sounding[0]} (from 0) has sound; it is read")
        return found[sounding[0]]
    if -1 in signs:
        notice(file.path, "one channel carries the other one inverted; the first is read")
        return found[sounding[0]]
    if len(file.sound) > 1:
        notice(file.path, f"{what} carry the same sound; the first is read; --channels chooses another")
        return found[sounding[0] if sounding else 0]
    return Lane()


def _example(n: int) -> str:
    return ",".join(["customer", "-", *["-"] * (n - 2)])


def compare(file: MediaFile, found: tuple[Lane, ...]) -> tuple[list[int], tuple[int, ...] | None]:
    """Return which lanes have sound, and their signs against the first of them; None if they differ."""
    blocks = _blocks(file, found)  # (lanes, blocks, samples)
    level = 10 * np.log10(np.mean(np.square(blocks, dtype=np.float64), axis=2) + 1e-12)  # (lanes, blocks)
    audible = level.max(axis=0) > max(QUIET_DBFS, level.max(initial=-120.0) - BELOW_LOUDEST_DB)
    blocks, level = blocks[:, audible][:, :ENOUGH], level[:, audible][:, :ENOUGH]
    if not level.size:
        return [], ()
    share = (level > level.max(axis=0) - APART_DB).mean(axis=1)
    sounding = [n for n in range(len(found)) if share[n] > OFTEN]
    signs = {n: 1 for n in sounding[:1]}
    for a, b in combinations(sounding, 2):
        sign = _sign(blocks[a], blocks[b], level[a], level[b])
        if sign == 0:
            return sounding, None
        signs.setdefault(b, sign * signs.get(a, 1))
    return sounding, tuple(signs[n] for n in sounding)


def _sign(a: Samples, b: Samples, level_a: NDArray[np.float64], level_b: NDArray[np.float64]) -> int:
    """Return 1 for the same sound on two lanes, -1 for an inverted one, 0 for different sounds."""
    apart = np.abs(level_a - level_b) > APART_DB
    alike = np.array([0.0 if far else _correlation(x, y) for x, y, far in zip(a, b, apart, strict=True)])
    same = np.abs(alike) >= ALIKE
    if same.mean() < 0.6:
        return 0
    return 1 if alike[same].mean() > 0 else -1


def _correlation(a: Samples, b: Samples) -> float:
    """Return the correlation of the largest absolute value over the lags of sound in a room."""
    size = 2 * len(a)
    spectrum = np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size))
    lag = LAG_MS * RATE_HZ // 1000
    around = np.roll(np.fft.irfft(spectrum, size), lag)[: 2 * lag + 1]
    norm = float(np.sqrt(np.sum(a**2, dtype=np.float64) * np.sum(b**2, dtype=np.float64)))
    return float(around[np.abs(around).argmax()]) / norm if norm > 0 else 0.0


def _blocks(file: MediaFile, found: tuple[Lane, ...]) -> Samples:
    """Return the beginning of all lanes at 8 kHz in blocks of half a second: (lanes, blocks, samples)."""
    signals = [part for track in range(len(file.sound)) for part in _signals(file, track, found)]
    size = int(BLOCK_S * RATE_HZ)
    count = max(1, -(-max(len(signal) for signal in signals) // size))
    padded = [np.pad(signal, (0, count * size - len(signal))) for signal in signals]
    return np.stack(padded).reshape(len(signals), count, size)


def _signals(file: MediaFile, track: int, found: tuple[Lane, ...]) -> list[Samples]:
    own = [lane for lane in found if lane.track == track]
    parts: list[list[Samples]] = [[] for _ in own]
    rate_hz, seconds = RATE_HZ, 0.0
    for item in decode(file, "audio", Counter(), track):
        rate_hz = item.frame.sample_rate
        for lane, kept in zip(own, parts, strict=True):
            kept.append(mono(item.frame, lane.channel))
        seconds += item.frame.samples / rate_hz
        if seconds >= LONGEST_S:
            break
    return [_resampled(np.concatenate([*kept, np.zeros(1, np.float32)]), rate_hz) for kept in parts]


def _resampled(signal: Samples, rate_hz: int) -> Samples:
    resampled: Samples = soxr.resample(signal, rate_hz, RATE_HZ, quality="QQ")
    return resampled
