"""How fast the workers' analysts are, without Kafka."""

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import cv2
import numpy as np

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
MOST, FEW = 96, 8


def rows(settings: Settings, small: bool) -> Iterator[Row]:
    """Yield one row per modality: batches against one input at a time."""
    analysts: dict[Modality, Analyst[Any]] = {
        "video": video.analyst(settings),
        "audio": audio.analyst(settings),
        "text": text.analyst(settings),
    }
    spoken = [m for m in messages(demo("bench")) if getattr(m, "text", "-")]
    for modality in MODALITIES:
        inputs = list(
            islice((m for m in spoken if m.modality == modality and m.type != "eos"), FEW if small else MOST)
        )
        size = getattr(settings, modality).batch_rows
        yield compare(
            WHAT[modality],
            UNITS[modality],
            lambda m=modality, i=inputs, s=size: in_batches(analysts[m], i, s),
            "one input at a time",
            lambda m=modality, i=inputs: in_batches(analysts[m], i, 1),
            rounds=3,
        )
        if modality == "video":
            yield at_720p(analysts[modality], inputs, size)


def at_720p(analyst: Analyst[Any], frames: Sequence[Any], size: int) -> Row:
    """Return how many frames of 1280 x 720 take a second of processor time, the best of three rounds."""
    large = [frame.model_copy(update={"jpeg": enlarged(frame.jpeg)}) for frame in frames]
    best = 0.0
    for _ in range(3):
        begin = time.process_time()
        in_batches(analyst, large, size)
        best = max(best, len(large) / (time.process_time() - begin))
    return Row("video at 1280 x 720, of processor time", best, "frames/s a core")


def enlarged(jpeg: bytes) -> bytes:
    """Return the picture in ``jpeg`` in the middle of 1280 x 720."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    width = round(720 * picture.shape[1] / picture.shape[0])
    large = cv2.resize(picture, (min(width, 1280), 720), interpolation=cv2.INTER_CUBIC)
    left = (1280 - large.shape[1]) // 2
    whole = cv2.copyMakeBorder(large, 0, 0, left, 1280 - large.shape[1] - left, cv2.BORDER_REPLICATE)
    return cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def in_batches(analyst: Analyst[Any], inputs: Sequence[SessionMessage], size: int) -> int:
    """Observe the inputs in batches and return how many there were."""
    for start in range(0, len(inputs), size):
        observe(analyst, inputs[start : start + size], "synthetic")
    return len(inputs)
