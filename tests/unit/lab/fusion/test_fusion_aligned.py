"""Clips of one person become windows whose modalities belong together, and survive a file."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from affectstream.lab.fusion.logs import aligned as aligned
from affectstream.lab.fusion.logs import clips as clips
from affectstream.lab.fusion.simulate import WORLDS, simulated
from affectstream.models.face.crop import Box
from affectstream.models.face.detect import Face
from affectstream.models.protocol import Predictions
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS

RATE_HZ, FPS, SECONDS = 16_000, 10, 3.0
HEAD = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID"


def _film(path: Path, loud: bool = True) -> None:
    """Write three seconds of grey picture, and bursts of a harmonic sound that the gate takes for speech."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    wave = sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 12)) * (np.sin(2 * np.pi * 2 * t) > 0)
    wave = (0.1 * loud * wave).astype(np.float32)[None]
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FPS)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for i in range(round(SECONDS * FPS)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90 + 3 * i, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for first in range(0, wave.shape[1] - 1023, 1024):
            part = av.AudioFrame.from_ndarray(wave[:, first : first + 1024], format="fltp", layout="mono")
            part.rate, part.pts, part.time_base = RATE_HZ, first, Fraction(1, RATE_HZ)
            container.mux(audio.encode(part))
        container.mux(audio.encode(None))


class Sure:
    """A model that always says one emotion, and knows how many inputs it was given."""

    def __init__(self, label: int, size: int) -> None:
        self.label, self.embedding_size, self.model_id, self.given = label, size, f"sure-{label}", 0

    def predict(self, prepared):
        self.given += len(prepared)
        p = np.tile(np.eye(7)[self.label] * 0.93 + 0.01, (len(prepared), 1))
        return Predictions.of(p, np.ones((len(prepared), self.embedding_size), np.float32))

    def prepare(self, text, context=()):
        return text

    def known_share(self, text):
        return 1.0


class OneFace:
    name = "of the whole picture"

    def detect(self, picture):
        return [Face(Box(8, 8, 48, 48), 0.9)]


class NoFace:
    def detect(self, picture):
        return []


def _readers(detector=None) -> clips.Readers:
    return clips.Readers(Sure(0, 2), Sure(1, 3), Sure(2, 4), detector or OneFace())


def _meld(folder: Path) -> Path:
    rows = ["1,Hello there my friend,A,joy,positive,4,1", "2,How are you,B,sadness,negative,4,0"]
    (folder / "dev_sent_emo.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    _film(folder / "dev_splits_complete" / "dia4_utt0.mp4")
    _film(folder / "dev_splits_complete" / "dia4_utt1.mp4", loud=False)
    return folder


def test_an_utterance_of_meld_gets_its_own_picture_sound_and_words(tmp_path: Path) -> None:
    models = _readers()
    log = clips.log("meld", _meld(tmp_path), models, pytest.fail)
    assert [EMOTIONS[y] for y in log.labels] == ["sad", "happy"]  # in the order of the dialogue
    assert log.evidence.present.tolist() == [[True, True, True], [True, False, True]]  # the second is silent
    assert log.evidence.p[0].argmax(axis=1).tolist() == [0, 1, 2]
    assert log.groups.tolist() == ["dev_sent_emo:4"] * 2
    assert [x.shape for x in log.evidence.embeddings] == [(2, 2), (2, 3), (2, 4)]
    assert not log.evidence.embeddings[1][1].any()
    assert models.face.given == 2 * round(SECONDS * clips.FPS)


def test_ravdess_video_has_no_words_and_leaves_out_actors_that_were_learnt_from(tmp_path: Path) -> None:
    _film(tmp_path / "Actor_21" / "01-01-05-01-01-01-21.mp4")
    _film(tmp_path / "Actor_20" / "01-01-05-01-01-01-20.mp4")
    log = clips.log("ravdess-video", tmp_path, _readers(NoFace()), pytest.fail)
    assert log.groups.tolist() == ["actor 21"]
    assert log.evidence.present.tolist() == [[False, True, False]]
    (tmp_path / "Actor_21" / "01-01-05-01-01-01-21.mp4").unlink()
    with pytest.raises(InputError, match="only actors 1 to 20"):
        clips.log("ravdess-video", tmp_path, _readers(), pytest.fail)


def test_a_torn_clip_is_left_out_and_named(tmp_path: Path) -> None:
    (_meld(tmp_path) / "dev_splits_complete" / "dia4_utt0.mp4").write_bytes(b"torn")
    faults: list[str] = []
    log = clips.log("meld", tmp_path, _readers(), faults.append)
    assert len(log.labels) == 1
    assert ["dia4_utt0.mp4" in fault for fault in faults] == [True]


def test_no_clips_are_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "dev_sent_emo.csv").write_text(f"{HEAD}\n1,Hi,A,joy,positive,0,0\n")
    with pytest.raises(InputError, match="no clips of MELD"):
        clips.log("meld", tmp_path, _readers(), pytest.fail)


def test_an_aligned_log_is_the_same_after_a_file(tmp_path: Path) -> None:
    log = clips.log("meld", _meld(tmp_path), _readers(), pytest.fail)
    aligned.write(log, tmp_path / "log.npz")
    back = aligned.read(tmp_path / "log.npz")
    assert back.source == log.source and "one person" in back.source
    for name in ("p", "present", "quality"):
        assert np.array_equal(getattr(back.evidence, name), getattr(log.evidence, name)), name
    for again, before in zip(back.evidence.embeddings, log.evidence.embeddings, strict=True):
        assert again == pytest.approx(before, abs=1e-3)  # kept in 16 bits


def test_other_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", p=np.zeros(3))
    with pytest.raises(InputError, match="lacks format"):
        aligned.read(tmp_path / "other.npz")
    with pytest.raises(InputError, match="no aligned log at"):
        aligned.read(tmp_path / "none.npz")


def test_halves_share_no_group_and_others_have_another_label() -> None:
    log = simulated(WORLDS[0], 300, 0).log
    fit, test = aligned.halves(log)
    assert not set(fit.log.groups) & set(test.log.groups)
    assert len(fit) + len(test) == 300
    rows = {tuple(p.ravel()): y for p, y in zip(log.evidence.p, log.labels, strict=True)}
    assert all(rows[tuple(p.ravel())] != y for p, y in zip(test.other.p, test.log.labels, strict=True))
    with pytest.raises(InputError, match="two groups"):
        aligned.halves(log.rows(np.flatnonzero(log.groups == log.groups[0])))
