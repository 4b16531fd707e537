"""Time stamps of a recording: one reading of all its packets, without decoding, and how they are repaired."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from affectstream.producers.clock import ClockRepair
from affectstream.producers.containers import Part, opened

Damage = Counter[Path]
"""How many packets, frames or missing ends of each file could not be used."""

Track = tuple[int, int]  # number of the part, index of the stream in it
Shifts = Mapping[Track, tuple[tuple[int, Fraction], ...]]
"""From which packet of a track on its stamps are shifted by how many seconds."""


def streams_of(container: Any) -> list[Any]:
    """Return the tracks of pictures and sound whose codec is known."""
    return [s for s in container.streams if s.type in ("video", "audio") and s.codec_context is not None]


def scan(path: Path, found: tuple[Part, ...]) -> tuple[ClockRepair, Shifts, Mapping[Track, int]]:
    """Read all packets, without decoding them, and return the repair of their clock."""
    clock = ClockRepair()
    shifts: defaultdict[Track, list[tuple[int, Fraction]]] = defaultdict(list)
    packets: Counter[Track] = Counter()
    for number, part in enumerate(found):
        clock.begin_file()
        with opened(path, part) as container:
            streams = streams_of(container)
            base = {s.index: float(s.time_base) for s in streams}
            for packet in packets_of(container, streams, Counter(), path):
                index = packet.stream.index
                track = number, index
                shown = packet.dts if packet.pts is None else packet.pts
                if shown is not None:
                    decoded_s = None if packet.dts is None else packet.dts * base[index]
                    length_s = (packet.duration or 0) * base[index]
                    shift = clock.shift(
                        packet.stream.type + str(index), decoded_s, shown * base[index], length_s
                    )
                    if shift != (shifts[track][-1][1] if shifts[track] else 0):
                        shifts[track].append((packets[track], shift))
                packets[track] += 1
    return clock, {track: tuple(its) for track, its in shifts.items()}, packets


def packets_of(container: Any, streams: Any, damage: Damage, path: Path) -> Iterator[Any]:
    """Yield the packets of some tracks; where the file breaks off, count that in ``damage``."""
    if not streams:  # of which FFmpeg would read all others
        return
    packets = container.demux(streams)
    while True:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, IndexError):  # the latter: of a track that begins within the file
            damage[path] += 1
            return
        if packet is None:
            return
        yield packet
