"""GoEmotions' reader: the official grouping, majority labels, masks, errors that name the layout."""

from pathlib import Path

import pytest
from support.paths import DATA

from affectstream.lab.datasets.goemotions import FINE, majority, read, read_goemotions
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, GOEMOTIONS_EKMAN


def ids(*names: str) -> tuple[int, ...]:
    return tuple(FINE.index(n) for n in names)


def test_every_fine_label_has_a_class() -> None:
    assert set(FINE) == set(GOEMOTIONS_EKMAN)
    assert (FINE[2], FINE[27]) == ("anger", "neutral")


@pytest.mark.parametrize(
    ("fine", "label"),
    [
        (("joy",), "happy"),
        (("curiosity",), "surprise"),
        (("anger", "annoyance", "joy"), "angry"),
        (("love", "joy"), "happy"),
        (("anger", "neutral"), None),
        (("fear", "disgust", "sadness"), None),
    ],
)
def test_the_class_of_most_labels_wins_and_a_tie_has_none(fine: tuple[str, ...], label: str | None) -> None:
    got = majority(ids(*fine))
    assert (None if got is None else EMOTIONS[got]) == label


def test_in_a_service_call_asking_and_agreeing_is_neutral() -> None:
    for fine in ("curiosity", "confusion", "realization", "approval"):
        assert EMOTIONS[majority(ids(fine), "service") or 0] == "neutral"
    assert EMOTIONS[majority(ids("curiosity", "joy", "love"), "service") or 0] == "happy"
    assert EMOTIONS[majority(ids("surprise"), "service") or 0] == "surprise"


def test_an_unknown_grouping_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'mine': there are ekman, service"):
        read_goemotions(tmp_path / "train.tsv", "mine")


def test_ties_are_counted_and_masks_become_words(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_text('"quoted [NAME]\t17\ta\ntie\t2,27\tb\n\n', encoding="utf-8")
    reading = read_goemotions(path)
    assert reading.ties == 1
    assert [(c.text, EMOTIONS[c.label], c.comment_id) for c in reading.comments] == [
        ('"quoted name', "happy", "a")
    ]


def test_lines_that_are_no_comments_are_listed_and_refused_for_a_training(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_text("nice\t17\ta\nbroken\nbad\t\u00b2\tb\nworse\t28\tc\n", encoding="utf-8")
    reading = read(path)
    assert [c.comment_id for c in reading.comments] == ["a"]
    assert [why for _, why in reading.skipped] == [
        "line 2: 1 columns instead of 3",
        "line 3: label ids must be 0 to 27",
        "line 4: label ids must be 0 to 27",
    ]
    with pytest.raises(InputError, match=r"train\.tsv, line 2: 1 columns instead of 3; GoEmotions'"):
        read_goemotions(path)


@pytest.mark.parametrize("content", ["text,label\n", "hello\t28\ta\n", "hello\tjoy\ta\n", "tie\t2,27\tb\n"])
def test_another_layout_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file.tsv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"file\.tsv.*three columns"):
        read_goemotions(path)


def test_a_missing_file_names_the_layout(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="three columns"):
        read_goemotions(tmp_path / "none.tsv")


CORPUS = DATA / "goemotions"


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no GoEmotions at {CORPUS} (AFFECT_DATA names the folder)")
def test_the_official_development_split_is_read_whole() -> None:
    reading = read_goemotions(CORPUS / "dev.tsv")
    assert (len(reading.comments), reading.ties) == (4985, 441)
    names = (CORPUS / "labels.txt").read_text().split()
    assert tuple(names) == FINE
