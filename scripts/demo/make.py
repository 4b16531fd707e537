"""Makes the demo session in affectstream/demo_call with a drawn face and synthesised voices.

Run it as ``.venv/bin/python scripts/demo/make.py`` after ``uv pip install -r scripts/demo/requirements.txt``.
The committed media were made by it; the same versions of hibari, x264 and FFmpeg give the same bytes.
"""

import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from picture import FPS, HEIGHT, WIDTH, Picture, Stage, film
from screenplay import ABOUT, LINES, TAIL_S
from speech import RATE_HZ, Spoken, loudness, perform, track

FOLDER = Path(__file__).parents[2] / "affectstream" / "demo_call"
AAC_FRAME = 1024


def main() -> None:
    """Speak, film and write everything down."""
    performed = perform(LINES)
    length_s = performed[-1].end_s + TAIL_S
    events = happenings(performed)
    when = {str(event["event"]): (event["start_s"], event["end_s"]) for event in events}
    voice = track(performed, "customer", noise=True)
    faces = [(spoken.start_s, *spoken.line.face) for spoken in performed if spoken.line.face]
    stage = Stage(when["out of focus"], when["face hidden"], faces, loudness(voice, FPS))
    FOLDER.mkdir(exist_ok=True)
    write_movie(FOLDER / "customer.mp4", film(stage, length_s), voice)
    write_sound(FOLDER / "agent.flac", track(performed, "agent", noise=False))
    (FOLDER / "transcript.vtt").write_text(transcript(performed))
    (FOLDER / "session.json").write_text(json.dumps(session(events), indent=2) + "\n")


def happenings(performed: Sequence[Spoken]) -> list[dict[str, object]]:
    """Return what happens when, in seconds, in order."""
    times: dict[str, list[float]] = {}
    for before, spoken in zip([None, *performed], performed, strict=False):
        if spoken.line.event == "after the silence" and before:
            times["silence"] = [before.end_s, spoken.start_s]
        elif spoken.line.event:
            times.setdefault(spoken.line.event, []).extend((spoken.start_s, spoken.end_s))
    found = [(round(min(t), 2), round(max(t), 2), name) for name, t in times.items()]
    return [
        {"event": name, "start_s": start, "end_s": end, "about": ABOUT[name]}
        for start, end, name in sorted(found)
    ]


def session(events: list[dict[str, object]]) -> dict[str, object]:
    """Return what ``affectstream analyze`` reads."""
    return {
        "session": "demo",
        "about": "An invented call about an invoice; no real person is heard or seen. See README.md.",
        "agent_purpose": "synthetic",
        "parties": [
            {"party": "customer", "media": "customer.mp4", "transcript": "transcript.vtt"},
            {"party": "agent", "media": "agent.flac", "transcript": "transcript.vtt"},
        ],
        "events": events,
    }


def transcript(performed: Sequence[Spoken]) -> str:
    """Return the transcribed lines as WebVTT."""
    cues = ["WEBVTT"]
    for spoken in performed:
        if spoken.line.transcribed:
            voice = spoken.line.who.capitalize()
            cues.append(
                f"{stamp(spoken.start_s)} --> {stamp(spoken.end_s)}\n<v {voice}>{spoken.line.words}</v>"
            )
    return "\n\n".join(cues) + "\n"


def stamp(seconds: float) -> str:
    """Return a time as WebVTT writes it."""
    minutes, ms = divmod(round(seconds * 1000), 60_000)
    return f"00:{minutes:02d}:{ms // 1000:02d}.{ms % 1000:03d}"


def write_movie(path: Path, pictures: Iterable[Picture], sound: NDArray[np.int16]) -> None:
    """Write H.264 and AAC, without the time of writing."""
    with av.open(str(path), "w", options={"fflags": "+bitexact", "movflags": "+faststart"}) as container:
        options = {"crf": "29", "preset": "veryslow", "threads": "1"}
        video = container.add_stream("libx264", rate=FPS, options=options)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        audio.bit_rate = 48_000
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        mux_sound(container, audio, sound, AAC_FRAME)


def write_sound(path: Path, sound: NDArray[np.int16]) -> None:
    """Write FLAC."""
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        audio = container.add_stream("flac", rate=RATE_HZ, layout="mono", options={"compression_level": "12"})
        mux_sound(container, audio, sound, 4096)


def mux_sound(
    container: av.container.OutputContainer, stream: object, sound: NDArray[np.int16], n: int
) -> None:
    """Encode and write mono sound in blocks of ``n`` samples."""
    for first in range(0, len(sound), n):
        frame = av.AudioFrame.from_ndarray(sound[None, first : first + n], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, first, Fraction(1, RATE_HZ)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
