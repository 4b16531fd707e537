"""What the alerts worker keeps of calls that run: each party's fold so far, and the run of each session.

Memory is that of calls that run: a party whose streams have ended goes, what had no window for a while, and
where there are too many, what had none for longest. Redis gives it again where the call goes on.
"""

from collections import OrderedDict

from affectstream.analytics.alerts import State
from affectstream.schemas.fields import UNNAMED
from affectstream.schemas.messages import PARTIES, PartyKey

MOST = 10_000  # parties, and sessions
KEPT_S = 300.0  # after the last window


class AlertStates:
    """The states by party, the one that changed last at the end; the runs by session."""

    def __init__(self) -> None:
        self._states: OrderedDict[PartyKey, tuple[State, float]] = OrderedDict()  # and when it changed
        self._runs: OrderedDict[str, str] = OrderedDict()  # where they have a name

    def __len__(self) -> int:
        return len(self._states)

    def run(self, session_id: str) -> str:
        """Return the run of a session that is read here."""
        return self._runs.get(session_id, UNNAMED)

    def begin(self, session_id: str, run: str) -> None:
        """Let a session have another run, of which nothing was folded yet."""
        for party in PARTIES:
            self._drop((session_id, party))
        self._runs[session_id] = run
        if len(self._runs) > MOST:
            self._runs.popitem(last=False)

    def get(self, key: PartyKey) -> State | None:
        """Return the state of a party; None where there is none any more."""
        found = self._states.get(key)
        return None if found is None else found[0]

    def put(self, key: PartyKey, state: State, now_s: float) -> None:
        """Keep the state of a party after its newest window."""
        self._states[key] = state, now_s
        self._states.move_to_end(key)
        if len(self._states) > MOST:
            self._drop(next(iter(self._states)))

    def end(self, key: PartyKey) -> None:
        """Drop the state of a party that is over."""
        self._drop(key)

    def forget(self, now_s: float) -> None:
        """Drop the parties that have had no window for ``KEPT_S``."""
        while self._states:
            key, (_, changed_s) = next(iter(self._states.items()))
            if now_s - changed_s < KEPT_S:
                return
            self._drop(key)

    def _drop(self, key: PartyKey) -> None:
        self._states.pop(key, None)
        if not any((key[0], party) in self._states for party in PARTIES):
            self._runs.pop(key[0], None)
