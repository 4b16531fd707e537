"""The leak check counts what a split shares and shows what it is worth."""

import numpy as np

from models.leakcheck import Item, check, mfcc_statistics


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
    items[1] = Item("copy", items[1].label, items[1].group, items[0].sha256)
    return items, np.array(vectors)


def test_a_random_split_shares_speakers_and_flatters() -> None:
    items, vectors = _speakers()
    report = check(items, vectors)
    assert (report.items, report.groups) == (210, 30)
    assert report.duplicates == (("0-0", "copy"),)
    assert report.random.shared_groups > 100
    assert report.grouped.shared_groups == report.grouped.shared_files == 0
    assert report.gap > 0.3


def test_the_report_reads_as_text() -> None:
    lines = list(check(*_speakers()).lines())
    assert lines[0] == "210 items, 30 groups, 1 sets of equal files"
    assert lines[1] == "equal files: 0-0, copy"
    assert "split by group: 0 groups and 0 files on both sides" in lines[3]


def test_the_baseline_hears_forty_statistics() -> None:
    tone = np.sin(np.arange(16_000) / 5).astype(np.float32)
    assert mfcc_statistics(tone, 16_000).shape == (40,)
