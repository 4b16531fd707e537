"""Which run of a session is current, and what becomes of its other runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from affectstream.schemas.fields import UNNAMED
from affectstream.schemas.keys import Runs

SESSIONS = 10_000  # that runs are known of; more than run at once in a partition

RunVerdict = Literal["current", "begins", "superseded", "second_run"]


@dataclass(slots=True)
class SessionRuns:
    """The runs of a session that the join has met."""

    current: str | None = None  # whose windows are written
    verdicts: dict[str, RunVerdict] = field(default_factory=dict)  # as the store's answer had it

    def knows(self, run: str) -> bool:
        """Say whether nothing need be asked about this run."""
        return run == self.current or run in self.verdicts

    def verdict(self, run: str) -> RunVerdict:
        """Return what is to be done with an observation of ``run``."""
        if run == self.current or (run == UNNAMED and self.current is not None):
            return "current"
        verdict = self.verdicts.get(run, "begins" if self.current is None else "second_run")
        return "begins" if verdict == "current" else verdict

    def begin(self, run: str) -> None:
        """Make ``run`` the current one."""
        if self.current is not None:
            self.verdicts[self.current] = "superseded"
        self.verdicts.pop(run, None)
        self.current = run


class KnownRuns:
    """The runs of the sessions that the join has met lately."""

    def __init__(self) -> None:
        self._sessions: dict[str, SessionRuns] = {}  # the oldest first

    def knows(self, session_id: str, run: str) -> bool:
        """Say whether nothing need be asked of the store about this run of the session."""
        return session_id in self._sessions and self._sessions[session_id].knows(run)

    def current(self, session_id: str) -> str | None:
        """Return the run of a session of which windows are open or were closed here; None for none."""
        runs = self._sessions.get(session_id)
        return None if runs is None else runs.current

    def of(self, session_id: str, open_runs: Iterator[str]) -> SessionRuns:
        """Return the runs of a session; ``open_runs`` are those of its open parties, all the same."""
        runs = self._sessions.get(session_id)
        if runs is None:
            runs = self._sessions[session_id] = SessionRuns(next(open_runs, None))
            while len(self._sessions) > SESSIONS:
                del self._sessions[next(iter(self._sessions))]
        return runs

    def forget(self, session_id: str) -> None:
        """Forget a session."""
        self._sessions.pop(session_id, None)


def judged(run: str, stored: Runs, open_run: str | None, replace: bool) -> tuple[RunVerdict, str]:
    """Return what a run that is new to the join is to its session, and the run that it belongs to.

    ``open_run`` is the run of which the join has windows that are not written yet; ``replace``, that a run
    which nobody has claimed replaces another.
    """
    kept = stored.kept if stored.kept is not None else open_run
    newest = stored.claims[-1] if stored.claims else None
    if run == UNNAMED:
        run = kept if kept is not None else newest or UNNAMED
    if run == kept:
        return "current", run
    if run == newest or (kept is None and not stored.claims):
        return "begins", run
    if run in stored.claims:
        return "superseded", run
    return ("begins" if replace else "second_run"), run
