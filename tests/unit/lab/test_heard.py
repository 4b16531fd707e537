"""What is known of a speaker, and what networks by part are judged by."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from affectstream.lab.datasets.readers import View
from affectstream.lab.heard import CLIPS_A_LINE, TRUSTED_AT, Heard, lines_of
from affectstream.lab.known import parts
from affectstream.schemas.labels import EMOTIONS

CLASSES = (EMOTIONS.index("neutral"), EMOTIONS.index("happy"), EMOTIONS.index("angry"))
SIZE, CLIPS = 12, 24  # CLIPS of each of three speakers
EVERYTHING = np.arange(3 * CLIPS)


def _heard(seed: int) -> Heard:
    """Three speakers, far from each other, who change in the same directions; two windows a clip."""
    rng, emotion = np.random.default_rng(seed), np.random.default_rng(0).normal(size=(7, SIZE))
    labels = np.tile(np.array(CLASSES), CLIPS)
    speakers = np.repeat([f"{seed}-{n}" for n in range(3)], CLIPS)
    where = np.repeat(5.0 * rng.normal(size=(3, SIZE)), CLIPS, axis=0)
    clip = np.repeat(EVERYTHING, 2)
    x = (where + emotion[labels])[clip] + 0.1 * rng.normal(size=(len(clip), SIZE))
    return Heard("ravdess", "clean", x.astype(np.float32), clip, labels, speakers)


def test_a_baseline_is_the_mean_of_other_clips_drawn_to_that_of_all() -> None:
    heard, middle = _heard(1), np.full(SIZE, 3.0, np.float32)
    found = heard.baselines(middle, CLIPS, False, np.random.default_rng(0))
    others = np.isin(heard.clip, np.arange(1, CLIPS))  # of the first speaker, without the first clip
    expected = (heard.x[others].sum(axis=0) + TRUSTED_AT * middle) / (others.sum() + TRUSTED_AT)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4)


def test_a_baseline_can_be_of_neutral_clips_alone() -> None:
    heard, middle = _heard(1), np.zeros(SIZE, np.float32)
    found = heard.baselines(middle, CLIPS, True, np.random.default_rng(0))
    calm = (heard.labels[heard.clip] == CLASSES[0]) & (heard.clip < CLIPS)
    np.testing.assert_allclose(found[1], heard.x[calm].sum(axis=0) / (calm.sum() + TRUSTED_AT), rtol=1e-4)


def test_of_whom_nothing_is_known_is_taken_for_the_mean_of_all() -> None:
    heard, middle = _heard(1), np.full(SIZE, 3.0, np.float32)
    np.testing.assert_array_equal(
        heard.baselines(middle, 0, False, np.random.default_rng(0)), np.tile(middle, (3 * CLIPS, 1))
    )


def test_a_baseline_is_of_clips_over_the_same_line() -> None:
    heard, middle = _heard(1), np.zeros(SIZE, np.float32)
    alone = replace(heard, lines=np.array([str(clip) for clip in EVERYTHING]))
    found = alone.baselines(middle, CLIPS, False, np.random.default_rng(0))
    np.testing.assert_array_equal(found, np.zeros((3 * CLIPS, SIZE)))


def test_every_speaker_of_ravdess_is_left_out_by_one_fold_and_a_corpus_at_hand_whole() -> None:
    items = tuple(
        SimpleNamespace(actor=str(n % 10), sha256=str(n), label=n % 7, sex="f" if n % 2 else "m")
        for n in range(140)
    )
    views = {"ravdess": View(items, np.zeros(140, np.int64), ("",) * 140, ()), "tess": View((), None, (), ())}
    found = list(parts(views))
    folds = [f"fold-{n}" for n in range(5)]
    assert [part.name for part in found] == [*folds, "without-ravdess", "without-tess"]
    left_out = np.concatenate([part.judged for part in found[:5]])
    assert sorted(left_out) == list(range(140))
    for part in found[:5]:
        mine = {items[i].actor for i in part.judged}
        assert not mine & {items[i].actor for i in np.setdiff1d(np.arange(140), part.judged)}


@pytest.mark.parametrize("copy", ["r0", "r1"])
def test_a_line_is_of_one_speaker_and_of_so_many_clips_at_most(copy: str) -> None:
    speakers = np.repeat(["one", "two"], 2 * CLIPS_A_LINE + 5)
    view = View((), np.zeros(len(speakers), np.int64), tuple(speakers), ())
    lines = lines_of(view, copy)
    names, sizes = np.unique(lines, return_counts=True)
    assert sorted(sizes) == [5, 5, *[CLIPS_A_LINE] * 4]
    assert all({speakers[i] for i in np.flatnonzero(lines == name)} == {name.split("/")[0]} for name in names)
