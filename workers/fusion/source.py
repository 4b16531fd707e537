"""Faust as the reader of one topic: settings, credentials, and a fetch that does not dawdle.

Faust 0.15.3 asks the broker to wait 1.5 s for data. One fetch per broker is under way at a time, so data for
one partition would wait until a fetch for idle ones has run out. There is no setting for it; the consumer
that its driver makes is told otherwise before it starts.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import faust
from faust import SASLCredentials, SSLCredentials
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver

from affectstream.runtime.faults import translated, unavailable
from affectstream.runtime.kafka import group_name
from affectstream.runtime.security import ssl_context
from affectstream.runtime.settings import KafkaSettings
from affectstream.schemas.topics import Topic

GROUP = "affect-fusion"
FETCH_WAIT_MS = 50
COMMIT_EVERY_S = 1.0
BUFFERED = 256  # records between consumer and agent; one holds up to a megabyte
HEARTBEATS_PER_SESSION = 3
REQUEST_S = 40.0
LOGGER = logging.getLogger("faust.affect")  # under faust's own level, not ours


class _Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]  # faust has no types here
    logger = LOGGER

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer


class _Consumer(driver.Consumer):  # type: ignore[misc]
    logger = LOGGER

    def _new_consumer_thread(self) -> Any:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):  # type: ignore[misc]
    Consumer = _Consumer


class _App(faust.App):  # type: ignore[misc]
    logger = LOGGER

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Make none: no table is kept, and the folder it runs in may be read-only."""


class FaustBroker:
    """One topic read by one faust agent, which leaves acknowledging to others."""

    def __init__(self, kafka: KafkaSettings, topic: Topic) -> None:
        self._kafka = kafka
        self._app = _app(kafka, topic.max_bytes)
        self._topic = self._app.topic(
            kafka.topic_prefix + topic.name, key_serializer="raw", value_serializer="raw", value_type=bytes
        )

    @asynccontextmanager
    async def feeding(
        self, receive: Callable[[Any], Awaitable[None]], revoked: Callable[[], None]
    ) -> AsyncIterator[None]:
        """Hand every record to ``receive`` in order, and tell ``revoked`` before partitions go."""

        async def fuse(stream: Any) -> None:
            async for event in stream.noack().events():
                await receive(event.message)

        async def on_revoked(*_: Any, **__: Any) -> None:
            revoked()

        self._app.agent(self._topic, name="fuse", concurrency=1)(fuse)
        self._app.on_partitions_revoked.connect(on_revoked)
        with translated(self._kafka):
            await self._app.start()
        try:
            yield
        finally:
            await self._app.stop()

    def ack(self, message: Any) -> None:
        """Let the offset of ``message`` be committed, within a second."""
        message.ack(self._app.consumer)

    def ends(self) -> dict[int, int]:
        """Return the next offset of the log for every partition assigned, as of the last fetch."""
        consumer = self._app.consumer
        try:
            return {tp.partition: consumer.highwater(tp) or 0 for tp in consumer.assignment()}
        except (ConsumerNotStarted, AssertionError, AttributeError):  # a rebalance, in faust's other thread
            return {}

    async def failed(self) -> None:
        """Wait until faust gives up, and raise why."""
        await self._app.wait_until_stopped()
        raise unavailable(self._kafka, self._app.crash_reason or RuntimeError("faust stopped"))


def _app(kafka: KafkaSettings, max_bytes: int) -> _App:
    """Return the app, without tables, leader, web server and topic creation."""
    session_s = kafka.session_timeout_ms / 1000
    return _App(
        id=group_name(kafka, GROUP),
        broker=[f"kafka://{address.strip()}" for address in kafka.bootstrap.split(",")],
        broker_credentials=_credentials(kafka),
        broker_client_id=kafka.client_id,
        broker_session_timeout=session_s,
        broker_heartbeat_interval=session_s / HEARTBEATS_PER_SESSION,
        broker_request_timeout=max(REQUEST_S, session_s + 5.0),  # faust wants it above the session's
        broker_commit_interval=COMMIT_EVERY_S,
        consumer_group_instance_id=kafka.instance_id,
        consumer_max_fetch_size=2 * max_bytes,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=BUFFERED,
        stream_wait_empty=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        autodiscover=False,
        store="memory://",
    )


def _credentials(kafka: KafkaSettings) -> Any:
    context = ssl_context(kafka)
    if kafka.security_protocol.startswith("SASL") and kafka.sasl_password:
        return SASLCredentials(
            username=kafka.sasl_username,
            password=kafka.sasl_password.get_secret_value(),
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None
