"""MELD reader: dialogues in order, context within a dialogue, repaired text, errors that name the layout."""

from pathlib import Path

import pytest
from support.paths import DATA

from affectstream.lab.datasets.meld import read, read_meld, repaired
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS

HEADER = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
)


def row(text, emotion, dialogue, utterance, speaker="A"):
    return f'1,"{text}",{speaker},{emotion},x,{dialogue},{utterance},1,1,"0:0:0,0","0:0:1,0"\n'


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "train_sent_emo.csv"
    rows = [
        row("third", "joy", 0, 3),
        row("first", "neutral", 0, 0),
        row("second, with a comma", "anger", 0, 1),
        row("alone", "Fear", 1, 0),
        row("after", "disgust", 1, 1),
    ]
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


def test_turns_are_in_dialogue_order_and_context_is_oldest_first(corpus: Path) -> None:
    read = read_meld(corpus)
    assert [u.text for u in read] == ["first", "second, with a comma", "third", "alone", "after"]
    assert read[2].context == ("first", "second, with a comma")


def test_context_never_crosses_a_dialogue(corpus: Path) -> None:
    read = read_meld(corpus)
    assert read[3].context == ()
    assert read[4].context == ("alone",)
    assert read[3].group != read[2].group


def test_no_context_on_request(corpus: Path) -> None:
    assert {u.context for u in read_meld(corpus, turns=0)} == {()}


def test_labels_are_the_seven(corpus: Path) -> None:
    assert [EMOTIONS[u.label] for u in read_meld(corpus)] == ["neutral", "angry", "happy", "fear", "disgust"]


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("I\x92m \x93here\x94", "I\u2019m \u201chere\u201d"),
        ("I\u00e2\u20ac\u2122m", "I\u2019m"),
        ("caf\u00c3\u00a9", "caf\u00e9"),
        ("na\u00efve \u00e2", "na\u00efve \u00e2"),
        ("\x81", " "),
    ],
)
def test_encoding_faults_are_repaired(broken: str, whole: str) -> None:
    assert repaired(broken) == whole


def test_a_file_in_cp1252_is_read(tmp_path: Path) -> None:
    path = tmp_path / "dev_sent_emo.csv"
    path.write_bytes((HEADER + row("I'm", "joy", 0, 0)).replace("'", "\u2019").encode("cp1252"))
    assert read_meld(path)[0].text == "I\u2019m"


@pytest.mark.parametrize(
    "content",
    [
        "text,label\nhello,joy\n",
        HEADER,
        HEADER + row("x", "bored", 0, 0),
        HEADER + row("x", "joy", "zero", 0),
        HEADER + "1,x\n",
    ],
)
def test_another_layout_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"file\.csv"):
        read_meld(path)


def test_rows_that_are_no_utterances_are_listed_and_refused_for_a_training(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    bad = [row("x", "bored", 0, 1), "1,x\n", row("x", "joy", "\u00b2", 0)]
    path.write_text(HEADER + row("Hello", "joy", 0, 0) + "".join(bad) + row("Bye", "anger", 0, 2))
    reading = read(path)
    assert [(u.text, u.context) for u in reading.utterances] == [("Hello", ()), ("Bye", ("Hello",))]
    assert [why.split(";")[0] for _, why in reading.skipped] == [
        "row 3: unknown emotion",
        "row 4: fewer fields than the header",
        "row 5: Dialogue_ID and Utterance_ID must be whole numbers",
    ]
    with pytest.raises(InputError, match=r"file\.csv, row 3: unknown emotion"):
        read_meld(path)


def test_what_is_no_csv_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text(HEADER + '"' + "x" * 200_000)
    with pytest.raises(InputError, match=r"file\.csv is no CSV; MELD's official"):
        read_meld(tmp_path / "file.csv")
    with pytest.raises(InputError, match=r"cannot be read; MELD's official"):
        read_meld(tmp_path)


def test_a_missing_file_names_the_layout(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Dialogue_ID"):
        read_meld(tmp_path / "none.csv")


CORPUS = DATA / "meld"


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"MELD is not at {CORPUS} (AFFECT_DATA names the folder)")
def test_the_official_training_split_is_read_whole() -> None:
    read = read_meld(CORPUS / "train_sent_emo.csv")
    assert len(read) == 9989
    assert len({u.group for u in read}) == 1038
    assert all(u.text for u in read)
