"""Whether the broker and Redis answer, and whether they are set up as this system needs them."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from affectstream.doctor.finding import Finding, Risk, guarded
from affectstream.schemas.errors import SettingsError, Unavailable

if TYPE_CHECKING:
    from affectstream.runtime.kafka.state import KafkaState
    from affectstream.runtime.redis_state import RedisState
    from affectstream.runtime.settings import Settings
    from affectstream.schemas.topics import Topic

ALTER = "kafka-configs.sh --alter --entity-type topics"
FULL = 0.9  # of maxmemory
CLOCK_MS = 500  # what is live is judged by clocks: `video.live_budget_ms` is 1000 in the container stack
BACKLOG = 1000  # records without a reader; fewer lie there while a process starts anew


def examine() -> Iterator[Finding]:
    """Yield the findings; what depends on a server that does not answer is left out."""
    answers = guarded("servers", "Kafka", _kafka, "absent")
    yield answers
    yield guarded("servers", "topics", _topics, "absent")
    if answers.state == "ok":
        yield from _of_kafka()
    answers = guarded("servers", "Redis", _redis, "absent")
    yield answers
    if answers.state == "ok":
        yield from _of_redis()


def _of_kafka() -> Iterator[Finding]:
    from affectstream.runtime.kafka.state import cluster_state
    from affectstream.runtime.settings import load

    settings = load()
    if settings.kafka.embedded:
        return  # it has no settings, and one member a group
    try:
        state = asyncio.run(cluster_state(settings.kafka, _groups(settings)))
    except Unavailable as error:
        yield Finding("servers", "topic settings", "absent", str(error))
        return
    if not state.topics:
        return
    yield guarded("servers", "partitions", partial(_partitions, state))
    yield guarded("servers", "topic settings", partial(_topic_settings, state))
    yield guarded("servers", "replication", partial(_replication, state))
    yield guarded("servers", "consumers", partial(_consumers, state))


def _of_redis() -> Iterator[Finding]:
    from affectstream.runtime.redis_state import redis_state
    from affectstream.runtime.settings import load

    try:
        state = asyncio.run(redis_state(load().redis))
    except Unavailable as error:
        yield Finding("servers", "Redis memory", "absent", str(error))
        return
    yield guarded("servers", "Redis memory", partial(_memory, state))
    yield guarded("servers", "Redis persistence", partial(_persistence, state))
    yield guarded("servers", "Redis cluster", partial(_cluster, state))
    yield guarded("servers", "clocks", partial(_clocks, state))


def _kafka() -> str:
    """Ask for the topics: a user who may write none is answered too."""
    from affectstream.runtime.kafka import topics
    from affectstream.runtime.settings import load

    settings = load()
    asyncio.run(topics.listing(settings.kafka))
    return f"answers at {settings.kafka.bootstrap}"


def _topics() -> str:
    from affectstream.runtime.kafka import topics
    from affectstream.runtime.settings import load

    rows = asyncio.run(topics.listing(load().kafka))
    if missing := [row.name for row in rows if not row.partitions]:
        raise Unavailable(f"absent: {', '.join(missing)}; `affectstream topics create` makes them")
    return ", ".join(f"{row.name} ({row.partitions})" for row in rows)


def _redis() -> str:
    from affectstream.runtime.settings import load
    from affectstream.runtime.store import FusedStore

    async def connect() -> None:
        async with FusedStore(settings.redis) as store:
            await store.ping()

    settings = load()
    asyncio.run(connect())
    return f"answers at {settings.redis.url}"


def _groups(settings: "Settings") -> "dict[str, Topic]":
    """Return the consumer groups of a system under these settings, with the topic that each reads."""
    from affectstream.schemas import topics

    groups = {topic.group: topic for topic in topics.ALL if topic.group}
    if not settings.alerts.enabled:
        del groups[topics.FUSED.group]
    return groups | ({topics.ASR_GROUP: topics.CHUNKS} if settings.asr.enabled else {})


def _partitions(state: "KafkaState") -> str:
    counts = {topic.name: topic.partitions for topic in state.topics}
    if len(set(counts.values())) > 1:
        raise SettingsError(
            "all topics need the same number of partitions: "
            + ", ".join(f"{name} has {count}" for name, count in counts.items())
            + "; delete and create them anew, or choose another kafka.topic_prefix"
        )
    return f"{next(iter(counts.values()))} in each topic"


def _topic_settings(state: "KafkaState") -> str:
    found = [
        f"{topic.name}: {key} is {there or 'unset'}, not {wanted}"
        for topic in state.topics
        for key, (there, wanted) in topic.differs.items()
    ]
    if found:
        raise SettingsError(f"{'; '.join(found)}; `{ALTER}` mends it")
    return "as in the table of topics"


def _replication(state: "KafkaState") -> str:
    if state.brokers == 1:
        return "one broker, one copy: while it is away nothing is taken in"
    if alone := [topic.name for topic in state.topics if topic.replicas == 1]:
        raise Risk(
            f"{state.brokers} brokers, and one copy of {', '.join(alone)}: lost with its broker; set "
            "default.replication.factor=3 and min.insync.replicas=2 before `affectstream topics create`"
        )
    if stuck := [topic.name for topic in state.topics if topic.min_in_sync >= topic.replicas]:
        raise SettingsError(
            f"min.insync.replicas is as large as the replication of {', '.join(stuck)}: nothing can be "
            f"written while any broker is away; `{ALTER}` lowers it"
        )
    if alone := [topic.name for topic in state.topics if topic.replicas > 2 and topic.min_in_sync == 1]:
        raise Risk(
            f"min.insync.replicas is 1 for {', '.join(alone)}: while others are behind, what a single broker "
            f"has counts as written, and is lost with it; `{ALTER}` sets it to 2"
        )
    return f"{min(topic.replicas for topic in state.topics)} copies on {state.brokers} brokers"


def _consumers(state: "KafkaState") -> str:
    partitions = min(topic.partitions for topic in state.topics)
    if idle := [group for group in state.groups if group.members > partitions]:
        named = ", ".join(f"{group.members} in {group.name}" for group in idle)
        raise Risk(
            f"more processes than the {partitions} partitions, so some are idle: {named}; run fewer, or "
            "create the topics with more partitions"
        )
    if unread := [group for group in state.groups if not group.members and group.unread > BACKLOG]:
        named = ", ".join(f"{group.topic} ({group.unread} for {group.name})" for group in unread)
        raise Unavailable(f"nobody reads {named}: start the process, or its data expires unread")
    return ", ".join(f"{group.name}: {group.members}" for group in state.groups)


def _memory(state: "RedisState") -> str:
    if state.evicts != "noeviction":
        raise SettingsError(
            f"maxmemory-policy is {state.evicts}: a full Redis would forget finals and withdrawals of "
            "consent; set it to noeviction"
        )
    if not state.limit_bytes:
        raise Risk("no maxmemory: a full Redis takes the machine's memory; set one")
    share = state.used_bytes / state.limit_bytes
    if share > FULL:
        raise Unavailable(f"{share:.0%} of maxmemory is used: raise it, or lower redis.ttl_s")
    return f"{share:.0%} of maxmemory is used"


def _persistence(state: "RedisState") -> str:
    if not state.append_only:
        raise Risk("appendonly is off: a restart forgets finals and withdrawals of consent; set it to yes")
    return "appendonly"


def _cluster(state: "RedisState") -> str:
    if state.cluster:
        raise SettingsError(
            "this is a node of a cluster, and the processes speak to one server: see docs/capacity.md"
        )
    return "one server"


def _clocks(state: "RedisState") -> str:
    if abs(state.ahead_ms) > CLOCK_MS:
        raise Risk(
            f"Redis's clock is {state.ahead_ms:+,} ms of this machine's: frames of producers with another "
            "clock are shed, or never; synchronise them (NTP)"
        )
    return f"Redis's is {state.ahead_ms:+d} ms of this machine's"
