"""A worker runs the hub model that its setting names, and removed mass lowers the quality."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from support import hub

from affectstream.models.face.crop import Box
from affectstream.models.face.detect import Face
from affectstream.models.protocol import Predictions
from affectstream.runtime.settings import load
from affectstream.schemas.messages import AudioChunk, Probabilities, Transcript, VideoFrame
from affectstream.workers import audio, text, video
from affectstream.workers.observe import fields_of, observe

WHOSE = {"session_id": "s", "party": "customer", "seq": 0, "start_ms": 0, "watermark_ms": 1000}
RNG = np.random.default_rng(0)


def said(outcomes: list) -> Probabilities:
    assert len(outcomes) == 1
    assert isinstance(outcomes[0].observation, Probabilities), outcomes[0]
    return outcomes[0].observation


def test_the_video_worker_shows_a_hub_model_its_own_crops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise", "contempt")
    analyst = video.analyst(load(video={"model": str(hub.vit(tmp_path, labels))}))
    monkeypatch.setattr(analyst._detector, "detect", lambda _: [Face(Box(40, 30, 60, 60), 0.9)])
    picture = RNG.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    frame = VideoFrame(**WHOSE, end_ms=0, expects=("video",), jpeg=jpeg)
    result = said(observe(analyst, [frame]))
    assert result.model_id == analyst.model_id != "face-resnet/2"
    assert sum(result.p) == pytest.approx(1)


def test_the_audio_worker_runs_a_hub_model(tmp_path: Path) -> None:
    analyst = audio.analyst(load(audio={"model": str(hub.hubert(tmp_path, ("neu", "hap", "ang", "sad")))}))
    at = np.arange(32_000) / 16_000
    tone = np.sin(2 * np.pi * 180 * at) * (1 + np.sin(2 * np.pi * 3 * at)) * 6000
    noise = RNG.normal(0, 60, 32_000)
    chunk = AudioChunk(
        **WHOSE, end_ms=2000, expects=("audio",), rate_hz=16_000, pcm=(tone + noise).astype("<i2").tobytes()
    )
    result = said(observe(analyst, [chunk]))
    assert result.model_id == analyst.model_id
    assert min(result.p) > 0.0  # what the model has no name for is lifted, not zero


def test_the_text_worker_runs_a_hub_model(tmp_path: Path) -> None:
    analyst = text.analyst(load(text={"model": str(hub.bert(tmp_path, ("joy", "anger", "neutral")))}))
    utterance = Transcript(**WHOSE, end_ms=1000, expects=("text",), text="i am so happy today you")
    assert said(observe(analyst, [utterance])).model_id == analyst.model_id


def test_mass_outside_the_seven_is_no_quality() -> None:
    predictions = Predictions(np.full((3, 7), 1 / 7), np.array([0.0, 0.25, 1.5]))
    assert [fields_of(predictions, row, 0.5)["quality"] for row in range(3)] == [0.5, 0.375, 0.0]
