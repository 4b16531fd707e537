"""Calm people whom no training heard: their recordings, and what the bench measures of them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.packages import dpkg, packed
from support.session_lines import spread, window

from affectstream.lab.calls import rows, strangers
from affectstream.lab.calls.judge import UNSURE, Judged


def _sound(path: Path, seconds: float, rate_hz: int = 44_100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(rate_hz * seconds)) / rate_hz
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 200 * t), rate_hz, format="OGG", subtype="VORBIS")


@dpkg
def test_each_language_of_a_package_becomes_one_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    source = strangers.Source("letters-data", "usr/share/letters/*", 16_000, 0.4)
    monkeypatch.setattr(strangers, "SOURCES", {"letters": (source,)})
    for number in range(25):
        _sound(package / "usr/share/letters/cs" / f"{number}.ogg", 0.7)
    _sound(package / "usr/share/letters/cs/short.ogg", 0.3)
    (package / "usr/share/letters/cs/broken.ogg").write_bytes(b"no sound")
    _sound(package / "usr/share/letters/da" / "alone.ogg", 0.7)
    packed(package, "letters-data", tmp_path)
    strangers.main(tmp_path / "made", tmp_path)
    (made,) = strangers.strangers(tmp_path / "made")["letters"]
    assert made.name == "letters-cs.flac"
    info = soundfile.info(made)
    assert (info.samplerate, info.channels) == (16_000, 1)
    assert info.frames / 16_000 == pytest.approx(25 * (0.7 + 0.6), abs=0.1)


def test_there_are_none_where_nobody_made_them(tmp_path: Path) -> None:
    assert strangers.strangers(tmp_path / "none") == {}


def test_recordings_count_alike_and_the_worst_is_told() -> None:
    calm, torn, angry = spread("neutral", 0.7), spread("sad", 0.4), spread("angry", 0.7)
    one = Judged([window(k, p) for k, p in enumerate((calm, calm, calm, torn))], ("neutral",) * 3 + (UNSURE,))
    other = Judged([window(k, p) for k, p in enumerate((angry, calm, None))], ("angry", "neutral", None))
    assert rows.of_recordings([one, other]) == {
        "recordings": 2,
        "least calm": 0.5,
        "likeliest neutral": 0.625,
        "least neutral": 0.5,
        "sure": 0.25,
        "most sure": 0.5,
    }
