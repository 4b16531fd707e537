"""The sentences of service calls: whole, labelled by intent, and no held-out one known from training."""

import random
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from affectstream.lab.calls.sentences import (
    ANGRY_INTENTS,
    LABEL_OF,
    SENTENCES,
    Sentence,
    as_recognised,
    in_style,
    read_sentences,
)
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS

TRAIN, HELD = read_sentences("train"), read_sentences("held")
CORRECTIONS = read_sentences("corrections")
ASKED_ABOUT = (
    "Thank you for calling, how can I help you today?",
    "I want to speak to your manager right now.",
    "This is the third time I've called about this and nobody has fixed it.",
    "I'm afraid my husband passed away last month.",
)
"""Sentences that users reported as misread: judged, so never learnt."""


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def runs(text: str, n: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)}


def likeness(a: set[tuple[str, ...]], b: set[tuple[str, ...]]) -> float:
    """Return the share of the shorter text's word pairs that the other has; 0 for fewer than three pairs."""
    shorter = min(len(a), len(b))
    return len(a & b) / shorter if shorter > 2 else 0.0


def near(sentences: Iterable[str], others: Iterable[Sentence]) -> list[tuple[str, str]]:
    """Return the pairs that share six words in a row, or more than 60 % of the shorter one's word pairs."""
    kept = [(s.text, runs(s.text, 2), runs(s.text, 6)) for s in others]
    found = []
    for text in sentences:
        two, six = runs(text, 2), runs(text, 6)
        found += [(text, other) for other, pairs, long in kept if six & long or likeness(two, pairs) > 0.6]
    return found


def test_there_are_enough_of_every_class_and_party_in_both_parts() -> None:
    assert len(TRAIN) >= 700
    assert len(HELD) >= 300
    for part in (TRAIN, HELD):
        labels = Counter(EMOTIONS[s.label] for s in part)
        assert set(labels) == set(EMOTIONS)
        assert min(labels.values()) >= 9
        assert {s.intent for s in part} == set(LABEL_OF)
        assert {s.party for s in part} == {"customer", "agent"}
        assert {s.style for s in part} == {"written", "recogniser"}
    assert sum(s.intent in ANGRY_INTENTS for s in HELD) >= 60


def test_no_conversation_and_no_text_is_on_both_sides() -> None:
    whole = (*TRAIN, *HELD, *CORRECTIONS)
    groups = [{s.group for s in part} for part in (TRAIN, HELD, CORRECTIONS)]
    assert sum(map(len, groups)) == len(set().union(*groups))
    texts = [" ".join(words(s.text)) for s in whole]
    assert [text for text, count in Counter(texts).items() if count > 1] == []


def test_no_held_out_sentence_is_a_near_duplicate_of_one_that_is_learnt() -> None:
    assert near((s.text for s in (*HELD, *CORRECTIONS)), TRAIN) == []


def test_the_mistakes_that_are_put_right_are_told_calmly_but_for_a_few() -> None:
    labels = Counter(EMOTIONS[s.label] for s in CORRECTIONS)
    assert set(labels) == {"neutral", "angry"}
    assert labels["neutral"] >= 20
    assert {s.style for s in CORRECTIONS} == {"written", "recogniser"}
    assert {s.domain for s in CORRECTIONS}.isdisjoint(s.domain for s in TRAIN)


def test_no_sentence_that_users_reported_is_learnt() -> None:
    assert near(ASKED_ABOUT, TRAIN) == []


def test_near_duplicates_are_found() -> None:
    altered = TRAIN[0].text.replace("please", "sir")
    assert near([altered], TRAIN) == [(altered, TRAIN[0].text)]


def test_the_style_of_a_recogniser_has_no_marks_or_capitals_and_keeps_most_words() -> None:
    turned = in_style(HELD, "recogniser")
    assert len(turned) == len(HELD)
    assert turned == in_style(HELD, "recogniser")
    assert turned[::-1] == in_style(HELD[::-1], "recogniser")
    for before, after in zip(HELD, turned, strict=True):
        assert not re.search(r"[.,!?;:A-Z]", after.text), after.text
        assert (after.label, after.group) == (before.label, before.group)
    spoken = [(set(words(b.text)), set(words(a.text))) for b, a in zip(HELD, turned, strict=True)]
    kept = sum(len(before & after) / len(before) for before, after in spoken) / len(HELD)
    assert 0.9 < kept < 1.0


def test_written_sentences_stay_as_they_are() -> None:
    assert in_style(HELD, "written") == [s for s in HELD if s.style == "written"]


def test_without_slips_and_fillers_only_marks_and_capitals_go() -> None:
    assert as_recognised("Well, I\u2019m HERE!", random.Random(0), 0.0, 0.0) == "well i'm here"
    assert as_recognised("...", random.Random(0)) == "..."


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("train,bank,x,customer,question,angry,written,Why?", "row 2: no sentence of the intent 'question'"),
        ("test,bank,x,customer,question,neutral,written,Why?", "row 2: part must be one of"),
        ("train,bank,x,customer,question,neutral,written,", "row 2: no text"),
    ],
)
def test_a_faulty_row_is_named(row: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "sentences.csv"
    path.write_text(f"{SENTENCES.read_text().splitlines()[0]}\n{row}\n")
    with pytest.raises(InputError, match=re.escape(fault)):
        read_sentences("train", path)


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_sentences("train", tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="its columns are"):
        read_sentences("train", tmp_path / "other.csv")
