"""Who may do what on Kafka: the least that each process needs, as rules by user, derived from the topics.

A user is a process: where Kafka authenticates (`kafka.sasl_username`), each process has one of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from affectstream.schemas.topics import (
    ALERTS,
    ALL,
    ASR_GROUP,
    CHUNKS,
    DEAD_LETTERS,
    FRAMES,
    FUSED,
    IN_SHADOW,
    PROBABILITIES,
    RECORD_GROUP,
    SHADOW,
    TRANSCRIPTS,
    Topic,
)

Resource = Literal["topic", "group"]
Operation = Literal["read", "write", "create", "describe", "describe_configs"]


@dataclass(frozen=True, order=True)
class Rule:
    """What one user may do with one topic or consumer group."""

    user: str
    resource: Resource
    name: str  # with the prefix
    operation: Operation


@dataclass(frozen=True)
class Process:
    """What one process reads, in which consumer group, what it writes, and whose progress it asks for."""

    user: str
    reads: Topic | None = None
    group: str = ""
    writes: Sequence[Topic] = ()
    watches: Sequence[str] = ()  # consumer groups


SHADOWS = tuple(
    Process(topic.group + IN_SHADOW, topic, topic.group + IN_SHADOW, (SHADOW,))
    for topic in (FRAMES, CHUNKS, TRANSCRIPTS)
)
WORKER_GROUPS = (FRAMES.group, CHUNKS.group, TRANSCRIPTS.group, ASR_GROUP)
OBSERVED = (PROBABILITIES, DEAD_LETTERS)
PROCESSES = (
    # producers: the gateway, `replay`, `capture`. They wait for workers that are behind.
    Process("affect-producer", writes=(FRAMES, CHUNKS, TRANSCRIPTS), watches=WORKER_GROUPS),
    Process("affect-video", FRAMES, FRAMES.group, OBSERVED),
    Process("affect-audio", CHUNKS, CHUNKS.group, OBSERVED),
    Process("affect-text", TRANSCRIPTS, TRANSCRIPTS.group, OBSERVED),
    Process("affect-asr", CHUNKS, ASR_GROUP, (TRANSCRIPTS, DEAD_LETTERS)),
    Process("affect-fusion", PROBABILITIES, PROBABILITIES.group, (FUSED, DEAD_LETTERS), WORKER_GROUPS),
    Process("affect-alerts", FUSED, FUSED.group, (ALERTS, DEAD_LETTERS)),
    *SHADOWS,  # models on trial
    *(Process("affect-record", topic, RECORD_GROUP) for topic in ALL if topic is not DEAD_LETTERS),
)
OPERATOR = "affect-operator"  # `topics create`, `doctor`, `restore`; reads what could not be processed
OPERATORS: tuple[Operation, ...] = ("create", "describe", "describe_configs")  # on every topic


def rules(prefix: str = "") -> list[Rule]:
    """Return the rules for topics and groups under ``prefix``, sorted; what no rule allows is refused."""
    found = {rule for process in PROCESSES for rule in _of(process, prefix)}
    for topic in ALL:
        found |= {Rule(OPERATOR, "topic", prefix + topic.name, each) for each in OPERATORS}
    groups = {process.group for process in PROCESSES if process.group}
    found |= {Rule(OPERATOR, "group", prefix + group, "describe") for group in groups}
    found |= {Rule(OPERATOR, "topic", prefix + topic.name, "read") for topic in (DEAD_LETTERS, FUSED)}
    return sorted(found)


def _of(process: Process, prefix: str) -> Iterator[Rule]:
    user = process.user
    for topic in ALL:  # every process checks at its start that all topics have the same partitions
        yield Rule(user, "topic", prefix + topic.name, "describe")
    if process.reads:
        yield Rule(user, "topic", prefix + process.reads.name, "read")
        yield Rule(user, "group", prefix + process.group, "read")
    for topic in process.writes:
        yield Rule(user, "topic", prefix + topic.name, "write")
    for group in process.watches:
        yield Rule(user, "group", prefix + group, "describe")


def script(rules: Sequence[Rule]) -> str:
    """Return a shell script that adds ``rules`` with the tool of Kafka's distribution."""
    lines = []
    kinds = sorted({(rule.user, rule.resource, rule.operation) for rule in rules})
    for user, resource, operation in kinds:
        names = [r.name for r in rules if (r.user, r.resource, r.operation) == (user, resource, operation)]
        lines.append(
            " \\\n    ".join(
                [f"add User:{user} {TOOLS.get(operation, operation)}", *(f"--{resource} {n}" for n in names)]
            )
        )
    return "\n".join([*SCRIPT, *lines, ""])


TOOLS = {"describe_configs": "DescribeConfigs"}  # where Kafka's tool writes an operation otherwise
SCRIPT = """\
#!/bin/sh
# What each process may do on Kafka; `affectstream topics acls --script` prints this, for your topic prefix.
# The options go to Kafka's own kafka-acls.sh, which KAFKA_ACLS names where it is not on the PATH:
#   deploy/kafka-acls.sh --bootstrap-server kafka:9092 --command-config admin.properties
set -eu
connection=$*

add() {
    user=$1 operation=$2
    shift 2
    # shellcheck disable=SC2086 # the options of the connection are several words
    "${KAFKA_ACLS:-kafka-acls.sh}" $connection --add --allow-principal "$user" --operation "$operation" "$@"
}
""".splitlines()
