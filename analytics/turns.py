"""Who spoke when, and what their emotions were meanwhile: a fold over the finals of a session.

An utterance is a run of windows with one and the same distribution from the words, as an utterance has in all
windows that it fills. A window in which two meet has a mixture of both and is halved between them. So times
are those of windows, not of words. A party without words has a turn for every run of windows with a voice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from affectstream.analytics.against_usual import against_usual
from affectstream.analytics.changes import mean, mean_of
from affectstream.analytics.label import Display
from affectstream.analytics.need import valence
from affectstream.analytics.records import DECIMALS, Distribution, Ms, Part
from affectstream.schemas.labels import top
from affectstream.schemas.messages import PARTIES, FusedEmotion, Modality, ModalityState, Party

SAME = 1e-6  # distributions that differ by less are of one utterance
OVERLAP_MS = 1_000  # of another party's turn that is still to come, from which a turn interrupts it
PAUSE_MS = 5_000  # a monologue goes on over a shorter silence
ENDS = 5  # start and end of a call are a fifth of it each

Windows = Sequence[FusedEmotion]


@dataclass(frozen=True)
class Words:
    """What was said from when to when, where a transcript is at hand."""

    party: Party
    start_ms: int
    end_ms: int
    text: str


class Turn(Part):
    """One utterance of a party, to the window."""

    party: Party
    start_ms: Ms
    end_ms: Ms
    source: Literal["words", "voice"] = Field(description="what it is known from")
    label: str | None = Field(
        description="of its mean fused distribution, what is usual of the voice taken off; null: no evidence"
    )
    confidence: float = Field(description="mean over its windows")
    face: str | None = Field(description="label of the mean of the face alone; null: not seen")
    voice: str | None = Field(description="likewise of the voice")
    words: str | None = Field(description="likewise of the words")
    valence: float | None = Field(description="happy - sad - angry - fear - disgust of that mean, in [-1, 1]")
    text: str | None = Field(None, description="the words; only from a transcript, where policy permits")


class Talk(Part):
    """How a party takes part in the conversation."""

    party: Party
    turns: int = Field(description="how many")
    talk_ms: int = Field(description="the length of its turns")
    talk_share: float = Field(description="of what all parties talk")
    interruptions: int = Field(description="its turns that begin a second or more before another's ends")
    longest_ms: int = Field(description="its longest monologue: no other's turn, no pause of five seconds")
    words_per_minute: float | None = Field(description="over its turns with words; null without a transcript")
    valence_start: float | None = Field(description="mean valence of the first fifth of the party's time")
    valence_end: float | None = Field(description="likewise of the last fifth")


class Conversation(Part):
    """The turns of a session in order, and what each party has of them."""

    session: str = Field(description="the session's id")
    silence: float = Field(description="share of the call in which nobody talks")
    talk: tuple[Talk, ...] = Field(description="by party, in a fixed order")
    turns: tuple[Turn, ...] = Field(description="by start")


def conversation(
    finals: Iterable[FusedEmotion], display: Display, words: Iterable[Words] = ()
) -> Conversation:
    """Return the turns of one session from all its finals, with ``words`` where they are given."""
    ordered = sorted(finals, key=lambda window: window.end_ms)
    said = list(words)
    by_party = {party: [w for w in ordered if w.party == party] for party in PARTIES}
    seen = (against_usual(display, windows) for windows in by_party.values())
    turns = [turn for windows in seen for turn in _turns(windows, said)]
    turns.sort(key=lambda turn: (turn.start_ms, PARTIES.index(turn.party)))
    return Conversation(
        session=ordered[0].session_id if ordered else "",
        silence=_silence(ordered, turns),
        talk=tuple(_talk(party, windows, turns) for party, windows in by_party.items() if windows),
        turns=tuple(turns),
    )


def _turns(windows: Windows, words: Sequence[Words]) -> list[Turn]:
    with_words = any(_state(window, "text") is not None for window in windows)
    modality: Modality = "text" if with_words else "audio"
    runs = [run for stretch in _stretches(windows, modality) for run in _runs(stretch, with_words)]
    return [_turn(run, with_words, words) for run in runs]


def _stretches(windows: Windows, modality: Modality) -> list[list[FusedEmotion]]:
    """Return the windows with evidence of a modality, split where there is none."""
    found: list[list[FusedEmotion]] = []
    for window in windows:
        state = _state(window, modality)
        if state is None or state.p is None:
            continue
        if not found or found[-1][-1].end_ms != window.start_ms:
            found.append([])
        found[-1].append(window)
    return found


@dataclass
class Run:
    """The windows of one utterance, and its times: those of the windows, or a half of a mixed one more."""

    windows: list[FusedEmotion]
    start_ms: int
    end_ms: int


def _runs(stretch: Windows, with_words: bool) -> list[Run]:
    """Return the utterances of windows without a gap."""
    groups: list[list[FusedEmotion]] = []
    for window in stretch:
        if groups and (not with_words or _same(groups[-1][-1], window)):
            groups[-1].append(window)
        else:
            groups.append([window])
    runs: list[Run] = []
    border_ms: int | None = None  # the middle of a mixed window, where the last run ends
    for i, group in enumerate(groups):
        if runs and i + 1 < len(groups) and border_ms is None and _is_mixed(group):
            border_ms = runs[-1].end_ms = (group[0].start_ms + group[0].end_ms) // 2
            continue
        runs.append(Run(group, group[0].start_ms if border_ms is None else border_ms, group[-1].end_ms))
        border_ms = None
    return runs


def _is_mixed(group: Windows) -> bool:
    state = _state(group[0], "text")
    return len(group) == 1 and state is not None and state.count > 1


def _same(one: FusedEmotion, other: FusedEmotion) -> bool:
    a, b = (_state(window, "text") for window in (one, other))
    p, q = (a and a.p) or (), (b and b.p) or ()
    return all(abs(x - y) < SAME for x, y in zip(p, q, strict=True))


def _turn(run: Run, with_words: bool, words: Sequence[Words]) -> Turn:
    p = mean_of(run.windows)
    party = run.windows[0].party
    own = [each.text for each in words if each.party == party and _mostly_in(each, run)]
    return Turn(
        party=party,
        start_ms=run.start_ms,
        end_ms=run.end_ms,
        source="words" if with_words else "voice",
        label=None if p is None else top(p),
        confidence=round(sum(w.confidence for w in run.windows) / len(run.windows), DECIMALS),
        face=_label(run.windows, "video"),
        voice=_label(run.windows, "audio"),
        words=_label(run.windows, "text"),
        valence=valence(p),
        text=" ".join(own) or None,
    )


def _mostly_in(words: Words, run: Run) -> bool:
    middle_ms = (words.start_ms + words.end_ms) // 2
    return run.start_ms <= middle_ms < run.end_ms


def _label(windows: Windows, modality: Modality) -> str | None:
    """Return the label of a modality's mean distribution."""
    states = [_state(window, modality) for window in windows]
    found: list[Distribution] = [state.p for state in states if state is not None and state.p is not None]
    p = mean(found)
    return None if p is None else top(p)


def _state(window: FusedEmotion, modality: Modality) -> ModalityState | None:
    return next((state for state in window.modalities if state.modality == modality), None)


def _silence(ordered: Windows, turns: Sequence[Turn]) -> float:
    if not ordered:
        return 1.0
    start_ms, end_ms = min(w.start_ms for w in ordered), ordered[-1].end_ms
    talked_ms, until_ms = 0, start_ms
    for turn in turns:
        talked_ms += max(0, turn.end_ms - max(turn.start_ms, until_ms))
        until_ms = max(until_ms, turn.end_ms)
    return round(1.0 - talked_ms / (end_ms - start_ms), DECIMALS)


def _talk(party: Party, windows: Windows, turns: Sequence[Turn]) -> Talk:
    own = [turn for turn in turns if turn.party == party]
    talk_ms, all_ms = _length_ms(own), _length_ms(turns)
    start_ms, fifth_ms = windows[0].start_ms, (windows[-1].end_ms - windows[0].start_ms) // ENDS
    return Talk(
        party=party,
        turns=len(own),
        talk_ms=talk_ms,
        talk_share=round(talk_ms / all_ms, DECIMALS) if all_ms else 0.0,
        interruptions=sum(_interrupts(turn, turns) for turn in own),
        longest_ms=_longest_ms(party, turns),
        words_per_minute=_speed([turn for turn in own if turn.text]),
        valence_start=valence(mean_of([w for w in windows if w.end_ms <= start_ms + fifth_ms])),
        valence_end=valence(mean_of([w for w in windows if w.start_ms >= windows[-1].end_ms - fifth_ms])),
    )


def _length_ms(turns: Sequence[Turn]) -> int:
    return sum(turn.end_ms - turn.start_ms for turn in turns)


def _interrupts(turn: Turn, turns: Sequence[Turn]) -> bool:
    return any(
        other.party != turn.party and other.start_ms < turn.start_ms <= other.end_ms - OVERLAP_MS
        for other in turns
    )


def _longest_ms(party: Party, turns: Sequence[Turn]) -> int:
    longest_ms, begun_ms, last_ms = 0, None, 0
    for turn in turns:
        if turn.party != party:
            begun_ms = None
            continue
        if begun_ms is None or turn.start_ms - last_ms > PAUSE_MS:
            begun_ms = turn.start_ms
        last_ms = turn.end_ms
        longest_ms = max(longest_ms, last_ms - begun_ms)
    return longest_ms


def _speed(turns: Sequence[Turn]) -> float | None:
    minutes = _length_ms(turns) / 60_000
    return round(sum(len((turn.text or "").split()) for turn in turns) / minutes, 1) if minutes else None
