"""The recogniser on calls and clips whose words are known: word error rate, load, latency, effect of errors.

Known are the words of the demo call (synthetic voices), of RAVDESS (two sentences) and TESS ("Say the word
..."), both acted. Each is read as recorded and by a telephone of 8 kHz, 300 to 3400 Hz.
"""

import csv
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from affectstream.models.text.model import TextModel
from affectstream.models.voice.quality import Floats
from affectstream.producers.chunks import Chunker
from affectstream.producers.transcripts import load
from affectstream.runtime.settings import Settings
from affectstream.schemas.messages import AudioChunk
from affectstream.workers.asr.listener import Listener, listeners
from benchmarks.measure import Row, percentile
from benchmarks.recording import FILE

TELEPHONE_HZ = 8_000
BAND_HZ = 300, 3400
CLIPS = 40
DIGITS = "zero one two three four five six seven eight nine".split()  # noqa: SIM905


@dataclass(frozen=True)
class Recording:
    """One party's sound, and what is said in it."""

    samples: Floats
    rate_hz: int
    words: str


@dataclass(frozen=True)
class Read:
    """What a recogniser made of recordings, in which time, and how long after its end each line was sent."""

    texts: list[str]
    cpu_s: float
    sound_s: float
    delays_ms: list[float]


def rows(settings: Settings, small: bool) -> Iterator[Row]:
    """Yield word error rates, load and latency, and how far the text model's answers move."""
    new = listeners(
        settings.model_copy(update={"policy": settings.policy.model_copy(update={"redact": False})})
    )
    sets = {"demo call, synthetic voices": demo()}
    if data := os.environ.get("AFFECT_DATA"):
        most = 4 if small else CLIPS
        sets["RAVDESS, two sentences"] = ravdess(Path(data), most)
        sets["TESS, say the word"] = tess(Path(data), most)
    for name, recordings in sets.items():
        for how, each in (("as recorded", recordings), ("by telephone", [telephone(r) for r in recordings])):
            found = read(new, each)
            errors = sum(distance(words(r.words), words(t)) for r, t in zip(each, found.texts, strict=True))
            total = sum(len(words(r.words)) for r in each)
            yield Row(f"words wrong, {name}, {how}", 100 * errors / total, f"% of {total} words")
    yield invented(new)
    if data:
        yield from call(new, Path(data), 30 if small else 120)
    yield from moved(settings)


def read(new: Callable[[], Listener], recordings: Sequence[Recording]) -> Read:
    """Return what the recogniser makes of recordings, chunk by chunk as in the stream."""
    texts: list[str] = []
    delays: list[float] = []
    cpu_s = 0.0
    for recording in recordings:
        listener, found = new(), []
        for chunk in chunks(recording):
            began_s = time.process_time()
            answers = listener.hear(chunk)
            took_s = time.process_time() - began_s
            cpu_s += took_s
            said = [t for t in answers if t.text]
            delays += [chunk.end_ms - t.end_ms + 1000 * took_s for t in said]
            found += said
        found += [t for t in listener.give_up(chunk) if t.text]
        texts.append(" ".join(t.text for t in found))
    return Read(texts, cpu_s, sum(len(r.samples) / r.rate_hz for r in recordings), delays)


def chunks(recording: Recording) -> Iterator[AudioChunk]:
    """Yield a recording's chunks, and a second of silence after it."""
    chunker = Chunker(recording.rate_hz)
    padded = np.concatenate([recording.samples, np.zeros(recording.rate_hz, np.float32)])
    base = {"session_id": "bench", "party": "customer", "expects": ("audio", "text"), "transcribe": True}
    for seq, chunk in enumerate([*chunker.push(padded), *chunker.finish()]):
        times = {"start_ms": chunk.start_ms, "end_ms": chunk.end_ms, "watermark_ms": chunk.end_ms}
        yield AudioChunk(**base, seq=seq, **times, pcm=chunk.pcm, rate_hz=recording.rate_hz)


def invented(new: Callable[[], Listener]) -> Row:
    """Return how many words are found where nobody speaks: noises, tones and chords by telephone."""
    from benchmarks.silence import LEVELS_DBFS, OF_EACH, SOUNDS, at_level

    rng, sounds = np.random.default_rng(5), []
    for make in SOUNDS.values():
        for level in LEVELS_DBFS:
            made = [at_level(make(rng, TELEPHONE_HZ), level) for _ in range(OF_EACH)]
            sounds.append(Recording(np.concatenate(made), TELEPHONE_HZ, ""))
    found = read(new, sounds)
    count = sum(len(words(text)) for text in found.texts)
    return Row("words where nobody speaks, by telephone", count, f"in {found.sound_s:.0f} s")


def demo() -> list[Recording]:
    """Return the lines of the demo call that its transcript has, each as a recording."""
    found = []
    for party, name in (("Customer", "customer.mp4"), ("Agent", "agent.flac")):
        samples, rate_hz = sound(FILE.parent / name)
        for line in load(FILE.parent / "transcript.vtt"):
            if line.speaker == party:
                begin, end = (max(0, ms) * rate_hz // 1000 for ms in (line.start_ms - 200, line.end_ms + 200))
                found.append(Recording(samples[begin:end], rate_hz, line.text))
    return found


def sound(path: Path) -> tuple[Floats, int]:
    """Return all sound of a file, mono, and its rate."""
    from collections import Counter

    from affectstream.producers import audio, media

    blocks = list(audio.signal(media.probe(path), None, Counter()))
    return np.concatenate([samples for _, samples in blocks]), blocks[0][0]


def ravdess(data: Path, most: int) -> list[Recording]:
    """Return clips of RAVDESS, evenly over the corpus."""
    lines = list(csv.DictReader((data / "ravdess" / "labels.csv").open()))[:: max(1, 1200 // most)]
    return [
        Recording(*soundfile.read(data / "ravdess" / each["path"], dtype="float32"), each["statement"])
        for each in lines
    ]


def tess(data: Path, most: int) -> list[Recording]:
    """Return clips of TESS, evenly over the corpus."""
    lines = list(csv.DictReader((data / "tess" / "labels.csv").open()))[:: max(1, 2800 // most)]
    return [
        Recording(
            *soundfile.read(data / "tess" / each["path"], dtype="float32"), f"say the word {each['sentence']}"
        )
        for each in lines
    ]


def telephone(recording: Recording) -> Recording:
    """Return a recording as a telephone carries it."""
    narrow = soxr.resample(recording.samples, recording.rate_hz, TELEPHONE_HZ)
    spectrum = np.fft.rfft(narrow)
    hz = np.fft.rfftfreq(len(narrow), 1 / TELEPHONE_HZ)
    spectrum[(hz < BAND_HZ[0]) | (hz > BAND_HZ[1])] = 0
    samples = np.fft.irfft(spectrum, len(narrow)).astype(np.float32)
    return replace(recording, samples=samples, rate_hz=TELEPHONE_HZ)


def call(new: Callable[[], Listener], data: Path, seconds: int) -> Iterator[Row]:
    """Yield load and latency on a real call of two parties, by telephone."""
    sides = []
    for name in ("caller", "agent"):
        samples, rate_hz = soundfile.read(data / "calls" / f"auto_repairs_40_{name}.flac", dtype="float32")
        sides.append(Recording(samples[: seconds * rate_hz], rate_hz, ""))
    found = read(new, sides)
    yield Row("calls of two parties that a core bears, a real one", seconds / found.cpu_s, "calls a core")
    yield Row(
        "processor time of the recogniser, the same", 1000 * found.cpu_s / found.sound_s, "ms per s of sound"
    )
    for share in (0.5, 0.99):
        delay = percentile(found.delays_ms, share)
        yield Row(f"from the end of an utterance to its words, p{100 * share:g}", delay, "ms on a free core")


def moved(settings: Settings) -> Iterator[Row]:
    """Yield how far recognised words move the text model's answers, over the lines of the demo call."""
    model = TextModel(rows=1)
    model.load("cpu")
    lines = [telephone(line) for line in demo()]
    texts = read(listeners(settings), lines).texts
    pairs = [(line.words, text) for line, text in zip(lines, texts, strict=True) if text]
    true, found = (model.predict([model.prepare(p[i]) for p in pairs]).p for i in (0, 1))
    same = float(np.mean(true.argmax(axis=1) == found.argmax(axis=1)))
    moved_by = float(np.mean(np.abs(true - found).sum(axis=1) / 2))
    yield Row(
        "lines of the demo call with the same emotion in their recognised words",
        100 * same,
        f"% of {len(pairs)}",
    )
    yield Row("probability that recognised words move, the same", 100 * moved_by, "%, mean")


def words(text: str) -> list[str]:
    """Return the words of a text as they are compared: lower case, digits as words."""
    spelt = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", text.casefold().replace("-", " "))
    return re.findall(r"[a-z']+", spelt)


def distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Return the least number of words to insert, delete or replace that makes one of the other."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (x != y))
    return row[-1]
