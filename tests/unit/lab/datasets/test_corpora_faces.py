"""FER2013, AffectNet and text-image pairs are read in each layout; bad rows and files are listed."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from affectstream.lab.datasets import affectnet, fer2013, paired
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS


def _picture(path: Path, side: int = 48, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))


def _pixels(value: int = 7, count: int = 48 * 48) -> str:
    return " ".join([str(value)] * count)


def test_fer2013_csv_gives_faces_with_the_projects_classes(tmp_path: Path) -> None:
    codes = "\n".join(f"{code},{_pixels(code)},Training" for code in range(7))
    (tmp_path / "fer2013.csv").write_text(
        f"emotion,pixels,Usage\n{codes}\n3,{_pixels(9)},PrivateTest\n"
        f"7,{_pixels()},Training\n3,{_pixels(count=5)},Training\n3,{_pixels(300)},Training\n"
        f"3,{_pixels()},Elsewhere\n"
    )
    faces = fer2013.read(tmp_path / "fer2013.csv")
    names = [EMOTIONS[label] for label in faces.labels]
    assert names == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "happy"]
    assert faces.images.shape == (8, 48, 48)
    assert faces.images[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 9]
    assert faces.usages.tolist() == ["Training"] * 7 + ["PrivateTest"]
    assert [reason.split(":")[0] for _, reason in faces.skipped] == ["row 10", "row 11", "row 12", "row 13"]


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "emotion,pixels,Usage\n", "emotion,pixels,Usage\n3,1 2,Training\n"]
)
def test_another_fer2013_csv_is_an_error_that_names_the_columns(tmp_path: Path, text: str) -> None:
    (tmp_path / "fer2013.csv").write_text(text)
    with pytest.raises(InputError, match="expected the columns emotion"):
        fer2013.read_csv(tmp_path / "fer2013.csv")
    with pytest.raises(InputError, match="expected the columns emotion"):
        fer2013.read_csv(tmp_path / "missing.csv")


def test_fer2013_folders_give_faces_and_skip_what_is_none(tmp_path: Path) -> None:
    for i, name in enumerate(EMOTIONS):
        _picture(tmp_path / "train" / name / "1.png", seed=i)
    _picture(tmp_path / "test" / "happy" / "2.png")
    _picture(tmp_path / "test" / "happy" / "large.png", side=64)
    _picture(tmp_path / "test" / "contempt" / "3.png")
    (tmp_path / "test" / "sad").mkdir()
    (tmp_path / "test" / "sad" / "torn.jpg").write_bytes(b"torn")
    (tmp_path / "test" / "sad" / "empty.jpg").write_bytes(b"")
    (tmp_path / "test" / "sad" / "folder.jpg").mkdir()
    (tmp_path / "test" / "sad" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    faces = fer2013.read(tmp_path)
    assert sorted(faces.labels.tolist()) == sorted([*range(7), 1])
    assert sorted(set(faces.usages)) == ["test", "train"]
    assert {path.name: reason for path, reason in faces.skipped} == {
        "large.png": "has 64x64 pixels, not 48x48",
        "3.png": "the folder contempt is no class",
        "torn.jpg": "cannot be decoded as a picture",
        "empty.jpg": "cannot be decoded as a picture",
        "folder.jpg": "cannot be read",
        "gone.jpg": "cannot be read",
    }


def test_affectnet_is_read_with_annotations(tmp_path: Path) -> None:
    for code in range(9):
        _picture(tmp_path / "train_set" / "images" / f"{code}.jpg", 64, seed=code)
        beside = tmp_path / "train_set" / "annotations" / f"{code}_exp.npy"
        beside.parent.mkdir(exist_ok=True)
        np.save(beside, str(code))
    _picture(tmp_path / "val_set" / "images" / "none.jpg", 64)
    found = affectnet.read(tmp_path)
    labels = [EMOTIONS[p.label] for p in found.pictures]
    assert labels == ["neutral", "happy", "sad", "surprise", "fear", "disgust", "angry"]
    assert {p.split for p in found.pictures} == {"train_set"}
    assert [reason for _, reason in found.skipped] == [
        "contempt, which is none of the seven",
        "expression 8, which is none of the seven",
        "no readable none_exp.npy in the annotations",
    ]


def test_affectnet_is_read_by_class_and_equal_files_share_their_group(tmp_path: Path) -> None:
    _picture(tmp_path / "Train" / "Anger" / "a.png", 64, seed=1)
    _picture(tmp_path / "Test" / "anger" / "b.png", 64, seed=1)
    _picture(tmp_path / "Test" / "6" / "c.png", 64, seed=2)
    _picture(tmp_path / "Test" / "contempt" / "d.png", 64)
    _picture(tmp_path / "Test" / "happy" / "small.png", 16)
    found = affectnet.read(tmp_path)
    assert {EMOTIONS[p.label] for p in found.pictures} == {"angry"}
    group = {p.path.name: p.sha256 for p in found.pictures}
    assert group["a.png"] == group["b.png"] != group["c.png"]
    reasons = {path.name: reason for path, reason in found.skipped}
    assert reasons["small.png"] == "has 16x16 pixels, less than 32 on a side"


def test_pairs_share_a_group_by_picture_text_or_column(tmp_path: Path) -> None:
    for i in range(4):
        _picture(tmp_path / f"{i}.png", seed=i)
    (tmp_path / "pairs.csv").write_text(
        "image,text,emotion,group\n"
        "0.png,What a day,joy,\n"
        "1.png,what A  day,happy,\n"  # the same words
        "1.png,So sad,sadness,\n"  # the same picture
        "2.png,Go away,anger,d1\n"
        "3.png,Oh,surprise,d1\n"  # the same dialogue
        "3.png,,happy,\n9.png,Gone,happy,\n2.png,Hm,bored,\n"
        f"{'x' * 300}.png,Long,happy,\n,Nothing,happy,\n"
    )
    found = paired.read(tmp_path / "pairs.csv")
    assert [EMOTIONS[p.label] for p in found.pairs] == ["happy", "happy", "sad", "angry", "surprise"]
    assert [p.group for p in found.pairs] == [0, 0, 0, 1, 1]
    assert [reason for _, reason in found.skipped] == [
        "row 7: no text",
        "row 8: no picture at the path in the column image",
        "row 9: an unknown emotion",
        "row 10: no picture at the path in the column image",
        "row 11: no picture at the path in the column image",
    ]


def test_other_layouts_are_errors_that_name_the_expected_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("picture,text\n")
    with pytest.raises(InputError, match="lacks the columns image, emotion: expected a header"):
        paired.read(tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"cannot read .* expected a header"):
        paired.read(tmp_path / "b.csv")
    with pytest.raises(InputError, match=r"no AffectNet files in .* expected FOLDER/train_set/images"):
        affectnet.read(tmp_path)
    with pytest.raises(InputError, match=r"no FER2013 files in .* expected FOLDER/train/CLASS"):
        fer2013.read(tmp_path)
