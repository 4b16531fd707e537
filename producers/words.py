"""Words with times, as recognisers list them, put together to utterances."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from affectstream.producers.subtitles import Cue

PAUSE_MS = 800
MOST_WORDS = 40
SENTENCE = re.compile(r"[.!?\u2026\u3002\uff01\uff1f]['\"\u201d\u2019)]*$")


def utterances(words: Sequence[Cue]) -> Iterator[Cue]:
    """Yield words put together: until a pause, the end of a sentence or another speaker."""
    spaced = any(word.text[:1] == " " for word in words[1:])
    group: list[Cue] = []
    for word in words:
        if group and _ends(group, word):
            yield _joined(group, spaced)
            group = []
        group.append(word)
    if group:
        yield _joined(group, spaced)


def _ends(group: list[Cue], word: Cue) -> bool:
    last = group[-1]
    paused = last.end_ms is not None and word.start_ms is not None and word.start_ms - last.end_ms > PAUSE_MS
    sentence = SENTENCE.search(last.text.strip()) is not None
    return paused or sentence or word.speaker != last.speaker or len(group) >= MOST_WORDS


def _joined(group: list[Cue], spaced: bool) -> Cue:
    text = ("" if spaced else " ").join(word.text for word in group)
    ends = [word.end_ms for word in group if word.end_ms is not None]
    return replace(group[0], text=text, end_ms=max(ends) if group[-1].end_ms is not None else None)
