"""A party's own mean taken off: what is learnt of some speakers holds for others who speak elsewhere."""

import numpy as np
import pytest

from affectstream.lab.party_baseline import Spoken, any_clip, less_baseline, neutral_clips, uar_left_out
from affectstream.schemas.labels import EMOTIONS

CLASSES = (EMOTIONS.index("neutral"), EMOTIONS.index("happy"), EMOTIONS.index("angry"))
SIZE = 12


def _corpus(seed: int, classes: tuple[int, ...] = CLASSES) -> Spoken:
    """Three speakers, far from each other, who change in the same directions."""
    rng, emotion = np.random.default_rng(seed), np.random.default_rng(0).normal(size=(7, SIZE))
    labels = np.tile(np.array(classes), 3 * 8)
    speakers = np.repeat([f"{seed}-{n}" for n in range(3)], len(labels) // 3)
    where = np.repeat(10.0 * rng.normal(size=(3, SIZE)), len(labels) // 3, axis=0)
    x = where + emotion[labels] + 0.1 * rng.normal(size=(len(labels), SIZE))
    return Spoken(x.astype(np.float32), labels, speakers)


def test_strangers_are_read_once_their_own_mean_is_taken_off() -> None:
    corpora = {name: _corpus(seed) for seed, name in enumerate(("ravdess", "tess"))}
    plain = uar_left_out(corpora, _corpus(7))
    known = uar_left_out(
        {name: less_baseline(each, 24, any_clip) for name, each in corpora.items()},
        less_baseline(_corpus(7), 24, any_clip),
    )
    assert known == 1.0
    assert plain < 0.9


def test_a_class_that_the_corpus_lacks_is_never_the_answer() -> None:
    few = _corpus(7, CLASSES[:2])
    assert uar_left_out({"ravdess": _corpus(0)}, few) >= 0.5
    assert few.absent[CLASSES[2]] < 0.0 == few.absent[CLASSES[0]]


def test_the_mean_is_of_other_clips_of_the_same_speaker() -> None:
    spoken = _corpus(3)
    alone = less_baseline(spoken, 1, any_clip)
    taken = spoken.x - alone.x
    for row, speaker in enumerate(spoken.speakers):
        near = np.abs(spoken.x - taken[row]).max(axis=1)
        source = int(near.argmin())
        assert near[source] == pytest.approx(0.0, abs=1e-4)
        assert source != row
        assert spoken.speakers[source] == speaker


def test_neutral_clips_alone_may_be_drawn_and_none_changes_nothing() -> None:
    spoken = _corpus(4)
    taken = spoken.x - less_baseline(spoken, 100, neutral_clips).x
    first = spoken.speakers == spoken.speakers[0]
    emotional = np.flatnonzero(first & (spoken.labels != CLASSES[0]))
    mean = spoken.x[first & (spoken.labels == CLASSES[0])].mean(axis=0)
    np.testing.assert_allclose(taken[emotional], np.tile(mean, (len(emotional), 1)), atol=1e-4)
    assert less_baseline(spoken, 0, any_clip) is spoken
