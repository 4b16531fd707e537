"""What the store knows of sessions that are new to a join: where they go on, and what their runs are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from affectstream.runtime.retry import retry_until_available
from affectstream.runtime.store import FusedStore
from affectstream.schemas.keys import Runs
from affectstream.workers.fusion.join import Join
from affectstream.workers.fusion.partition import Asked
from affectstream.workers.fusion.runs import judged
from affectstream.workers.fusion.window import Key, ResumePoint


@dataclass(frozen=True)
class Answer:
    """What the store holds of parties, and of runs by session and run."""

    points: Mapping[Key, ResumePoint]
    runs: Mapping[tuple[str, str], Runs]


async def answered(store: FusedStore, asked: Asked) -> Answer:
    """Return what the store holds of what is asked, as soon as it is available."""
    sessions = list(dict.fromkeys(session_id for session_id, _ in asked.runs))
    found = await retry_until_available(lambda: store.newest_of(asked.parties)) if asked.parties else []
    runs = await retry_until_available(lambda: store.runs_of(sessions)) if sessions else []
    newest, of_session = zip(asked.parties, found, strict=True), dict(zip(sessions, runs, strict=True))
    return Answer(
        {key: ResumePoint.after(at.end_ms, at.final) for key, at in newest if at},
        {(session_id, run): of_session[session_id] for session_id, run in asked.runs},
    )


def learn(join: Join, answer: Answer, being_written: Collection[str], replaces: bool) -> None:
    """Let a join know what the store holds, before the observations that it was asked about.

    A session of which the store holds nothing, and of which nothing is still to be written, was purged.
    ``replaces``: a second run that no producer has claimed replaces the first one.
    """
    first: dict[str, str | None] = {}  # of the runs of a session that are met here together
    for (session_id, run), stored in answer.runs.items():
        if session_id not in first:
            unwritten = join.holds(session_id) or session_id in being_written
            if stored.kept is None and not unwritten:
                join.purged(session_id)
            first[session_id] = join.runs.current(session_id)
        verdict, current = judged(run, stored, first[session_id], replaces)
        join.admit(session_id, run, verdict, current)
        if first[session_id] is None and verdict in ("current", "begins"):
            first[session_id] = current
    for key, point in answer.points.items():
        join.resume(key, point)
