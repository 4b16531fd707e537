"""Drawn copies of speech: which clips are drawn alike."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from affectstream.lab.datasets import readers
from affectstream.lab.training import speech

RATE_HZ = 16_000


@pytest.fixture
def view(tmp_path: Path) -> readers.View:
    """Return four clips of one speaker, in which the same is heard."""
    t = np.arange(int(1.2 * RATE_HZ)) / RATE_HZ
    voice = 0.2 * np.sin(2 * np.pi * 190 * t) * np.sin(np.pi * (t / 1.2)) ** 2
    sound = voice + np.random.default_rng(0).normal(0, 1e-4, len(t))
    for emotion in ("kz", "hl", "sk", "mt"):
        path = tmp_path / "turev" / f"1157_{emotion}_word.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, sound, RATE_HZ)
    return readers.view("turev", tmp_path / "turev")


def test_clips_of_one_line_are_drawn_alike_and_others_are_not(view: readers.View, tmp_path: Path) -> None:
    kept = speech.Kept(tmp_path / "kept")
    windows = speech.over_lines("turev", view, ["a", "a", "b", "b"], "r0", kept)
    first, again, elsewhere = (windows.inputs[windows.clip == row] for row in (0, 1, 2))
    assert len(first)
    np.testing.assert_array_equal(first, again)
    assert first.shape != elsewhere.shape or (first != elsewhere).any()


def test_copies_with_other_lines_are_made_anew(view: readers.View, tmp_path: Path) -> None:
    kept = speech.Kept(tmp_path / "kept")
    speech.over_lines("turev", view, ["a", "a", "b", "b"], "r0", kept)
    windows = speech.over_lines("turev", view, ["a", "b", "b", "b"], "r0", kept)
    np.testing.assert_array_equal(*(windows.inputs[windows.clip == row] for row in (1, 2)))
