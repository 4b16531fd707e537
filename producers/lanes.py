"""Lanes: which sound of a recording is whose, where it has several channels or several tracks.

A lane is one channel of the only track of sound, or one of several tracks. Where nobody names the lanes, a
recording is read as one voice only if all its lanes carry one: the same sound (also with one channel
inverted, as a wrong cable makes it), or sound on one lane alone. Otherwise two people could be mixed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, zip_longest

import numpy as np
import soxr
from numpy.typing import NDArray

from affectstream.producers.audio import at_rate, mono
from affectstream.producers.chunks import Timeline
from affectstream.producers.media import MediaFile, decode
from affectstream.runtime.log import notice
from affectstream.schemas.errors import InputError

RATE_HZ = 8_000
BLOCK, MINUTE = RATE_HZ // 2, 60 * RATE_HZ  # samples
STRETCH = 120  # blocks with sound are judged together
QUIET_DBFS = -50.0
BELOW_LOUDEST_DB = 30.0
APART_DB = 10.0  # one voice lies this near on all lanes; crosstalk of a telephone lies further below
ALIKE = 0.4  # correlation of one sound on two lanes; of two voices it is below 0.3
MOSTLY = 0.6  # of the blocks are alike where two lanes carry one sound
OFTEN = 0.05  # share of the blocks in which a lane with a voice of its own is not drowned
LAG_MS = 5  # between two microphones in a room
SURROUND = ("5.", "6.", "7.", "hexa", "octa")  # layouts of one scene, not of people

Samples = NDArray[np.float32]
Levels = NDArray[np.float64]


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
    """Return which lanes have sound, and their signs against the first of them; None if they differ.

    They differ where they do in any stretch of the recording: a second person may be put through late.
    """
    level, alike = _measured(file, found)
    audible = level.max(axis=0) > max(QUIET_DBFS, level.max(initial=-120.0) - BELOW_LOUDEST_DB)
    level, alike = level[:, audible], alike[:, :, audible]
    sounding: set[int] = set()
    sums: defaultdict[tuple[int, int], float] = defaultdict(float)  # of correlations, of lanes of one sound
    for blocks in np.array_split(np.arange(level.shape[1]), max(1, level.shape[1] // STRETCH)):
        own = _sounding(level[:, blocks])
        sounding |= set(own)
        for a, b in combinations(own, 2):
            values = alike[a, b, blocks]
            same = values[np.abs(values) >= ALIKE]
            if len(same) < MOSTLY * len(values):
                return sorted(sounding), None
            sums[a, b] += float(same.sum())
    return sorted(sounding), _signs(sorted(sounding), sums)


def _sounding(level: Levels) -> list[int]:
    """Return the lanes that are not drowned by another one throughout: (lanes, blocks)."""
    if not level.size:
        return []
    share = (level > level.max(axis=0) - APART_DB).mean(axis=1)
    return [int(n) for n in np.flatnonzero(share > OFTEN)]


def _signs(sounding: Sequence[int], sums: Mapping[tuple[int, int], float]) -> tuple[int, ...] | None:
    """Return the sign of each lane against the first; None where two never sound in the same stretch."""
    signs = {n: 1 for n in sounding[:1]}
    for _ in sounding:
        for (a, b), total in sums.items():
            sign = 1 if total > 0 else -1
            if a in signs:
                signs.setdefault(b, sign * signs[a])
            elif b in signs:
                signs[a] = sign * signs[b]
    return tuple(signs[n] for n in sounding) if len(signs) == len(sounding) else None


def _measured(file: MediaFile, found: tuple[Lane, ...]) -> tuple[Levels, Levels]:
    """Return the level of each block, in dBFS, (lanes, blocks), and correlations, (lanes, lanes, blocks)."""
    levels, alike = [np.zeros((len(found), 0))], [np.zeros((len(found), len(found), 0))]
    for blocks in _blocks(file, found):  # (lanes, blocks, samples)
        level = 10 * np.log10(np.mean(np.square(blocks, dtype=np.float64), axis=2) + 1e-12)
        levels.append(level)
        alike.append(np.zeros((len(found), *level.shape)))
        for a, b in combinations(range(len(found)), 2):
            near = (np.abs(level[a] - level[b]) <= APART_DB) & (level[a] > QUIET_DBFS - APART_DB)
            alike[-1][a, b, near] = _correlation(blocks[a, near], blocks[b, near])
    return np.concatenate(levels, axis=1), np.concatenate(alike, axis=2)


def _correlation(a: Samples, b: Samples) -> Levels:
    """Return, per block, the correlation of the largest absolute value over the lags of sound in a room."""
    size = 2 * a.shape[-1]
    spectrum = np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size))
    lag = LAG_MS * RATE_HZ // 1000
    around = np.roll(np.fft.irfft(spectrum, size), lag, axis=-1)[:, : 2 * lag + 1]
    largest = np.take_along_axis(around, np.abs(around).argmax(axis=-1)[:, None], axis=-1)[:, 0]
    norm = np.sqrt(np.sum(a**2, axis=-1, dtype=np.float64) * np.sum(b**2, axis=-1, dtype=np.float64))
    correlation: Levels = largest / np.maximum(norm, 1e-12)
    return correlation


def _blocks(file: MediaFile, found: tuple[Lane, ...]) -> Iterator[Samples]:
    """Yield all lanes at 8 kHz in blocks of half a second, a minute at a time: (lanes, blocks, samples)."""
    channels = [[lane.channel for lane in found if lane.track == track] for track in range(len(file.sound))]
    minutes = [_minutes(_signals(file, track, own)) for track, own in enumerate(channels)]
    for parts in zip_longest(*minutes):
        length = max(part.shape[1] for part in parts if part is not None)
        lanes = [
            np.zeros((len(own), length), np.float32)
            if part is None
            else np.pad(part, ((0, 0), (0, length - part.shape[1])))
            for own, part in zip(channels, parts, strict=True)
        ]
        yield np.concatenate(lanes).reshape(len(found), -1, BLOCK)


def _minutes(signals: Iterator[Samples]) -> Iterator[Samples]:
    """Yield samples, (channels, samples), a minute at a time, the last padded to a whole block."""
    waiting: list[Samples] = []
    for signal in signals:
        waiting.append(signal)
        while sum(part.shape[1] for part in waiting) >= MINUTE:
            whole = np.concatenate(waiting, axis=1)
            yield whole[:, :MINUTE]
            waiting = [whole[:, MINUTE:]]
    rest = np.concatenate(waiting, axis=1) if waiting else np.zeros((1, 0), np.float32)
    if rest.shape[1]:
        yield np.pad(rest, ((0, 0), (0, -rest.shape[1] % BLOCK)))


def _signals(file: MediaFile, track: int, channels: Sequence[int | None]) -> Iterator[Samples]:
    """Yield the channels of a track from the zero of the file on, without gaps, at 8 kHz."""
    native_hz, resampler, lines = 0, None, [Timeline(RATE_HZ)]
    for item in decode(file, "audio", Counter(), track):
        if resampler is None:
            native_hz = item.frame.sample_rate
            lines = [Timeline(native_hz) for _ in channels]
            resampler = soxr.ResampleStream(native_hz, RATE_HZ, len(channels), quality="QQ")
        placed = [
            line.place(item.at, at_rate(mono(item.frame, channel), item.frame.sample_rate, native_hz))
            for line, channel in zip(lines, channels, strict=True)
        ]
        for blocks in zip(*placed, strict=True):
            yield resampler.resample_chunk(np.stack(blocks, axis=1)).T
    if resampler:
        yield resampler.resample_chunk(np.zeros((0, len(channels)), np.float32), last=True).T
