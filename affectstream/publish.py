"""A session published no faster than its workers keep up, and until when its final windows are due."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from affectstream.schemas.messages import Observations

if TYPE_CHECKING:
    from affectstream.producers.playback import Control, Playable
    from affectstream.producers.replay import Played, Send
    from affectstream.runtime.kafka import Publisher
    from affectstream.runtime.settings import KafkaSettings, Settings
    from affectstream.runtime.store import FusedStore
    from affectstream.schemas.messages import Party


async def published(
    stream: "Iterable[Playable]",
    kafka: "KafkaSettings",
    speed: float | None,
    progress: "Callable[[Playable], None] | None" = None,
    recognised: bool = False,
    asking: "Settings | None" = None,
    control: "Control | None" = None,
) -> "Played":
    """Play a session onto Kafka, never further ahead of the workers than the broker keeps.

    With ``recognised`` the recogniser is one of them; with ``asking`` the consent to it is asked for;
    ``control`` pauses it. Raises Unavailable at once where the topics are absent, PolicyError where consent
    was withdrawn.
    """
    from contextlib import AsyncExitStack

    from affectstream.producers.consent import guarded
    from affectstream.producers.replay import Send, play
    from affectstream.runtime.kafka import Publisher, topics
    from affectstream.runtime.kafka.lag import LagMeter
    from affectstream.runtime.kafka.publisher import DELIVERY_MS
    from affectstream.runtime.retry import retry_until_available
    from affectstream.schemas.topics import ASR_GROUP, CHUNKS, MEDIA, PROBABILITIES

    groups = {topic.name: [topic.group] for topic in (*MEDIA.values(), PROBABILITIES)}
    if recognised:
        groups[CHUNKS.name].append(ASR_GROUP)
    partitions = await topics.check(kafka)
    async with Publisher(kafka) as publisher, LagMeter(kafka) as meter, AsyncExitStack() as stack:
        send: Send = _sending(publisher, partitions)
        if asking:
            send = await stack.enter_async_context(guarded(send, asking))

        async def unread(topic: str) -> Mapping[int, int]:
            ask = [partial(meter.lag, topic, group) for group in groups[topic]]
            lags = [await retry_until_available(each, DELIVERY_MS / 1000) for each in ask]
            return {number: max(lag[number] for lag in lags) for number in lags[0]}

        return await play(iter(stream), send, speed, unread, progress, control=control)


def _sending(publisher: "Publisher", partitions: int) -> "Send":
    """Return what sends a message; observations go where the session's media go."""
    from affectstream.runtime.kafka import partition_of

    async def send(message: "Playable") -> "Awaitable[None]":
        if isinstance(message, Observations):
            partition = partition_of(message.items[0].session_id, partitions)
            return await publisher.send(message, partition=partition)
        return await publisher.send(message)

    return send


class Ends:
    """Until when each party of a session will have final windows."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._last_ms: dict[Party, int] = {}

    def note(self, message: "Playable") -> None:
        """Take note of a message that was sent."""
        for item in message.items if isinstance(message, Observations) else (message,):
            end_ms = -(-item.end_ms // self._window_ms) * self._window_ms
            self._last_ms[item.party] = max(end_ms, self._last_ms.get(item.party, 0))

    async def reached(self, store: "FusedStore", session_id: str) -> bool:
        """Return whether the last window of every party is in Redis."""
        session = await store.session(session_id)
        spans = session.parties if session else {}
        return bool(self._last_ms) and all(
            party in spans and spans[party].last_end_ms >= end_ms for party, end_ms in self._last_ms.items()
        )
