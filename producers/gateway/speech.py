"""Words that come along with a call, from a recogniser beside it: finals, and how far time has come.

Only finals count. A partial result says where the utterance under way begins, so that everything before it is
settled; a final settles its own end, and one without a text a silence. A party about which nothing comes is
silent up to ``LATE_MS`` before the stream's clock; what is about a time that is settled is late::

    results       partial 4.0-4.6   final 4.0-6.2 "words"   final 6.2-9.0 ""
    settled       4.0               6.2                     9.0
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator

from affectstream.producers.gateway.events import Words
from affectstream.producers.turns import CONTEXT_CHARACTERS, CONTEXT_TURNS, TextInterval
from affectstream.runtime.metrics import count_redacted
from affectstream.schemas.messages import Party
from affectstream.schemas.redaction import redact

LATE_MS = 10_000  # behind the stream's clock
LONGEST_MS = 60_000  # of an utterance that is under way; then its final is not waited for
STEP_MS = 1_000
REMEMBERED = 64  # finals, to tell one that is repeated from one that is late


class SpeechLane:
    """The words of all parties of a call."""

    def __init__(self, redact: bool = True, parties: Iterable[Party] = ()) -> None:
        self.dropped: Counter[str] = Counter()
        self.head_ms = 0
        self._redact = redact
        self._late_ms: dict[Party, int] = dict.fromkeys(parties, LATE_MS)  # whose words come, or came
        self._streamed: set[Party] = {*self._late_ms}  # whose words a stream brings now
        self._settled_ms: dict[Party, int] = {}
        self._open_ms: dict[Party, int] = {}  # where the utterance under way begins
        self._finals: deque[tuple[Party, int, int]] = deque(maxlen=REMEMBERED)
        self._turns: deque[str] = deque(maxlen=CONTEXT_TURNS)

    def resume(self, settled_ms: dict[Party, int]) -> None:
        """Go on with words that are settled so far, and that no stream brings yet."""
        self._late_ms |= dict.fromkeys(settled_ms, LATE_MS)
        self._settled_ms |= settled_ms

    @property
    def parties(self) -> Collection[Party]:
        """Return whose words come along, or did for a part of the call."""
        return self._late_ms.keys()

    def is_open(self, party: Party) -> bool:
        """Say whether a stream brings the words of a party now."""
        return party in self._streamed

    def begin(self, party: Party, at_ms: int) -> Iterator[TextInterval]:
        """Take words of a party from now on; where there were none before, yield the instant of the first."""
        known = party in self._late_ms
        self._late_ms[party] = LATE_MS
        self._streamed.add(party)
        if not known:
            self._settled_ms[party] = at_ms
            yield TextInterval(at_ms, at_ms, at_ms)

    def leave(self, party: Party, goes_on: bool) -> None:
        """Note that no stream brings the words of a party now; words to come are waited for if it goes on."""
        self._streamed.discard(party)
        if not goes_on:
            self._late_ms[party] = 0
            self._open_ms.pop(party, None)

    def settled_ms(self, party: Party) -> int:
        """Return up to where no more words of a party are waited for."""
        return self._settled_ms.get(party, 0)

    def take(self, words: Words) -> Iterator[TextInterval]:
        """Yield what a result adds: the silence before it, and where it is final the words."""
        party, settled_ms = words.party, self.settled_ms(words.party)
        self.head_ms = max(self.head_ms, words.end_ms)
        if not words.final:
            yield from self._silence(party, words.start_ms)
            self._open_ms[party] = max(words.start_ms, settled_ms)
            return
        if words.end_ms <= settled_ms:
            repeated = (party, words.start_ms, words.end_ms) in self._finals
            self.dropped["repeated_words" if repeated else "late_words"] += 1
            return
        self._finals.append((party, words.start_ms, words.end_ms))
        self._open_ms.pop(party, None)
        text = count_redacted(redact(words.text)).text if self._redact else words.text
        if not text.strip():
            yield from self._silence(party, words.end_ms)
            return
        yield from self._silence(party, words.start_ms)
        start_ms = max(words.start_ms, settled_ms)
        self._settled_ms[party] = words.end_ms
        yield TextInterval(start_ms, words.end_ms, words.end_ms, text, tuple(self._turns), words.language)
        self._turns.append(text[-CONTEXT_CHARACTERS:])

    def wait(self, party: Party, head_ms: float) -> Iterator[TextInterval]:
        """Yield the silence of a party about which nothing came while the stream's clock went on."""
        open_ms = self._open_ms.get(party)
        if open_ms is not None and head_ms - open_ms < LONGEST_MS:
            return
        self._open_ms.pop(party, None)
        until_ms = int(head_ms) - self._late_ms.get(party, LATE_MS)
        if until_ms - self.settled_ms(party) >= STEP_MS:
            yield from self._silence(party, until_ms)

    def _silence(self, party: Party, until_ms: int) -> Iterator[TextInterval]:
        settled_ms = self.settled_ms(party)
        if until_ms > settled_ms:
            self._settled_ms[party] = until_ms
            yield TextInterval(settled_ms, until_ms, until_ms)
