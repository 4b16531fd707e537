"""What a broker says of itself: its brokers, the topics of the table with their settings, the groups."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from affectstream.runtime.kafka.lag import LagMeter, until_coordinated
from affectstream.runtime.kafka.subscriber import group_name
from affectstream.runtime.kafka.topics import COMMAND_S, admin_client, config
from affectstream.runtime.settings.kafka import KafkaSettings
from affectstream.schemas import topics
from affectstream.schemas.topics import Topic

MIN_IN_SYNC = "min.insync.replicas"


@dataclass(frozen=True)
class TopicState:
    """A topic on the broker."""

    name: str  # with the prefix
    partitions: int
    replicas: int  # of the partition with the fewest
    min_in_sync: int
    differs: Mapping[str, tuple[str, str]]  # from the table, by setting: (there, in the table)


@dataclass(frozen=True)
class GroupState:
    """A consumer group: who is in it, and what of its topic nobody has read."""

    name: str
    topic: str
    members: int
    unread: int


@dataclass(frozen=True)
class KafkaState:
    """A whole cluster, as far as this system uses it."""

    brokers: int
    topics: Sequence[TopicState]
    groups: Sequence[GroupState]


async def cluster_state(kafka: KafkaSettings, groups: Mapping[str, Topic]) -> KafkaState:
    """Return the state of the cluster; ``groups`` are those asked for, with the topic that each reads.

    Absent topics are left out. Raises Unavailable.
    """
    async with admin_client(kafka, COMMAND_S) as admin:
        cluster = await admin.describe_cluster()
        table = {kafka.topic_prefix + topic.name: topic for topic in topics.ALL}
        found = [entry for entry in await admin.describe_topics() if entry["topic"] in table]
        settings = await _settings(admin, [entry["topic"] for entry in found])
        members = {name: await _members(admin, group_name(kafka, name)) for name in groups}
    states = [_topic(entry, table[entry["topic"]], settings[entry["topic"]]) for entry in found]
    there = {name: topic for name, topic in groups.items() if kafka.topic_prefix + topic.name in settings}
    return KafkaState(len(cluster["brokers"]), states, await _groups(kafka, there, members))


async def _settings(admin: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
    asked = dict.fromkeys((MIN_IN_SYNC, *config(topics.FRAMES)))
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name, asked) for name in names]
    answers = await admin.describe_configs(wanted) if wanted else []
    rows = [row for answer in answers for row in answer.resources]
    if refused := next((row[0] for row in rows if row[0]), None):
        raise for_code(refused)
    return {row[3]: {entry[0]: str(entry[1]) for entry in row[4]} for row in rows}


def _topic(entry: Mapping[str, Any], topic: Topic, settings: Mapping[str, str]) -> TopicState:
    wanted = config(topic)
    return TopicState(
        entry["topic"],
        len(entry["partitions"]),
        min(len(part["replicas"]) for part in entry["partitions"]),
        int(settings.get(MIN_IN_SYNC, "1")),
        {key: (settings.get(key, ""), value) for key, value in wanted.items() if settings.get(key) != value},
    )


async def _members(admin: Any, name: str) -> int:
    """Return how many members a group has; asked alone: the client misreads answers about several."""
    async for attempt in until_coordinated():
        with attempt:
            answers = await admin.describe_consumer_groups([name])
            code, *_, members = answers[0].groups[0]
            if code:
                raise for_code(code)
    return len(members)


async def _groups(
    kafka: KafkaSettings, groups: Mapping[str, Topic], members: Mapping[str, int]
) -> list[GroupState]:
    if not groups:
        return []
    async with LagMeter(kafka) as meter:
        unread = await asyncio.gather(*(meter.lag(topic.name, name) for name, topic in groups.items()))
    return [
        GroupState(name, topic.name, members[name], sum(lag.values()))
        for (name, topic), lag in zip(groups.items(), unread, strict=True)
    ]
