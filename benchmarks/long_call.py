"""The demo call over and over, its packets copied with later times, and the first seconds of it."""

import json
import math
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import av

from benchmarks.recording import FILE

PERIOD_S = 60  # the demo call lasts a little less


def write(folder: Path, times: int) -> Path:
    """Write the demo call ``times`` over into a folder; return its session.json."""
    folder.mkdir(parents=True, exist_ok=True)
    session = json.loads(FILE.read_text())
    for party in session["parties"]:
        source = FILE.parent / party["media"]
        party["media"] = f"{source.stem}.mkv"
        _repeat(source, folder / party["media"], times)
    transcript = FILE.parent / "transcript.vtt"
    (folder / transcript.name).write_text("\n\n".join(_cues(transcript.read_text(), times)) + "\n")
    path = folder / "session.json"
    path.write_text(json.dumps({key: session[key] for key in ("session", "agent_purpose", "parties")}))
    return path


def two_cameras(folder: Path, times: int, until_s: float, period_s: int) -> Path:
    """Write a call in which both parties send the customer's first seconds, ``times`` over."""
    folder.mkdir(parents=True, exist_ok=True)
    parties = [{"party": party, "media": f"{party}.mkv"} for party in ("customer", "agent")]
    for party in parties:
        _repeat(FILE.parent / "customer.mp4", folder / party["media"], times, until_s, period_s)
    path = folder / "session.json"
    path.write_text(json.dumps({"session": "two", "agent_purpose": "synthetic", "parties": parties}))
    return path


def clip(folder: Path, seconds: float = 3.0) -> Path:
    """Write the first seconds of the customer, picture and sound, into a folder; return the file."""
    path = folder / "clip.mkv"
    _repeat(FILE.parent / "customer.mp4", path, 1, seconds)
    return path


def _repeat(
    source: Path, target: Path, times: int, until_s: float = math.inf, period_s: int = PERIOD_S
) -> None:
    with av.open(str(target), "w") as out:
        tracks = {}
        for turn in range(times):
            with av.open(str(source)) as given:
                for track in given.streams:
                    if track.index not in tracks:
                        tracks[track.index] = out.add_stream_from_template(track)
                for packet in given.demux():
                    if packet.dts is None or packet.pts * packet.time_base >= until_s:
                        continue  # the demuxer's last, empty one, or what a clip leaves out
                    later = round(turn * period_s / packet.time_base)
                    packet.pts, packet.dts = packet.pts + later, packet.dts + later
                    packet.stream = tracks[packet.stream_index]
                    out.mux(packet)


def _cues(text: str, times: int) -> Iterator[str]:
    head, *cues = text.strip().split("\n\n")
    yield head
    for turn in range(times):
        yield from (re.sub(r"(\d+):(\d+):(\d+)\.", partial(_later, turn), cue) for cue in cues)


def _later(turn: int, at: "re.Match[str]") -> str:
    seconds = 3600 * int(at[1]) + 60 * int(at[2]) + int(at[3]) + turn * PERIOD_S
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}."
