"""Corpora of speech are read from their names and lists; what is bad is listed, not fatal."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from affectstream.lab.datasets import cremad
from affectstream.lab.datasets.by_name import EMODB, EMOSPEECH, NEMO, SAVEE, TESS, TUREV
from affectstream.lab.datasets.clips import Corpus
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS


def _speak(path: Path, seconds: float = 0.6, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng([seed, *path.stem.encode()]).normal(0, 0.1, int(8000 * seconds))
    soundfile.write(path, samples, 8000)


def _said(corpus: Corpus) -> dict[str, tuple[str, str, str, str]]:
    return {c.path.stem: (EMOTIONS[c.label], c.speaker, c.sex, c.sentence) for c in corpus.clips}


def _why(corpus: Corpus) -> dict[str, str]:
    return {path.name: reason for path, reason in corpus.skipped}


def _cremad(folder: Path) -> None:
    for name in ("1001_DFA_ANG_XX", "1001_IEO_SAD_HI", "1002_TIE_NEU_XX", "1002_DFA_HAP_X"):
        _speak(folder / "AudioWAV" / f"{name}.wav")
    (folder / "VideoDemographics.csv").write_text(
        '"ActorID","Age","Sex"\n"1001",51,"Male"\n"1002",21,"Female"\n'
    )
    (folder / "processedResults").mkdir()
    (folder / "processedResults" / "summaryTable.csv").write_text(
        '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"\n'
        '"1","1001_DFA_ANG_XX","N","61","A","70","A","81"\n'
        '"2","1001_IEO_SAD_HI","D:S","50:55","S","70","S","80"\n'
        '"3","1002_TIE_NEU_XX","N","61","N","70","N","80"\n'
    )


def test_cremad_labels_are_the_intent_and_speakers_the_actors(tmp_path: Path) -> None:
    _cremad(tmp_path)
    assert _said(cremad.read(tmp_path)) == {
        "1001_DFA_ANG_XX": ("angry", "1001", "male", "DFA"),
        "1001_IEO_SAD_HI": ("sad", "1001", "male", "IEO"),
        "1002_DFA_HAP_X": ("happy", "1002", "female", "DFA"),
        "1002_TIE_NEU_XX": ("neutral", "1002", "female", "TIE"),
    }


@pytest.mark.parametrize(
    ("label", "first", "why"),
    [
        ("crowd_audio", "neutral", "the votes tie (D:S)"),
        ("crowd_face", "angry", None),
        ("crowd_av", "angry", None),
    ],
)
def test_cremad_labels_may_be_the_crowds(tmp_path: Path, label: str, first: str, why: str | None) -> None:
    _cremad(tmp_path)
    corpus = cremad.read(tmp_path, label)
    assert _said(corpus)["1001_DFA_ANG_XX"][0] == first
    assert _why(corpus).get("1001_IEO_SAD_HI.wav") == why
    assert _why(corpus)["1002_DFA_HAP_X.wav"] == "not in the table of votes"


def test_cremad_says_what_crowd_labels_need(tmp_path: Path) -> None:
    _speak(tmp_path / "AudioWAV" / "1001_DFA_ANG_XX.wav")
    assert _said(cremad.read(tmp_path))["1001_DFA_ANG_XX"][2] == ""
    with pytest.raises(InputError, match=r"no summaryTable\.csv in .* which crowd labels need"):
        cremad.read(tmp_path, "crowd_av")
    with pytest.raises(InputError, match="no label set 'crowd': use one of intended, crowd_audio"):
        cremad.read(tmp_path, "crowd")
    (tmp_path / "summaryTable.csv").write_text("FileName,Other\n1001_DFA_ANG_XX,A\n")
    with pytest.raises(InputError, match="must have the columns FileName and facevote"):
        cremad.read(tmp_path, "crowd_face")


def test_savee_is_read_from_folders_and_from_one_folder(tmp_path: Path) -> None:
    for name in ("DC/a01.wav", "JE/sa14.wav", "KL/su15.wav", "all/JK_n30.wav", "XX/a01.wav", "DC/q01.wav"):
        _speak(tmp_path / "AudioData" / name)
    corpus = SAVEE.read(tmp_path)
    assert _said(corpus) == {
        "a01": ("angry", "DC", "male", "01"),
        "sa14": ("sad", "JE", "male", "sa14"),
        "su15": ("surprise", "KL", "male", "su15"),
        "JK_n30": ("neutral", "JK", "male", "n30"),
    }
    assert len(corpus.skipped) == 2


def test_tess_counts_pleasant_surprise_as_surprise_and_reads_no_copy_twice(tmp_path: Path) -> None:
    names = ("OAF_back_angry", "YAF_dog_ps", "OA_bite_neutral", "YAF_dog_bored")
    for folder in ("TESS/one", "TESS/TESS/one"):
        for name in names:
            _speak(tmp_path / folder / f"{name}.wav")
    corpus = TESS.read(tmp_path)
    assert _said(corpus) == {
        "OAF_back_angry": ("angry", "OAF", "female", "back"),
        "YAF_dog_ps": ("surprise", "YAF", "female", "dog"),
        "OA_bite_neutral": ("neutral", "OAF", "female", "bite"),
    }
    assert sorted(reason for _, reason in corpus.skipped) == [
        *["a copy of a file that was read"] * 3,
        *["the name is not SPEAKER_WORD_EMOTION with one of the seven emotions"] * 2,
    ]


def test_emodb_leaves_boredom_out(tmp_path: Path) -> None:
    for name in ("03a01Fa", "08b10Wb", "16a05Tc", "09a02La", "99a01Fa"):
        _speak(tmp_path / "wav" / f"{name}.wav")
    corpus = EMODB.read(tmp_path)
    assert _said(corpus) == {
        "03a01Fa": ("happy", "03", "male", "a01"),
        "08b10Wb": ("angry", "08", "female", "b10"),
        "16a05Tc": ("sad", "16", "female", "a05"),
    }
    assert _why(corpus)["09a02La.wav"] == "boredom, which is none of the seven"


def test_nemo_knows_its_nine_speakers_and_has_no_disgust(tmp_path: Path) -> None:
    for name in ("EB0_anger_1", "WR0_surprised_20", "XX0_anger_1", "EB0_disgust_1"):
        _speak(tmp_path / name[:3] / f"{name}.wav")
    corpus = NEMO.read(tmp_path)
    assert _said(corpus) == {
        "EB0_anger_1": ("angry", "EB0", "female", ""),
        "WR0_surprised_20": ("surprise", "WR0", "male", ""),
    }
    assert len(corpus.skipped) == 2


def test_turev_counts_calm_as_neutral(tmp_path: Path) -> None:
    for name in ("1157_kz_acik", "1234_sk_algi", "1234_xx_algi"):
        _speak(tmp_path / f"{name}.wav")
    corpus = TUREV.read(tmp_path)
    assert _said(corpus) == {
        "1157_kz_acik": ("angry", "1157", "", "acik"),
        "1234_sk_algi": ("neutral", "1234", "", "algi"),
    }
    assert len(corpus.skipped) == 1


def test_emospeech_is_grouped_by_place_for_want_of_speakers(tmp_path: Path) -> None:
    for name in ("calm/house_00001", "fearful/misc_00002", "bored/misc_00003"):
        _speak(tmp_path / f"{name}.wav")
    corpus = EMOSPEECH.read(tmp_path)
    assert _said(corpus) == {
        "house_00001": ("neutral", "house", "", ""),
        "misc_00002": ("fear", "misc", "", ""),
    }
    assert len(corpus.skipped) == 1


def test_unusable_sound_is_skipped_with_its_reason(tmp_path: Path) -> None:
    for name in ("DC/a01", "DC/a02", "DC/a03", "DC/a04", "DC/a05"):
        _speak(tmp_path / f"{name}.wav")
    _speak(tmp_path / "DC" / "a02.wav", seconds=0.2)
    (tmp_path / "DC" / "a03.wav").write_bytes(b"no sound at all")
    (tmp_path / "DC" / "a04.wav").write_bytes(b"")
    soundfile.write(tmp_path / "DC" / "a05.wav", np.zeros(8000), 8000)
    (tmp_path / "DC" / "._a01.wav").write_bytes(b"what a Mac leaves")
    corpus = SAVEE.read(tmp_path)
    assert [c.path.stem for c in corpus.clips] == ["a01"]
    assert _why(corpus) == {
        "a02.wav": "only 0.20 s long, less than 0.5 s",
        "a03.wav": "cannot be decoded as audio",
        "a04.wav": "cannot be decoded as audio",
        "a05.wav": "holds no sound: all zero or not finite",
    }


def test_equal_files_are_found(tmp_path: Path) -> None:
    _speak(tmp_path / "DC" / "a01.wav")
    (tmp_path / "DC" / "h01.wav").write_bytes((tmp_path / "DC" / "a01.wav").read_bytes())
    (same,) = SAVEE.read(tmp_path).duplicates()
    assert [c.path.stem for c in same] == ["a01", "h01"]


@pytest.mark.parametrize("corpus", [cremad, SAVEE, TESS, EMODB, NEMO, TUREV, EMOSPEECH])
def test_another_layout_is_an_error_that_names_the_expected_one(tmp_path: Path, corpus: object) -> None:
    with pytest.raises(InputError, match=r"no .* files in .*: expected "):
        corpus.read(tmp_path)  # type: ignore[attr-defined]
    _speak(tmp_path / "hello.wav")
    with pytest.raises(InputError, match=r"none of 1 files in .* is of .*: expected "):
        corpus.read(tmp_path)  # type: ignore[attr-defined]
