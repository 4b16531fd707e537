"""Tiny models in the hub's format are loaded, answer in seven classes and give the same bits in any batch."""

from pathlib import Path

import numpy as np
import pytest
import torch
from support import hub
from transformers import AutoModelForSequenceClassification

from affectstream.models.face.crop import Box, face_crop
from affectstream.models.hub.face import HubFace, rgb_square
from affectstream.models.hub.snapshot import fetch
from affectstream.models.hub.text import HubText
from affectstream.models.hub.voice import HubVoice
from affectstream.models.text.tokenise import BUCKETS, bucket_of
from affectstream.schemas.errors import InputError, ModelError
from affectstream.schemas.labels import EMOTIONS, INDEX

FACE_LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
FOUR = ("neu", "hap", "ang", "sad")
PICTURE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)


def _voices(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(0, 0.1, 32_000).astype(np.float32) for _ in range(count)]


def _face(folder: Path) -> HubFace:
    model = HubFace(fetch(str(hub.vit(folder, FACE_LABELS))))
    model.load("cpu")
    return model


def test_a_vision_transformer_sees_colour_faces_of_its_own_size(tmp_path: Path) -> None:
    model = _face(tmp_path)
    faces = [model.prepare(PICTURE, Box(x, 10, 50, 60)) for x in (-20, 10, 140)]
    assert faces[0].shape == (3, 32, 32)
    assert faces[0].dtype == np.float32
    predictions = model.predict(faces)
    assert predictions.p.shape == (3, 7)
    assert predictions.p.sum(axis=1) == pytest.approx([1, 1, 1])
    assert predictions.removed == pytest.approx([0, 0, 0])
    assert predictions.embeddings is None


def test_probabilities_stand_under_the_names_of_the_models_own_configuration(tmp_path: Path) -> None:
    model = _face(tmp_path / "a")
    turned = HubFace(fetch(str(hub.vit(tmp_path / "b", FACE_LABELS[::-1]))))
    turned.load("cpu")  # the same weights, its outputs called the other way round
    face = model.prepare(PICTURE, Box(10, 10, 50, 60))
    one, other = model.predict([face]).p[0], turned.predict([face]).p[0]
    for name, opposite in zip(FACE_LABELS, FACE_LABELS[::-1], strict=True):
        assert one[INDEX[name]] == pytest.approx(other[INDEX[opposite]], rel=1e-9)


def test_the_colour_square_is_the_square_of_the_gray_crop() -> None:
    """A gray picture, cut out where it leaves the frame on each side, is the same by both ways."""
    gray = np.repeat(PICTURE[:, :, :1], 3, axis=2)
    for box in (Box(30, 20, 46.6, 40), Box(-10, -10, 46.6, 46.6), Box(130, 90, 46.6, 30)):
        square = rgb_square(gray, box)
        assert square.shape == (48, 48, 3)
        assert np.array_equal(square[:, :, 0], face_crop(gray, box))


def test_the_colour_square_is_rgb() -> None:
    blue = np.zeros((50, 50, 3), np.uint8)
    blue[:, :, 0] = 255  # BGR
    assert rgb_square(blue, Box(5, 5, 10, 10))[0, 0].tolist() == [0, 0, 255]
    with pytest.raises(InputError, match="has no area"):
        rgb_square(blue, Box(5, 5, 0, 10))
    with pytest.raises(InputError, match="must be BGR uint8"):
        rgb_square(blue[:, :, 0], Box(5, 5, 5, 5))


@pytest.mark.parametrize("mask", [False, True])
def test_a_speech_model_with_four_classes_says_nothing_of_the_others(tmp_path: Path, mask: bool) -> None:
    model = HubVoice(fetch(str(hub.hubert(tmp_path, FOUR, mask))))
    model.load("cpu")
    rng = np.random.default_rng(0)
    windows = [model.prepare(rng.normal(0, 0.1, n).astype(np.float32), 16_000) for n in (32_000, 9_000)]
    windows.append(model.prepare(rng.normal(0, 0.1, 16_000).astype(np.float32), 8_000))
    assert {window.shape for window in windows} == {(2, 32_000)}
    assert [int(window[1].sum()) for window in windows] == [32_000, 9_000 if mask else 32_000, 32_000]
    rows = model.predict(windows).p
    for name in ("fear", "disgust", "surprise"):
        assert rows[:, INDEX[name]] == pytest.approx([1 / 7] * 3)
    assert rows.sum(axis=1) == pytest.approx([1, 1, 1])


def test_padding_behind_a_short_window_is_not_heard_where_there_is_a_mask(tmp_path: Path) -> None:
    model = HubVoice(fetch(str(hub.hubert(tmp_path, FOUR, mask=True))))
    model.load("cpu")
    short = model.prepare(_voices(1)[0][:12_000], 16_000)
    noisy = short.copy()
    noisy[0, 20_000:] = 5.0
    assert model.predict([noisy]).p == pytest.approx(model.predict([short]).p, abs=1e-3)


@pytest.mark.parametrize("kind", [hub.bert, hub.distilbert])
def test_a_text_model_reads_an_utterance_in_the_bucket_of_its_length(tmp_path: Path, kind: object) -> None:
    model = HubText(fetch(str(kind(tmp_path, ("joy", "anger", "unknown")))))  # type: ignore[operator]
    model.load("cpu")
    texts = ["i am so happy", "", "i am " * 20, "you am " * 400]
    made = [model.prepare(text, ("earlier turn",)) for text in texts]
    assert [array.shape[1] for array in made] == [*map(bucket_of, (6, 2, 42)), BUCKETS[-1]]
    predictions = model.predict(made)
    assert predictions.p.sum(axis=1) == pytest.approx([1] * 4)
    assert (predictions.removed > 0).all()
    assert model.known_share("i am gloomy today") == 0.75
    assert model.known_share("") == 0.0


def test_yes_or_no_labels_are_read_as_such(tmp_path: Path) -> None:
    several = "multi_label_classification"
    one = HubText(fetch(str(hub.bert(tmp_path / "a", ("joy", "anger")))))
    many = HubText(fetch(str(hub.bert(tmp_path / "b", ("joy", "anger"), problem_type=several))))
    for model in (one, many):
        model.load("cpu")
    text = one.prepare("i am so angry")
    logits = AutoModelForSequenceClassification.from_pretrained(tmp_path / "a")(
        input_ids=torch.from_numpy(text[:1]), attention_mask=torch.from_numpy(text[1:2])
    ).logits[0]
    for model, shares in ((one, logits.softmax(0)), (many, logits.sigmoid() / logits.sigmoid().sum())):
        row = model.predict([text]).p[0]
        assert row[[INDEX["happy"], INDEX["angry"]]] == pytest.approx(
            (shares.detach().numpy() * 2 / 7).tolist()
        )


def test_equal_input_gives_equal_bits_in_whatever_batch(tmp_path: Path) -> None:
    face = _face(tmp_path / "face")
    voice = HubVoice(fetch(str(hub.hubert(tmp_path / "voice", FOUR, mask=True))))
    text = HubText(fetch(str(hub.bert(tmp_path / "text", ("joy", "anger")))))
    made = {
        face: [face.prepare(PICTURE, Box(3 * i, 10, 40, 50)) for i in range(4)],
        voice: [voice.prepare(window[: 32_000 - 3_000 * i], 16_000) for i, window in enumerate(_voices(4))],
        text: [text.prepare("i am so happy today ! " * (i + 1)) for i in range(4)],
    }
    for model, inputs in made.items():
        model.load("cpu")
        alone = np.concatenate([model.predict([one]).p for one in inputs])
        assert np.array_equal(model.predict(inputs).p, alone)
        assert np.array_equal(model.predict(inputs[::-1]).p, alone[::-1])
        assert model.predict([]).p.shape == (0, 7)


def test_the_name_of_a_local_model_holds_the_hash_of_its_weights(tmp_path: Path) -> None:
    folder = hub.bert(tmp_path / "mine", EMOTIONS)
    first = HubText(fetch(str(folder))).model_id
    assert first.startswith("mine@")
    hub.bert(folder, EMOTIONS, initializer_range=0.5)
    assert HubText(fetch(str(folder))).model_id != first


def test_inputs_that_were_not_prepared_are_refused(tmp_path: Path) -> None:
    face = HubFace(fetch(str(hub.vit(tmp_path / "a", FACE_LABELS))))
    voice = HubVoice(fetch(str(hub.hubert(tmp_path / "b", FOUR))))
    text = HubText(fetch(str(hub.bert(tmp_path / "c", EMOTIONS))))
    with pytest.raises(InputError, match="faces of different shapes"):
        face.predict([np.zeros((3, 4, 4), np.float32), np.zeros((3, 5, 5), np.float32)])
    with pytest.raises(InputError, match="samples and mask"):
        voice.predict([np.zeros(10, np.float32)])
    with pytest.raises(InputError, match="must hold a sample"):
        voice.prepare(np.zeros(0, np.float32), 16_000)
    with pytest.raises(InputError, match="input_ids, attention_mask, token_type_ids"):
        text.predict([np.zeros((2, 16), np.int64)])
    with pytest.raises(ModelError, match=r"before load\(\)"):
        text.predict([text.prepare("i am")])
