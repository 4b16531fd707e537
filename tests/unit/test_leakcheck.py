"""The leak check counts what a split shares and shows what it is worth, for speech, faces and texts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from models import leakcheck
from models.datasets.goemotions import FINE
from models.leakcheck import gradients, material, mfcc_statistics
from models.leaks import Item, check
from schemas.errors import InputError


def _logistic() -> Any:
    return LogisticRegression(max_iter=500)


def _speakers() -> tuple[list[Item], np.ndarray]:
    """Return 210 items in which a speaker is easy to tell and, for a known speaker, so is the label."""
    rng = np.random.default_rng(0)
    items, vectors = [], []
    for speaker in range(30):
        centre = rng.normal(0, 5, 12)
        for label in range(7):
            name = f"{speaker}-{label}"
            items.append(Item(name, speaker % 7, speaker, name))
            vectors.append(centre + rng.normal(0, 0.1, 12))
    items[1] = Item("copy", items[1].label, items[1].group, items[0].copy)
    return items, np.array(vectors)


def test_a_random_split_shares_speakers_and_flatters() -> None:
    items, vectors = _speakers()
    report = check(items, vectors, _logistic)
    assert (report.items, report.groups) == (210, 30)
    assert report.duplicates == (("0-0", "copy"),)
    assert report.random.shared_groups > 100
    assert report.grouped.shared_groups == report.grouped.copies == 0
    assert report.gap > 0.3
    assert report.official == ()


def test_an_official_split_is_asked_for_copies_and_for_what_they_are_worth() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(0, 1, (140, 200))  # nothing but the copies can be known
    vectors[105:] = vectors[:35]
    labels = [i % 7 for i in range(105)] + [i % 7 for i in range(35)]
    items = [
        Item(f"{i}", label, i, i if i < 105 else i - 105, "train" if i < 70 else "dev")
        for i, label in enumerate(labels)
    ]
    (part,) = check(items, vectors, _logistic).official
    assert (part.first, part.second, part.items, part.copies) == ("train", "dev", 70, 35)
    assert part.uar > part.uar_without_copies + 0.2


def test_the_report_reads_as_text() -> None:
    lines = list(check(*_speakers(), _logistic).lines())
    assert lines[0] == "210 items, 30 groups, 1 sets of copies"
    assert lines[1] == "copies: 0-0, copy"
    assert "split by group: 0 groups on both sides, 0 items with a copy" in lines[3]


def test_the_speech_baseline_hears_forty_statistics() -> None:
    tone = np.sin(np.arange(16_000) / 5).astype(np.float32)
    assert mfcc_statistics(tone, 16_000).shape == (40,)


def test_texts_of_five_words_are_copies_whatever_their_case_and_marks(tmp_path: Path) -> None:
    anger, joy = FINE.index("anger"), FINE.index("joy")
    rows = [("Why would you do that?!", anger), ("why would you do THAT", anger), ("Yes.", joy), ("yes", joy)]
    for name in ("train", "dev"):
        lines = [f"{text}\t{label}\t{name}{i}" for i, (text, label) in enumerate(rows)]
        (tmp_path / f"{name}.tsv").write_text("\n".join(lines))
    found = material("goemotions", tmp_path)
    assert [item.part for item in found.items] == ["train"] * 4 + ["dev"] * 4
    assert len({found.items[i].copy for i in (0, 1, 4, 5)}) == 1
    assert len({item.copy for item in found.items}) == 5
    assert [found.items[i].name for i in (0, 4)] == ["train 1", "dev 1"]  # never the text itself


def test_faces_are_grouped_by_their_near_duplicates_across_the_parts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (6, 48, 48)).astype(np.uint8)
    votes = np.zeros((6, 10), dtype=np.int64)
    votes[:, 0] = 10
    for name, images in (("train", faces), ("valid", np.clip(faces, 2, 250))):
        np.savez(
            tmp_path / f"{name}.npz", images=images, votes=votes, fer2013=np.zeros(6), names=list("abcdef")
        )
    items = material("ferplus", tmp_path).items
    assert [i.copy for i in items[:6]] == [i.copy for i in items[6:]]
    assert len({i.group for i in items}) == 6
    assert gradients(faces).shape == (6, 900)


def test_a_folder_without_the_official_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="train_sent_emo"):
        leakcheck.report("meld", tmp_path)
