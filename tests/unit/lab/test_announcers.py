"""Announcers of telephone systems, out of Debian's packages."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from affectstream.lab import announcers
from affectstream.schemas.errors import InputError

dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not on this machine")


def _prompt(path: Path, value: float, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(round(8000 * seconds), value, np.float32), 8000, subtype="FLOAT")


def test_prompts_of_a_second_or_more_are_joined_with_pauses_always_alike(tmp_path: Path) -> None:
    for number, seconds in enumerate((1.5, 2.0, 0.9)):
        _prompt(tmp_path / f"{number}.wav", 0.1 * (number + 1), seconds)
    _prompt(tmp_path / "silence" / "5.wav", 0.9, 5.0)
    _prompt(tmp_path / "beep.wav", 0.9, 2.0)
    found = announcers.joined(tmp_path)
    assert len(found) == 8000 * (1.5 + 2.0 + 2 * 0.6)
    values, samples = np.unique(found.astype(np.float64).round(3), return_counts=True)
    assert dict(zip(values.tolist(), samples.tolist(), strict=True)) == pytest.approx(
        {0.0: 9600, 0.1: 12_000, 0.2: 16_000}
    )
    np.testing.assert_array_equal(found, announcers.joined(tmp_path))


def test_a_recording_is_as_long_as_a_call_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcers, "CALL_S", 3.0)
    for number in range(3):
        _prompt(tmp_path / f"{number}.wav", 0.1, 2.0)
    assert len(announcers.joined(tmp_path)) == 24_000


def test_a_folder_without_prompts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no prompts at 8000 Hz"):
        announcers.joined(tmp_path)


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
    (package / "DEBIAN").mkdir()
    (package / "DEBIAN" / "control").write_text(
        "Package: prompts-en-wav\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.org>\n"
        "Description: prompts\n"
    )
    made = tmp_path / "prompts-en-wav_1_all.deb"
    subprocess.run(["dpkg-deb", "-b", str(package), str(made)], check=True, capture_output=True)
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
