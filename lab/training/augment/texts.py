"""Styles of training texts, drawn anew whenever a text is learnt, and turns of a call around a sentence."""

import random
from collections import defaultdict
from collections.abc import Sequence

from affectstream.lab.calls.sentences import Sentence, as_recognised
from affectstream.lab.datasets.texts import CALLS, Row

AS_WRITTEN = 0.5  # share of the texts of calls
SLIPS, FILLERS = (0.0, 0.04, 0.08), (0.0, 0.06, 0.12)  # chances that are drawn for a text
BEFORE = 0.7  # share of the prefaced neutral sentences that come second, as all others do
SAME_TOPIC = 0.5  # share of the contexts that are of the same conversation


def varied(text: str, rng: random.Random, as_written: float = AS_WRITTEN) -> str:
    """Return ``text`` as it is, or with the marks, fillers, slips and errors of a recogniser."""
    if rng.random() < as_written:
        return text
    return as_recognised(text, rng, rng.choice(SLIPS), rng.choice(FILLERS))


class Turns:
    """Sentences as turns of a call: some with a neutral sentence beside them, some after other turns."""

    def __init__(self, sentences: Sequence[Sentence], prefaced: float, in_context: float) -> None:
        """Take the training sentences and the shares of those that get company."""
        self._neutral = [s for s in sentences if s.label == 0]
        self._of_group: defaultdict[str, list[Sentence]] = defaultdict(list)
        for sentence in sentences:
            self._of_group[sentence.group].append(sentence)
        self._prefaced, self._in_context = prefaced, in_context

    def drawn(self, sentence: Sentence, rng: random.Random) -> Row:
        """Return ``sentence`` as a row to learn, in a style and with a context drawn by ``rng``."""
        text = sentence.text
        if rng.random() < self._prefaced:
            other = rng.choice(self._neutral).text
            last = sentence.label != 0 or rng.random() < BEFORE
            text = f"{other} {text}" if last else f"{text} {other}"
        context = self._context(sentence, rng) if rng.random() < self._in_context else ()
        return Row(varied(text, rng), context, sentence.label, CALLS, sentence.group)

    def _context(self, sentence: Sentence, rng: random.Random) -> tuple[str, ...]:
        same = [s for s in self._of_group[sentence.group] if s is not sentence]
        among = same if len(same) > 1 and rng.random() < SAME_TOPIC else self._neutral
        turns = rng.sample(among, min(rng.choice((1, 2)), len(among)))
        return tuple(varied(s.text, rng) for s in turns)
