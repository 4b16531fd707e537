"""Files in a folder per class are read by the folder's name, and what cannot be read is listed."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from affectstream.lab.datasets import by_class
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX


def _picture(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((48, 48), level, np.uint8))


def test_classes_are_named_by_the_lowest_folder_that_is_called_after_an_emotion(tmp_path: Path) -> None:
    _picture(tmp_path / "test" / "Anger" / "ann" / "1.png", 10)
    _picture(tmp_path / "happy" / "sadness" / "2.jpg", 20)
    found = by_class.pictures(tmp_path)
    assert [file.label for file in found.files] == [INDEX["sad"], INDEX["angry"]]
    assert by_class.is_by_class(tmp_path)  # by its folder happy
    assert not by_class.is_by_class(tmp_path / "happy" / "sadness")


def test_frames_of_one_person_of_ck_are_one_group_and_equal_files_another(tmp_path: Path) -> None:
    _picture(tmp_path / "fear" / "S010_001_00000012.png", 10)
    _picture(tmp_path / "fear" / "S010_004_00000013.png", 20)
    _picture(tmp_path / "fear" / "a.png", 30)
    _picture(tmp_path / "happy" / "b.png", 30)
    one, other, a, b = by_class.pictures(tmp_path).files
    assert one.group == other.group == "S010"
    assert a.group == b.group != "S010"


def test_contempt_and_broken_files_are_left_out_and_listed(tmp_path: Path) -> None:
    _picture(tmp_path / "contempt" / "1.png", 10)
    _picture(tmp_path / "fear" / "2.png", 20)
    (tmp_path / "fear" / "3.png").write_bytes(b"no picture")
    found = by_class.pictures(tmp_path)
    assert len(found.files) == 1
    assert sorted(reason for _, reason in found.skipped) == [
        "cannot be decoded as a picture",
        "contempt, which is none of the seven",
    ]


def test_sounds_are_read_in_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "joy").mkdir()
    soundfile.write(tmp_path / "joy" / "a.ogg", np.sin(np.arange(16_000) / 9), 16_000)
    (found,) = by_class.sounds(tmp_path).files
    assert found.label == INDEX["happy"]


@pytest.mark.parametrize("name", ["missing", "unnamed"])
def test_another_layout_is_named_with_the_one_expected(tmp_path: Path, name: str) -> None:
    _picture(tmp_path / "unnamed" / "people" / "1.png", 10)
    with pytest.raises(InputError, match="FOLDER/CLASS/FILE"):
        by_class.pictures(tmp_path / name)
