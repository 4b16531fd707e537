"""What is answered of speakers of whom other clips are known, without their labels."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from affectstream.lab.evaluation.known_speaker import even_shift, known, with_known
from affectstream.lab.evaluation.outcome import About, Outcome
from affectstream.lab.statistics import uar

CLASSES = (0, 2, 3)  # neutral, sad, angry
ABOUT = About("a corpus, never heard", "a corpus", "none of it in training", "as acted", "speakers")


def _outcome(clips: int = 60, about: About = ABOUT, speakers: int = 3) -> Outcome:
    """Return answers that are right but for what each speaker sounds like."""
    rng = np.random.default_rng(0)
    labels = np.resize(CLASSES, clips * speakers)
    logits = rng.normal(0, 0.3, (len(labels), 7))
    logits[np.arange(len(labels)), labels] += 3
    groups = np.repeat(np.arange(speakers), clips)
    logits += rng.normal(0, 4, (speakers, 7))[groups]
    p = softmax(logits, axis=1)
    return Outcome(about, labels, tuple(f"speaker {n}" for n in groups), p, p)


def test_a_shift_makes_all_classes_alike_and_of_few_clips_is_small() -> None:
    log_p = np.log(_outcome(speakers=1).after[:, CLASSES])
    many, few = even_shift(np.tile(log_p, (100, 1))), even_shift(log_p[:3])
    assert softmax(log_p + many, axis=1).mean(axis=0) == pytest.approx([1 / 3] * 3, abs=1e-3)
    assert np.abs(few).max() < np.abs(many).max()
    assert even_shift(np.log(np.eye(3) * 0.97 + 0.01)) == pytest.approx([0, 0, 0], abs=1e-6)


def test_speakers_who_are_off_by_the_same_in_all_they_say_are_answered_rightly() -> None:
    heard = _outcome()
    found = known(heard)
    assert found is not None
    assert uar(heard.labels, heard.after.argmax(axis=1)) < 0.7
    assert uar(heard.labels, found.after.argmax(axis=1)) > 0.95
    assert found.after.sum(axis=1) == pytest.approx(np.ones(len(heard.labels)))
    assert (found.after[:, [1, 4, 5, 6]] == 0).all()  # classes that the corpus does not have
    assert found.about.name == "a corpus, never heard, speakers known"
    assert "without labels" in found.about.split


def test_no_clip_has_a_part_in_what_is_known_for_it() -> None:
    heard = _outcome()
    changed = heard.after.copy()
    changed[0] = np.roll(changed[0], 1)
    before, after = known(heard), known(replace(heard, after=changed))
    assert before is not None and after is not None
    same = (before.after == after.after).all(axis=1)
    assert not same[0]
    assert (~same).sum() == 1 + 30  # itself, and the half of the speaker's clips that it is known to
    assert same[60:].all()


@pytest.mark.parametrize("groups", ["place (speakers are not told)", "near duplicates"])
def test_nothing_is_known_of_what_is_no_person(groups: str) -> None:
    assert known(_outcome(about=replace(ABOUT, groups=groups))) is None


def test_nothing_is_known_of_a_speaker_with_few_clips() -> None:
    assert known(_outcome(clips=19)) is None
    some = _outcome(clips=20, speakers=1), _outcome(clips=10, speakers=1)
    p = np.concatenate([each.after for each in some])
    labels = np.concatenate([each.labels for each in some])
    mixed = Outcome(ABOUT, labels, ("a",) * 20 + ("b",) * 10, p, p)
    found = known(mixed)
    assert found is not None
    few = p[20:][:, CLASSES]
    assert found.after[20:][:, CLASSES] == pytest.approx(few / few.sum(axis=1, keepdims=True))
    assert [each.about.name for each in with_known([mixed, some[1]])] == [
        ABOUT.name, f"{ABOUT.name}, speakers known", ABOUT.name
    ]  # fmt: skip
