"""The topics on a broker: created, listed and checked against the table, and who may do what with them.

Retention counts from arrival, not from event time (``message.timestamp.type``): otherwise a recording of last
year, replayed, would be deleted before it is read, and one with a wrong clock kept for ever.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.protocol.admin import CreateAclsRequest

from affectstream.runtime.kafka.errors import translated
from affectstream.runtime.kafka.publisher import OVERHEAD_BYTES, largest_batch
from affectstream.runtime.kafka.security import client_options
from affectstream.runtime.settings.kafka import KafkaSettings
from affectstream.schemas import topics
from affectstream.schemas.access import Operation, Resource, Rule
from affectstream.schemas.errors import SettingsError, Unavailable
from affectstream.schemas.retention import segment_ms
from affectstream.schemas.topics import Topic

BROKER_DEFAULT = -1  # replication as the broker is configured
VISIBLE_TIMEOUT_S = 15
COMMAND_S = 2.0  # for connecting, where somebody waits for the answer
_POLL_S = 0.1

# as Kafka's protocol numbers them
RESOURCES: dict[Resource, int] = {"topic": 2, "group": 3}
OPERATIONS: dict[Operation, int] = {"read": 3, "write": 4, "create": 5, "describe": 8, "describe_configs": 10}
LITERAL, ALLOW, ANY_HOST = 3, 3, "*"


@dataclass(frozen=True)
class Row:
    """A topic of the table, and how many partitions it has on the broker: 0 where it is not there."""

    topic: Topic
    name: str  # with the prefix
    partitions: int


async def create(
    kafka: KafkaSettings, partitions: int = topics.PARTITIONS, replication: int = BROKER_DEFAULT
) -> list[Row]:
    """Create the topics that are missing and return all; raises SettingsError where one has other partitions.

    On the embedded broker, which creates topics when they are asked for, this asks.
    """
    async with admin_client(kafka, COMMAND_S) as admin:
        rows = await _rows(kafka, admin)
        missing = [row for row in rows if not row.partitions]
        if missing and not kafka.embedded:
            new = [_new(row, partitions, replication) for row in missing]
            _raise_errors(await admin.create_topics(new))
        rows = await _visible(kafka, admin)
    if not kafka.embedded:
        _require_equal(rows, partitions)
    return rows


async def listing(kafka: KafkaSettings) -> list[Row]:
    """Return the table with what is on the broker."""
    async with admin_client(kafka, COMMAND_S) as admin:
        return await _rows(kafka, admin)


async def check(kafka: KafkaSettings) -> int:
    """Return the number of partitions of every topic; raises Unavailable or SettingsError."""
    async with admin_client(kafka) as admin:
        rows = await (_visible if kafka.embedded else _rows)(kafka, admin)
    missing = [row.name for row in rows if not row.partitions]
    if missing:
        raise _missing(kafka, missing)
    _require_equal(rows, rows[0].partitions)
    return rows[0].partitions


async def require(kafka: KafkaSettings, names: Sequence[str]) -> None:
    """Return once the topics ``names`` are there, as another process may just be creating them.

    Raises Unavailable.
    """
    deadline = time.monotonic() + VISIBLE_TIMEOUT_S
    async with admin_client(kafka) as admin:
        while missing := [
            name for name, found in (await described(kafka, admin, names)).items() if not found
        ]:
            if time.monotonic() > deadline:
                raise _missing(kafka, missing)
            await asyncio.sleep(_POLL_S)


async def allow(kafka: KafkaSettings, rules: Sequence[Rule]) -> None:
    """Add access control ``rules``, which changes nothing where they are there.

    The user of ``kafka`` must be one who may alter the cluster. Raises Unavailable where they are refused.
    """
    async with admin_client(kafka) as admin:
        for rule in rules:
            answer = await admin._send_to_controller(_acl(rule))
            for code, _ in answer.creation_responses:
                if code:
                    raise for_code(code)


def _acl(rule: Rule) -> CreateAclsRequest:
    resource, operation = RESOURCES[rule.resource], OPERATIONS[rule.operation]
    return CreateAclsRequest(resource, rule.name, LITERAL, f"User:{rule.user}", ANY_HOST, operation, ALLOW)


def config(topic: Topic) -> dict[str, str]:
    """Return a topic's settings on the broker; the size limit there is of a batch of records."""
    return {
        "cleanup.policy": "delete",
        "compression.type": "producer",
        "max.message.bytes": str(largest_batch(topic) + OVERHEAD_BYTES),
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(topic.retention_ms),
        "segment.ms": str(segment_ms(topic)),  # only a closed segment is deleted
    }


@asynccontextmanager
async def admin_client(kafka: KafkaSettings, within_s: float | None = None) -> AsyncIterator[Any]:
    """Open an administrator's connection; raises Unavailable."""
    admin = AIOKafkaAdminClient(**client_options(kafka))
    try:
        with translated(kafka):
            async with asyncio.timeout(within_s):
                await admin.start()
            yield admin
    finally:
        await admin.close()


async def _rows(kafka: KafkaSettings, admin: Any) -> list[Row]:
    names = {kafka.topic_prefix + topic.name: topic for topic in topics.ALL}
    found = await described(kafka, admin, list(names))
    return [Row(topic, name, len(found[name])) for name, topic in names.items()]


async def described(kafka: KafkaSettings, admin: Any, names: Sequence[str]) -> dict[str, list[int]]:
    """Return the partitions of topics by name, none where a topic is absent, without creating any.

    A broker that creates topics by itself creates those that it is asked for by name, with settings of its
    own; so all are asked for. The embedded broker has no other way to create them.
    """
    entries = await admin.describe_topics(list(names) if kafka.embedded else None)
    found = {entry["topic"]: sorted(part["partition"] for part in entry["partitions"]) for entry in entries}
    return {name: found.get(name, []) for name in names}


def _new(row: Row, partitions: int, replication: int) -> NewTopic:
    topic = NewTopic(row.name, partitions, 1, topic_configs=config(row.topic))
    topic.replication_factor = replication  # the client refuses BROKER_DEFAULT here, and the broker does not
    return topic


def _missing(kafka: KafkaSettings, names: Sequence[str]) -> Unavailable:
    return Unavailable(
        f"no topic {', '.join(names)} on the broker at {kafka.bootstrap}; "
        "create the topics with `affectstream topics create`"
    )


async def _visible(kafka: KafkaSettings, admin: Any) -> list[Row]:
    deadline = time.monotonic() + VISIBLE_TIMEOUT_S
    while time.monotonic() < deadline:
        rows = await _rows(kafka, admin)
        if all(row.partitions for row in rows):
            return rows
        await asyncio.sleep(_POLL_S)
    raise Unavailable(f"the broker at {kafka.bootstrap} accepted new topics but does not show them")


def _raise_errors(response: Any) -> None:
    for name, code, *detail in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise Unavailable(
                f"the broker did not create {name}: {error.__name__} {detail[0] if detail else ''}"
            )


def _require_equal(rows: list[Row], partitions: int) -> None:
    other = [f"{row.name} has {row.partitions}" for row in rows if row.partitions != partitions]
    if other:
        raise SettingsError(
            f"all topics need the same number of partitions, here {partitions}: {', '.join(other)}. "
            "Delete and create them anew, or choose another kafka.topic_prefix"
        )
