"""Announcers of telephone systems, out of Debian's packages."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.packages import dpkg, packed

from affectstream.lab import announcers
from affectstream.schemas.errors import InputError


def _prompt(path: Path, value: float, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(round(8000 * seconds), value, np.float32), 8000, subtype="FLOAT")


def test_prompts_of_a_second_or_more_count_and_no_tones(tmp_path: Path) -> None:
    for number, seconds in enumerate((1.5, 2.0, 0.9)):
        _prompt(tmp_path / f"{number}.wav", 0.1 * (number + 1), seconds)
    _prompt(tmp_path / "silence" / "5.wav", 0.9, 5.0)
    _prompt(tmp_path / "beep.wav", 0.9, 2.0)
    assert [len(each) for each in announcers.prompts(tmp_path)] == [12_000, 16_000]


def test_a_folder_without_prompts_and_one_with_broken_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no prompts at 8000 Hz"):
        announcers.prompts(tmp_path)
    (tmp_path / "1.wav").write_bytes(b"no sound")
    with pytest.raises(InputError, match=r"1\.wav cannot be decoded"):
        announcers.prompts(tmp_path)


@dpkg
def test_each_voice_of_the_packages_becomes_one_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcers, "PACKAGES", ("prompts-en-wav",))
    package = tmp_path / "package"
    sounds = package / announcers.SOUNDS
    _prompt(sounds / "en_US_f_Somebody" / "welcome.wav", 0.1, 1.5)
    (sounds / "en").symlink_to("en_US_f_Somebody")
    _prompt(sounds / "digits" / "one.wav", 0.1, 1.5)
    packed(package, "prompts-en-wav", tmp_path)
    announcers.main(tmp_path / "features", tmp_path)
    found = sorted((tmp_path / "features" / announcers.ANNOUNCERS).iterdir())
    assert [path.name for path in found] == ["en_US_f_Somebody.flac"]
    assert soundfile.info(found[0]).frames == 8000 * 2.1


@dpkg
def test_a_broken_package_and_a_machine_without_its_tools_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in announcers.PACKAGES:
        (tmp_path / f"{name}_1_all.deb").write_text("no package")
    with pytest.raises(InputError, match=r"dpkg-deb .* failed: "):
        announcers.main(tmp_path / "features", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="is not on this machine"):
        announcers.main(tmp_path / "features", tmp_path)
