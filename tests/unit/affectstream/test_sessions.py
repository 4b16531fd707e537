"""What the commands read from Redis while a session is going on."""

from typing import Any

from support.session_lines import labelled

from affectstream.publish import Ends
from affectstream.runtime.session_index import Session, Span
from affectstream.schemas.messages import FusedEmotion, Party
from affectstream.sessions import Follower


class Store:
    """Finals and the newest pane of parties, as ``FusedStore`` returns them."""

    def __init__(self) -> None:
        self.windows: list[FusedEmotion] = []
        self.newest: dict[Party, FusedEmotion] = {}

    def _of(self, party: Party) -> list[FusedEmotion]:
        return [window for window in self.windows if window.party == party]

    async def session(self, session_id: str) -> Session | None:
        parties = {
            w.party: Span(self._of(w.party)[0].end_ms, self._of(w.party)[-1].end_ms) for w in self.windows
        }
        return Session(session_id, parties) if parties else None

    async def finals(self, _: str, party: Party, start_ms: int | None = None) -> list[FusedEmotion]:
        return [window for window in self._of(party) if start_ms is None or window.end_ms > start_ms]

    async def latest(self, _: str, party: Party) -> FusedEmotion | None:
        return self.newest.get(party)


def early(window: FusedEmotion) -> FusedEmotion:
    return window.model_copy(update={"pane": "early"})


async def test_a_follower_gets_every_final_once_however_many_came_between() -> None:
    call, store = labelled("n" * 40), Store()
    follower: Any = Follower(store, "s")  # type: ignore[arg-type]
    assert await follower.news() == []
    store.windows = call[:30]
    assert await follower.news() == call[:30]
    assert await follower.news() == []
    store.windows = call
    assert await follower.news() == call[30:]


async def test_a_follower_gets_an_early_pane_until_its_final_is_there() -> None:
    call, store = labelled("nnn"), Store()
    follower: Any = Follower(store, "s")  # type: ignore[arg-type]
    store.windows, store.newest = call[:1], {"customer": early(call[1])}
    assert await follower.news() == [call[0], early(call[1])]
    assert await follower.news() == [early(call[1])]
    store.windows = call[:2]
    assert await follower.news() == [call[1]]


async def test_a_follower_shows_the_run_that_has_replaced_another() -> None:
    call, store = labelled("n" * 6), Store()
    follower: Any = Follower(store, "s")  # type: ignore[arg-type]
    store.windows = call[2:]
    assert await follower.news() == call[2:]
    store.windows = call[:2]
    assert await follower.news() == call[:2]


async def test_the_end_is_reached_when_the_last_window_of_every_party_is_there() -> None:
    customer, agent, store = labelled("nnn"), labelled("nn", party="agent"), Store()
    ends: Any = Ends(1000)
    assert not await ends.reached(store, "s")  # nothing was sent yet
    for window in (*customer, *agent):
        ends.note(window)  # all that counts is whose it is and when it ends
    store.windows = customer
    assert not await ends.reached(store, "s")
    store.windows = [*customer, *agent]
    assert await ends.reached(store, "s")
