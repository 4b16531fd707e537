"""How fast the workers' analysts are, without Kafka."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from affectstream.producers.session import SessionMessage, messages
from affectstream.runtime.settings import Settings
from affectstream.schemas.messages import MODALITIES, Modality
from affectstream.workers import audio, text, video
from affectstream.workers.observe import Analyst, observe
from benchmarks.measure import Row, compare
from benchmarks.recording import demo

UNITS = {"video": "frames/s", "audio": "chunks/s", "text": "utterances/s"}
WHAT = {
    "video": "video: decode, detect, crop, predict",
    "audio": "audio: silence gate, features, predict",
    "text": "text: tokenise with context, predict",
}
MOST = 96


def rows(settings: Settings) -> Iterator[Row]:
    """Yield one row per modality: batches against one input at a time."""
    analysts: dict[Modality, Analyst[Any]] = {
        "video": video.analyst(settings),
        "audio": audio.analyst(settings),
        "text": text.analyst(settings),
    }
    spoken = [m for m in messages(demo("bench")) if getattr(m, "text", "-")]
    for modality in MODALITIES:
        inputs = list(islice((m for m in spoken if m.modality == modality and m.type != "eos"), MOST))
        size = getattr(settings, modality).batch_rows
        yield compare(
            WHAT[modality],
            UNITS[modality],
            lambda m=modality, i=inputs, s=size: in_batches(analysts[m], i, s),
            "one input at a time",
            lambda m=modality, i=inputs: in_batches(analysts[m], i, 1),
            rounds=3,
        )


def in_batches(analyst: Analyst[Any], inputs: Sequence[SessionMessage], size: int) -> int:
    """Observe the inputs in batches and return how many there were."""
    for start in range(0, len(inputs), size):
        observe(analyst, inputs[start : start + size], "synthetic")
    return len(inputs)
