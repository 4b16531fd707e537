"""The leak check counts what a split shares and shows what it is worth, for speech, faces and texts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

from affectstream.cli import app
from affectstream.lab import baselines
from affectstream.lab.baselines import gradients, material, mfcc_statistics
from affectstream.lab.datasets.goemotions import FINE
from affectstream.lab.leakcheck import Item, Report, check
from affectstream.schemas.errors import InputError


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


@pytest.fixture(scope="module")
def report() -> Report:
    return check(*_speakers(), _logistic)


def test_a_random_split_shares_speakers_and_flatters(report: Report) -> None:
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
    assert part.uar_without_copies is not None
    assert part.uar > part.uar_without_copies + 0.2


def test_where_all_of_a_part_are_copies_nothing_is_left_without_them() -> None:
    vectors = np.random.default_rng(0).normal(0, 1, (28, 4))
    items = [Item(f"{i}", i % 7, i, i % 14, "train" if i < 14 else "dev") for i in range(28)]
    report = check(items, vectors, _logistic)
    assert report.official[0].uar_without_copies is None
    assert any(line.endswith("nothing is left without the copies") for line in report.lines())


def test_the_report_reads_as_text(report: Report) -> None:
    lines = list(report.lines())
    assert lines[0] == "210 items, 30 groups, 1 sets of copies"
    assert lines[1] == "copies: 0-0, copy"
    assert "split by group: 0 groups on both sides, 0 items with a copy" in lines[3]
    assert "in 5 folds" in lines[3]


def test_the_report_names_what_was_left_out_and_why() -> None:
    skipped = [("a", "torn"), ("b", "torn"), *((f"{i}", f"reason {i}") for i in range(6))]
    items = _items([i % 7 for i in range(28)], range(28))
    lines = list(check(items, np.eye(28), _logistic, skipped=skipped).lines())
    assert lines[1:3] == ["left out: a and 1 more: torn", "left out: 0: reason 0"]
    assert lines[6] == "and 2 more for other reasons"


def _items(labels: Iterable[int], groups: Iterable[int]) -> list[Item]:
    return [
        Item(f"{i}", label, group, i) for i, (label, group) in enumerate(zip(labels, groups, strict=True))
    ]


@pytest.mark.parametrize(
    ("labels", "groups", "text"),
    [
        ([0, 1] * 5, [1] * 10, "have 1 groups that share no copy, 2 classes"),
        ([3] * 10, range(10), "1 classes and at most 10 of one class"),
        ([0, 1], [0, 1], "at most 1 of one class"),
        ([0] * 5 + [1] * 5, [0] * 5 + [1] * 5, "cannot learn from 5 items of 1 classes"),
    ],
)
def test_too_little_to_split_or_learn_from_is_an_error(
    labels: list[int], groups: Iterable[int], text: str
) -> None:
    items = _items(labels, groups)
    with pytest.raises(InputError, match=text):
        check(items, np.eye(len(items)), _logistic)


def _speak(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([*str(path).encode()])
    soundfile.write(path, rng.normal(0, 0.1, 8000), 8000)


def test_four_speakers_give_four_folds_and_torn_files_are_named(tmp_path: Path) -> None:
    for speaker in ("DC", "JE", "JK", "KL"):
        for name in ("a01", "h01", "n01", "a02", "h02", "n02"):
            _speak(tmp_path / speaker / f"{name}.wav")
    (tmp_path / "DC" / "a03.wav").write_bytes(b"torn")
    report = baselines.report("savee", tmp_path)
    assert (report.folds, report.groups, report.grouped.shared_groups) == (4, 4, 0)
    assert "left out: DC/a03.wav: cannot be decoded as audio" in list(report.lines())


def test_the_command_takes_the_label_set_of_cremad(tmp_path: Path) -> None:
    names = [f"100{actor}_{text}_ANG_XX" for actor in (1, 2, 3) for text in ("DFA", "IEO", "TIE", "MTI")]
    for name in names:
        _speak(tmp_path / f"{name}.wav")
    votes = "".join(f"{name},{'AF'[i % 2]}\n" for i, name in enumerate(names))
    (tmp_path / "summaryTable.csv").write_text(f"FileName,VoiceVote\n{votes}")
    given = ["leakcheck", "crema-d", "--data", str(tmp_path)]
    shown = CliRunner().invoke(app, [*given, "--label", "crowd_audio"])
    assert shown.output.startswith("12 items, 3 groups, 0 sets of copies")
    refused = CliRunner().invoke(app, given)  # all mean the same: anger
    assert "1 classes and at most 12 of one class" in str(refused.exception)


def test_the_official_split_is_learnt_on_train_wherever_it_stands() -> None:
    items = [Item(f"{i}", i % 7, i, i, "Test" if i < 14 else "Train") for i in range(42)]
    (official,) = check(items, np.random.default_rng(0).normal(0, 1, (42, 4)), _logistic).official
    assert (official.first, official.second, official.items) == ("Train", "Test", 14)


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


def test_ferplus_is_checked_from_the_two_original_files_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    usages = ["Training", "Training", "PublicTest", "PrivateTest"]
    pixels = [" ".join(map(str, rng.integers(0, 256, 48 * 48))) for _ in usages]
    pixels[2] = pixels[0]
    faces = [f"3,{text},{usage}" for text, usage in zip(pixels, usages, strict=True)]
    votes = [f"{usage},fer{i}.png,10,0,0,0,0,0,0,0,0,0" for i, usage in enumerate(usages)]
    header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *faces]))
    (tmp_path / "fer2013new.csv").write_text("\n".join([header, *votes]))
    items = material("ferplus", tmp_path).items
    assert [item.part for item in items] == usages
    assert [item.name for item in items] == ["Training 1", "Training 2", "PublicTest 1", "PrivateTest 1"]
    assert items[0].copy == items[2].copy != items[1].copy
    with pytest.raises(InputError, match="ferplus has one set of labels"):
        material("ferplus", tmp_path, "votes")


def test_a_folder_without_the_official_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="train_sent_emo"):
        baselines.report("meld", tmp_path)
