"""When a modality that is expected but silent no longer holds finals back.

A modality is waited for while it has not passed the window that is to become final next and another has. It
has stalled once it was silent for so long on an injected clock while none of those waited for had lag, in its
party or in another of the same session: a producer that is held up by one of them is silent in all. A party
of which nothing at all is heard for so long, with no lag in any modality of the session, is given up.
"""

from collections.abc import Callable, Collection

from affectstream.schemas.messages import Modality
from affectstream.workers.fusion.party import PartyJoin

HasLag = Callable[[Modality], bool]


def look(
    party: PartyJoin, session: Collection[PartyJoin], now_ms: int, stall_ms: int, has_lag: HasLag
) -> bool:
    """Mark the modalities of ``party`` that have stalled by now; return whether it is silent altogether.

    ``session`` holds all parties of its session that are open, itself among them.
    """
    awaited = party.awaited()
    others = any(m not in awaited and not party.clocks[m].stalled for m in party.expects)
    silent = [m for m in awaited if party.clocks[m].look(now_ms, holding=others) >= stall_ms]
    if silent and others:
        lagging = any(has_lag(m) for m in sorted({m for kin in session for m in kin.awaited()}))
        for modality in awaited if lagging else silent:
            party.clocks[modality].waiting_since_ms = now_ms
            party.clocks[modality].stalled = not lagging
    if party.quiet.look(now_ms, holding=True) < stall_ms:
        return False
    if any(has_lag(m) for m in sorted({m for kin in session for m in kin.expects})):
        party.quiet.waiting_since_ms = now_ms
        return False
    return True


def silence_ms(party: PartyJoin, now_ms: int) -> int:
    """Return for how long the party, or a modality that it waits for, has been silent at the last look."""
    clocks = [party.quiet, *(party.clocks[m] for m in party.awaited())]
    return max(0 if clock.heard else now_ms - clock.waiting_since_ms for clock in clocks)
