"""Every corpus of the catalogue can be read by its name as labels, groups and what was skipped."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from support.paths import ROOT

from affectstream.lab.datasets.catalogue import CORPORA, entry, named_in
from affectstream.lab.datasets.readers import view
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import FERPLUS_VOTES


def _speak(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(len(path.stem)).normal(0, 0.1, 8000), 8000)


@pytest.mark.parametrize(
    ("name", "files", "groups"),
    [
        ("ravdess", ("Actor_01/03-01-01-01-01-01-01.wav", "Actor_02/03-01-05-01-01-01-02.wav"), ("1", "2")),
        ("crema-d", ("1001_DFA_ANG_XX.wav", "1002_DFA_ANG_XX.wav"), ("1001", "1002")),
        ("savee", ("DC/a01.wav", "JE/a01.wav"), ("DC", "JE")),
        ("tess", ("OAF_back_sad.wav", "YAF_back_ps.wav"), ("OAF", "YAF")),
        ("emodb", ("03a01Fa.wav", "08a01Wa.wav"), ("03", "08")),
        ("nemo", ("EB0_anger_1.wav", "IC0_anger_1.wav"), ("EB0", "IC0")),
        ("turev", ("1157_kz_acik.wav", "1234_kz_acik.wav"), ("1157", "1234")),
        ("emospeech", ("calm/house_1.wav", "calm/misc_1.wav"), ("house", "misc")),
    ],
)
def test_speech_is_grouped_by_its_speaker(
    tmp_path: Path, name: str, files: tuple[str, ...], groups: tuple[str, ...]
) -> None:
    for file in files:
        _speak(tmp_path / file)
    seen = view(name, tmp_path)
    assert seen.groups == groups
    assert len(seen.labels) == len(seen.items) == 2


def test_near_duplicate_faces_share_a_group_and_those_without_a_majority_are_reported(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 48, 48), dtype=np.uint8)
    images[1] = images[0]
    votes = np.zeros((3, len(FERPLUS_VOTES)), np.int8)
    votes[[0, 1], [0, 1]] = 10
    votes[2, [0, 1]] = 5
    np.savez(
        tmp_path / "a.npz", images=images, votes=votes, fer2013=np.zeros(3, np.int8), names=["a", "b", "c"]
    )
    seen = view("ferplus", tmp_path / "a.npz")
    assert seen.labels.tolist() == [0, 1]
    assert seen.groups[0] == seen.groups[1]
    assert seen.skipped == ((tmp_path / "a.npz", "1 faces without a majority among the seven"),)


def test_text_is_grouped_by_dialogue_and_comment(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(
        "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\nHi,A,joy,0,0\nNo,B,anger,0,1\nOh,A,surprise,1,0\n"
    )
    assert view("meld", tmp_path / "train.csv").groups == ("train:0", "train:0", "train:1")
    (tmp_path / "go.tsv").write_text("Nice\t0\tid1\nHm\t2,17\tid2\n")
    seen = view("goemotions", tmp_path / "go.tsv")
    assert seen.groups == ("id1",)
    assert seen.skipped == ((tmp_path / "go.tsv", "1 comments whose labels tie"),)


def test_pictures_and_pairs_are_read_by_name(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    (tmp_path / "train" / "sad").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "train" / "sad" / "a.png"), picture)
    (tmp_path / "pairs.csv").write_text("image,text,emotion\ntrain/sad/a.png,Oh no,sad\n")
    assert view("affectnet", tmp_path).labels.tolist() == [2]
    assert view("fer2013", tmp_path).labels.tolist() == [2]
    assert view("pairs", tmp_path / "pairs.csv").groups == ("0",)


def test_the_label_set_is_a_choice_of_cremad_alone(tmp_path: Path) -> None:
    _speak(tmp_path / "DC" / "a01.wav")
    with pytest.raises(InputError, match="savee has one set of labels"):
        view("savee", tmp_path, label="crowd_av")
    with pytest.raises(InputError, match="which crowd labels need"):
        _speak(tmp_path / "c" / "1001_DFA_ANG_XX.wav")
        view("crema-d", tmp_path / "c", label="crowd_av")


@pytest.mark.parametrize("corpus", [corpus.name for corpus in CORPORA])
def test_every_corpus_has_a_reader_that_names_the_layout(tmp_path: Path, corpus: str) -> None:
    with pytest.raises(InputError, match=r"expected|official"):
        view(corpus, tmp_path / "nothing")


def test_an_unknown_corpus_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(InputError, match="no corpus is called 'iemocap': there are ravdess, "):
        entry("iemocap")


def test_a_line_of_a_model_card_finds_its_corpus() -> None:
    names = {
        text: (found := named_in(text)) and found.name for text in ("MELD (train)", "RAVDESS video", "x")
    }
    assert names == {"MELD (train)": "meld", "RAVDESS video": "ravdess-video", "x": None}


def test_the_document_holds_the_table() -> None:
    text = (ROOT / "docs" / "models" / "corpora.md").read_text(encoding="utf-8")
    assert all(f"| {c.groups} | {c.choices} | {c.licence} |" in text for c in CORPORA)
