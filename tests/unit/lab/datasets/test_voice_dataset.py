"""RAVDESS is read from its folders and names, bad files are listed, copies found."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.paths import DATA

from affectstream.lab.datasets import ravdess
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS


def _write(folder: Path, name: str, seconds: float = 1.0, seed: int = 0, channels: int = 1) -> Path:
    path = folder / f"Actor_{name[-2:]}" / f"{name}.wav"
    path.parent.mkdir(exist_ok=True)
    samples = np.random.default_rng(seed).normal(0, 0.1, (int(8000 * seconds), channels))
    soundfile.write(path, samples, 8000)
    return path


def test_names_become_labels_with_calm_as_neutral(tmp_path: Path) -> None:
    for code in range(1, 9):
        _write(tmp_path, f"03-01-{code:02d}-01-02-01-12", seed=code)
    clips = ravdess.read(tmp_path).clips
    assert [EMOTIONS[c.label] for c in clips][:3] == ["neutral", "neutral", "happy"]
    assert [c.emotion_code for c in clips][:2] == ["01", "02"]
    assert {(c.actor, c.sex, c.statement) for c in clips} == {(12, "female", 2)}


def test_bad_files_are_skipped_with_their_reason(tmp_path: Path) -> None:
    _write(tmp_path, "03-01-05-01-01-01-01")
    _write(tmp_path, "03-02-05-01-01-01-01")
    _write(tmp_path, "03-01-09-01-01-01-01")
    _write(tmp_path, "03-01-04-01-01-01-01", seconds=0.1)
    _write(tmp_path, "hello-01")
    folder = tmp_path / "Actor_01"
    (folder / "03-01-03-01-01-01-01.wav").write_bytes(b"not audio")
    torn = _write(tmp_path, "03-01-06-01-01-01-01")
    torn.write_bytes(torn.read_bytes()[:12_000])  # 0.75 of its second
    soundfile.write(folder / "03-01-07-01-01-01-01.flac", np.ones(16_000) * 0.1, 8000)
    torn = folder / "03-01-08-01-01-01-01.flac"
    soundfile.write(torn, np.random.default_rng(0).normal(0, 0.1, 16_000), 8000)
    torn.write_bytes(torn.read_bytes()[:12_000])
    soundfile.write(folder / "03-01-02-01-01-01-01.wav", np.zeros(8000), 8000)
    (folder / "03-01-02-01-01-02-01.wav").mkdir()
    (folder / "._03-01-05-01-01-01-01.wav").write_bytes(b"what a Mac leaves")
    corpus = ravdess.read(tmp_path)
    assert [clip.emotion_code for clip in corpus.clips] == ["05", "07"]
    assert len(corpus.skipped) == 9
    reasons = {path.stem: reason for path, reason in corpus.skipped}
    assert reasons["03-02-05-01-01-01-01"] == "not speech (channel 01)"
    assert reasons["03-01-09-01-01-01-01"] == "emotion 09 is not one of 01 to 08"
    assert reasons["03-01-04-01-01-01-01"] == "only 0.10 s long, less than 0.5 s"
    assert reasons["03-01-03-01-01-01-01"] == "cannot be decoded as audio"
    assert reasons["03-01-06-01-01-01-01"] == "is torn: shorter than its header says"
    assert reasons["03-01-08-01-01-01-01"] == "cannot be decoded as audio"
    assert reasons["03-01-02-01-01-01-01"] == "holds no sound: all zero or not finite"
    assert reasons["03-01-02-01-01-02-01"] == "cannot be decoded as audio"
    assert reasons["hello-01"] == "the name has not seven numeric fields"


def test_another_layout_is_an_error_that_names_the_expected_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no RAVDESS audio files in .*Actor_XX/MM-CC-EE"):
        ravdess.read(tmp_path)


def test_equal_files_are_found(tmp_path: Path) -> None:
    _write(tmp_path, "03-01-03-01-02-01-07", seed=1)
    _write(tmp_path, "03-01-03-01-02-02-07", seed=1)
    _write(tmp_path, "03-01-03-01-01-02-07", seed=2)
    (same,) = ravdess.read(tmp_path).duplicates()
    assert [c.path.stem for c in same] == ["03-01-03-01-02-01-07", "03-01-03-01-02-02-07"]


def test_stereo_is_mixed_down(tmp_path: Path) -> None:
    samples, rate_hz = ravdess.load(_write(tmp_path, "03-01-03-01-02-01-07", channels=2))
    assert samples.shape == (8000,)
    assert samples.dtype == np.float32
    assert rate_hz == 8000


def test_the_real_corpus_has_twenty_actors_and_one_copy() -> None:
    folder = DATA / "ravdess"
    if not folder.exists():
        pytest.skip("the RAVDESS recordings are not here (AFFECT_DATA)")
    corpus = ravdess.read(folder)
    assert len(corpus.clips) == 1200
    assert len({c.actor for c in corpus.clips}) == 20
    assert len(corpus.duplicates()) == 1
    counts = np.bincount([c.label for c in corpus.clips])
    assert counts.tolist() == [240, 160, 160, 160, 160, 160, 160]
