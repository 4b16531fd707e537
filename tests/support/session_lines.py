"""Finals drawn as lines of characters, one a second, for the tests of summaries and alerts."""

from collections.abc import Iterable

from support.observations import final

from affectstream.schemas.labels import EMOTIONS, INDEX
from affectstream.schemas.messages import FusedEmotion, ModalityState, Pane, Party

LETTERS = {
    name[0] if name not in ("sad", "surprise") else {"sad": "s", "surprise": "u"}[name]: name
    for name in EMOTIONS
}
"""n h s a f d u: the first letter of every emotion, u for surprise."""


def spread(name: str, share: float) -> tuple[float, ...]:
    """A distribution with so much of one emotion and the rest among the others."""
    rest = (1 - share) / (len(EMOTIONS) - 1)
    return tuple(share if i == INDEX[name] else rest for i in range(len(EMOTIONS)))


def window(
    second: int,
    p: tuple[float, ...] | None,
    party: Party = "customer",
    confidence: float = 0.9,
    disagreement: float = 0.0,
    modalities: tuple[ModalityState, ...] = (),
    pane: Pane = "final",
    rule: str = "entropy_trust",
) -> FusedEmotion:
    """A pane of one second."""
    return final(
        second * 1000 + 1000,
        p,
        party=party,
        confidence=confidence if p else 0.0,
        disagreement=disagreement,
        modalities=modalities,
        pane=pane,
        rule=rule,
    )


def states(**labels: str) -> tuple[ModalityState, ...]:
    """The states of modalities that are present, each with its most probable emotion."""
    return tuple(
        ModalityState(modality=modality, state="present", p=spread(label, 0.7), weight=0.5, count=1)
        for modality, label in labels.items()
    )


def labelled(line: str, share: float = 0.8, party: Party = "customer") -> list[FusedEmotion]:
    """Windows by the letters of their labels, "." for no evidence: ``labelled("nnn.aaa")``."""
    return [window(i, None if c == "." else spread(LETTERS[c], share), party) for i, c in enumerate(line)]


def tenths(line: str, emotion: str = "angry", party: Party = "customer") -> list[FusedEmotion]:
    """Windows by tenths of one emotion, "." for no evidence, "?" for 0.9 with no confidence."""
    return list(_tenths(line, emotion, party))


def _tenths(line: str, emotion: str, party: Party) -> Iterable[FusedEmotion]:
    for i, c in enumerate(line):
        if c == ".":
            yield window(i, None, party)
        elif c == "?":
            yield window(i, spread(emotion, 0.9), party, confidence=0.05)
        else:
            yield window(i, spread(emotion, int(c) / 10), party)


def split(line: str) -> list[FusedEmotion]:
    """Windows by tenths of disagreement between words and voice, "." where only one of them spoke."""
    two, one = states(audio="angry", text="neutral"), states(audio="angry")
    return [
        window(
            i,
            spread("angry", 0.5),
            disagreement=0.0 if c == "." else int(c) / 10,
            modalities=one if c == "." else two,
        )
        for i, c in enumerate(line)
    ]


def marks(alerts: Iterable, seconds: int, since: bool = False) -> str:
    """Alerts as a line: "(" in the second in which one begins, ")" in which it ends."""
    line = [" "] * seconds
    for alert in alerts:
        at = alert.since_ms if since else alert.start_ms
        line[at // 1000] = "(" if alert.edge == "begin" else ")"
    return "".join(line)
