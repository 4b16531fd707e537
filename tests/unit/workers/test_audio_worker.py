"""From PCM to features; the model is a stand-in except where it says shipped."""

import numpy as np
import pytest

from affectstream.models.protocol import Predictions
from affectstream.models.weights import FOLDER, read_card
from affectstream.runtime.settings import load
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import Abstention, AudioChunk, Reason
from affectstream.workers import device
from affectstream.workers.audio import AudioAnalyst, analyst, samples_of
from affectstream.workers.observe import observe

RATE = 16_000


class Loudness:
    """A stand-in: its distribution depends on the features of each chunk alone."""

    model_id = "loudness/1"
    embedding_size = 0

    def load(self, device):
        pass

    def predict(self, prepared):
        rows = np.array([np.arange(1, 8) + np.abs(array).mean() for array in prepared], dtype=np.float64)
        return Predictions.of(rows / rows.sum(axis=1, keepdims=True))


def chunk(samples, seq=0, rate=RATE):
    pcm = samples if isinstance(samples, bytes) else (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    return AudioChunk(
        session_id="s",
        party="customer",
        modality="audio",
        seq=seq,
        start_ms=1000 * seq,
        end_ms=1000 * seq + 2000,
        watermark_ms=1000 * seq + 1000,
        expects=("audio",),
        pcm=pcm,
        rate_hz=rate,
    )


def voice(pitch_hz=140.0, seconds=2.0, rate=RATE):
    """Something like speech: harmonics in syllables with pauses between."""
    t = np.arange(int(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * pitch_hz * k * t) / k for k in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 2.5 * t), 0, None) ** 0.5
    noise = np.random.default_rng(1).normal(0, 1e-4, len(t))
    return (0.2 * tone * syllables + noise).astype(np.float32)


@pytest.fixture
def audio():
    return AudioAnalyst(Loudness())


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_speech_at_any_rate_is_heard_with_its_quality(audio, rate):
    said = observe(audio, [chunk(voice(rate=rate), rate=rate)])[0].observation
    assert said.model_id == "loudness/1"
    assert 0.2 < said.quality <= 1.0


@pytest.mark.parametrize("samples", [np.zeros(2 * RATE), np.random.default_rng(2).normal(0, 1e-4, 2 * RATE)])
def test_silence_and_line_noise_abstain(audio, samples):
    assert observe(audio, [chunk(samples)])[0].observation.reason is Reason.SILENCE


def test_a_chunk_of_a_few_samples_is_silence(audio):
    assert observe(audio, [chunk(b"\x00\x40" * 5)])[0].observation.reason is Reason.SILENCE


@pytest.mark.parametrize("pcm", [b"", b"\x00", b"\x00\x01\x02"])
def test_half_a_sample_or_none_is_undecodable(audio, pcm):
    outcomes = observe(audio, [chunk(pcm, 0), chunk(voice(), 1)])
    assert isinstance(outcomes[0].observation, Abstention)
    assert outcomes[0].failure.reason == "undecodable"
    assert outcomes[1].failure is None


def test_samples_span_minus_one_to_one():
    assert samples_of(b"\x00\x80\x00\x00\xff\x7f").tolist() == [-1.0, 0.0, 32767 / 32768]
    with pytest.raises(InputError, match="no 16-bit samples"):
        samples_of(b"\x00")


@pytest.mark.skipif(not (FOLDER / "voice.json").exists(), reason="the voice weights are not there yet")
def test_with_the_shipped_weights_a_chunk_gives_the_same_bits_in_any_batch():
    device.limit_threads(1)
    audio = analyst(load(audio={"device": "cpu"}))
    pitches = enumerate([90.0, 120.0, 150.0, 180.0, 210.0, 240.0])
    chunks = [chunk(voice(pitch), seq) for seq, pitch in pitches] + [chunk(np.zeros(2 * RATE), 6)]
    alone = [observe(audio, [one])[0] for one in chunks]
    assert observe(audio, chunks) == alone
    assert observe(audio, chunks[::-1]) == alone[::-1]
    assert sum(not isinstance(outcome.observation, Abstention) for outcome in alone) == 6


@pytest.mark.skipif(not (FOLDER / "voice.json").exists(), reason="the voice weights are not there yet")
@pytest.mark.parametrize(
    ("prior", "heard", "seen"),
    [("situation", "", "+balanced"), ("calls", "", ""), ("balanced", "+balanced", "+balanced")],
)
def test_neutral_is_expected_of_a_party_on_the_telephone_and_not_of_one_with_a_picture(prior, heard, seen):
    audio = analyst(load(audio={"device": "cpu", "prior": prior}))
    alone = chunk(voice())
    beside = alone.model_copy(update={"expects": ("video", "audio")})
    one, other = (outcome.observation for outcome in observe(audio, [alone, beside]))
    own = read_card("voice").model_id
    assert (one.model_id, other.model_id) == (own + heard, own + seen)
    assert (other.p[0] < one.p[0] - 0.01) == (heard != seen)
    assert (other.quality, other.embedding) == (one.quality, one.embedding)


class Unsure(Loudness):
    """Says nothing, with some of the mass removed."""

    removed = 0.0

    def predict(self, prepared):
        return Predictions(np.full((len(prepared), 7), 1 / 7), np.full(len(prepared), self.removed))


@pytest.mark.parametrize("removed", [0.0, 0.4, 1.0])
def test_the_quality_falls_by_what_is_unlike_all_speech(removed):
    whole = observe(AudioAnalyst(Loudness()), [chunk(voice())])[0].observation.quality
    model = Unsure()
    model.removed = removed
    said = observe(AudioAnalyst(model), [chunk(voice())])[0].observation
    assert said.quality == pytest.approx((1 - removed) * whole, abs=1e-6)
