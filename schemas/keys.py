"""The Redis keys; every key expires, but that of a consent that was withdrawn.

====================================  ======  ==========================================================
key                                   type    holds
====================================  ======  ==========================================================
affect:sessions                       zset    session ids by the end of their newest final window (ms), which
                                              is set anew every ten seconds of event time
affect:session:{SID}                  hash    one field per party: JSON of its first and last window end, the
                                              last one as of then too; the newest is that of the stream.
                                              ``run``: whose windows these are
affect:runs:{SID}                     list    the runs that producers have claimed, oldest first
affect:sending:{SID}:PARTY:MODALITY   string  a lease: which live producer sends this
affect:finals:{SID}:PARTY             stream  final windows under the id ``<window_end_ms>-0``:
                                              ``detail``, the MessagePack of the message as on Kafka
affect:latest:{SID}:PARTY             hash    the newest pane, early or final: ``detail`` likewise, ``pane``
                                              and ``end_ms``
affect:alerts:{SID}                   hash    alerts of all parties: JSON by alert id and edge; ``run``
affect:handovers                      hash    which streamed calls processes of the gateway ask each other for
affect:handover:NAME                  string  JSON of such a call's progress: no sound, no words; 30 s
affect:handover:processes             hash    the processes of the gateway
affect:handover:alive:PROCESS         string  that it lives; 3 s
affect:handover:calls:PROCESS         hash    JSON of the progress of its calls, should it die; an hour
affect:handover:taken:PROCESS:NAME    string  that another process has such a call now; an hour
affect:trust                          hash    an operator's trust per modality, over the fitted one, and
                                              ``MODALITY_until_ms`` where it holds for a time only
affect:trust:log                      stream  who set or took back which trust, and which process saw it
affect:webhooks                       stream  events that wait until a webhook's receiver has taken them
affect:feedback:{SID}                 hash    PARTY END_MS -> JSON of a supervisor's mark on that window
affect:consent:{SID}                  string  JSON of the consent to a session and of its pauses; it never
                                              expires once consent was withdrawn
affect:consent:changes                stream  the same JSON at each change, for the processes that go by it
====================================  ======  ==========================================================

Braces keep the keys of a session in one slot of a cluster.
"""

from dataclasses import dataclass

SESSIONS = "affect:sessions"
TRUST = "affect:trust"
WEBHOOKS = "affect:webhooks"
HANDOVERS = "affect:handovers"
HANDOVER_PROCESSES = "affect:handover:processes"
TRUST_LOG = "affect:trust:log"
CONSENT_CHANGES = "affect:consent:changes"
RUN = "run"  # a field of the hashes of a session and of its alerts


@dataclass(frozen=True)
class Runs:
    """The runs of one session, as they are read."""

    kept: str | None = None  # the run whose windows are kept; None where there are none
    claims: tuple[str, ...] = ()  # by producers, oldest first

    def __bool__(self) -> bool:
        return self.kept is not None or bool(self.claims)


def session(session_id: str) -> str:
    """Return the key of a session's hash."""
    return f"affect:session:{{{session_id}}}"


def runs(session_id: str) -> str:
    """Return the key of the runs that producers have claimed of a session."""
    return f"affect:runs:{{{session_id}}}"


def sending(session_id: str, party: str, modality: str) -> str:
    """Return the key of the lease of a live producer."""
    return f"affect:sending:{{{session_id}}}:{party}:{modality}"


def finals(session_id: str, party: str) -> str:
    """Return the key of a party's stream of final windows."""
    return f"affect:finals:{{{session_id}}}:{party}"


def latest(session_id: str, party: str) -> str:
    """Return the key of a party's newest pane."""
    return f"affect:latest:{{{session_id}}}:{party}"


def alerts(session_id: str) -> str:
    """Return the key of a session's alerts."""
    return f"affect:alerts:{{{session_id}}}"


def consent(session_id: str) -> str:
    """Return the key of the consent to a session and of its pauses."""
    return f"affect:consent:{{{session_id}}}"


def feedback(session_id: str) -> str:
    """Return the key of supervisors' marks on a session's windows."""
    return f"affect:feedback:{{{session_id}}}"


def handover(name: str) -> str:
    """Return the key of what one process of the gateway gives to another."""
    return f"affect:handover:{name}"


def handover_alive(process: str) -> str:
    """Return the key of a gateway process's sign of life."""
    return f"affect:handover:alive:{process}"


def handover_calls(process: str) -> str:
    """Return the key of the progress of a gateway process's calls."""
    return f"affect:handover:calls:{process}"


def handover_taken(process: str, name: str) -> str:
    """Return the key that marks a call of a gateway process as taken by another one."""
    return f"affect:handover:taken:{process}:{name}"


def stream_id(window_end_ms: int) -> str:
    """Return the id of a final window in its stream; it is there already where the window was written."""
    return f"{window_end_ms}-0"
