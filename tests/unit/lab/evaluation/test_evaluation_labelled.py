"""Face and voice are judged on any corpus that has a reader and on a folder per class."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from affectstream.cli import app
from affectstream.lab.evaluation.tasks.face_pictures import picture_crops
from affectstream.models.face.detect import Detector
from affectstream.models.face.network import FaceNet
from affectstream.models.weights import write_card

SHAPE = {"widths": (4, 4, 8, 8), "depths": (1, 1, 1, 1)}


@pytest.fixture
def always_angry(tmp_path: Path) -> Path:
    """Return face weights that call every face angry."""
    network = FaceNet(SHAPE["widths"], SHAPE["depths"])
    torch.nn.init.constant_(network.head.bias, 0.0)
    network.head.bias.data[3] = 100.0
    folder = tmp_path / "weights"
    folder.mkdir()
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "face.safetensors")
    card = {"model_id": "face-tiny/1", "modality": "video", "temperature": 1.3, "licence": "none"}
    write_card("face", {**card, "data": ("none",), "trust": 0.5, "config": SHAPE, "figures": {}}, folder)
    return folder


def _faces(folder: Path, classes: dict[str, int]) -> Path:
    rng = np.random.default_rng(0)
    for name, n in classes.items():
        (folder / name).mkdir(parents=True)
        for i in range(n):
            cv2.imwrite(str(folder / name / f"{i}.png"), rng.integers(0, 255, (48, 48), dtype=np.uint8))
    return folder


def _typed(*arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--threads", "1"])
    words = found.output if found.exception is None else f"{found.output} {found.exception}"
    return found.exit_code, " ".join(words.split())


def test_a_folder_of_faces_by_class_is_judged_with_the_recall_of_each(
    always_angry: Path, tmp_path: Path
) -> None:
    faces = _faces(tmp_path / "posed", {"anger": 3, "fear": 1, "contempt": 2})
    for given in ([faces], ["--data", faces]):
        code, shown = _typed("face", *given, "--weights", always_angry, "-o", tmp_path / "report")
        assert code == 0, shown
        assert "accuracy 0.750" in shown
        assert "recall, angry (3) 1.000; called angry 1.00" in shown
        assert "recall, fear (1) 0.000; called angry 1.00" in shown
        assert "abstained 0.000 (0 of 4)" in shown
        assert "2 files that cannot be read or are of none of the seven are left out." in shown
    assert "affectstream evaluate face" in (tmp_path / "report" / "face-report.md").read_text()


def test_a_corpus_is_judged_without_its_training_split(always_angry: Path, tmp_path: Path) -> None:
    _faces(tmp_path / "fer2013" / "train", {"angry": 5})
    _faces(tmp_path / "fer2013" / "test", {"angry": 2, "sad": 2})
    code, shown = _typed("face", "--corpus", "fer2013", "--data", tmp_path, "--weights", always_angry)
    assert code == 0, shown
    assert "accuracy 0.500" in shown
    assert "4 items" in shown


def test_voices_of_another_corpus_are_judged_by_the_windows_of_the_stream(tmp_path: Path) -> None:
    (tmp_path / "emodb" / "wav").mkdir(parents=True)
    loud = 0.3 * np.sin(np.arange(48_000) / 5) * (np.arange(48_000) // 4000 % 2)
    for name in ("03a01Wa", "08a01Na", "09a01La"):
        soundfile.write(tmp_path / "emodb" / "wav" / f"{name}.wav", loud, 16_000)
    code, shown = _typed("voice", "--corpus", "emodb", "--data", tmp_path)
    assert code == 0, shown
    assert "2 items, 2 speaker" in shown
    assert "1 files that cannot be read or are of none of the seven are left out." in shown
    assert "speakers known" not in shown


def test_a_voice_of_many_clips_is_judged_as_one_that_is_known_too(tmp_path: Path) -> None:
    (tmp_path / "emodb" / "wav").mkdir(parents=True)
    for n in range(20):
        loud = 0.3 * np.sin(np.arange(12_000) / (5 + n)) * (np.arange(12_000) // 2000 % 2)
        name = f"03{'ab'[n % 2]}{n // 2:02d}{'WN'[n % 2]}a"
        soundfile.write(tmp_path / "emodb" / "wav" / f"{name}.wav", loud, 16_000)
    code, shown = _typed("voice", "--corpus", "emodb", "--data", tmp_path, "-o", tmp_path / "report")
    assert code == 0, shown
    assert "UAR, speakers known" in shown
    assert "| EmoDB, speakers known | 20 |" in (tmp_path / "report" / "voice-report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("face", "--corpus", "none"), "no corpus is called 'none'"),
        (("voice", "--corpus", "fer2013"), "fer2013 is not for the voice: there are ravdess"),
        (("text", "--corpus", "meld"), "are for face and voice"),
        (("voice", "--run", "runs/mine", "-o", "runs/mine"), "give another --output"),
        (("face", "nowhere"), "nowhere is no folder: expected FOLDER/CLASS/FILE"),
        (("face", "--corpus", "affectnet", "--data", "nowhere"), "name the folder or file of affectnet"),
        (("runs/none", "--corpus", "meld"), "are for face and voice"),
    ],
)
def test_mistakes_are_named_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    code, shown = _typed(*arguments)
    assert code != 0
    assert message in shown


def test_a_large_picture_gives_the_face_that_the_detector_finds_in_it_or_none() -> None:
    gray = np.full((300, 400, 3), 127, np.uint8)
    assert picture_crops(gray, Detector(most=1)) == []
    small = np.full((64, 64, 3), 90, np.uint8)
    (crop,) = picture_crops(small, Detector(most=1))
    assert crop.shape == (48, 48)
