"""How long what is kept where: one table of topics, Redis keys and files, which documents repeat."""

from collections.abc import Iterator
from dataclasses import dataclass

from affectstream.schemas.topics import (
    ALERTS,
    ALL,
    CHUNKS,
    DAY_MS,
    DEAD_LETTERS,
    FRAMES,
    FUSED,
    MINUTE_MS,
    TRANSCRIPTS,
    Topic,
)

BROKER_ROUND_MS = 5 * MINUTE_MS  # log.retention.check.interval.ms, by default
HOUR_MS = 60 * 60 * 1000
REDIS_TTL = "`redis.ttl_s` (7 days) after the last write"


@dataclass(frozen=True)
class Kept:
    """One row: where something of a session lies, what it holds, and until when."""

    where: str
    holds: str
    until: str


IN_TOPICS = {
    FRAMES: "pictures",
    CHUNKS: "sound",
    TRANSCRIPTS: "words, redacted",
    FUSED: "fused emotions",
    ALERTS: "alerts",
    DEAD_LETTERS: "the original bytes of what could not be processed: pictures, sound or words among them",
}
IN_REDIS = (
    ("`affect:finals:*`, `affect:latest:*`, `affect:session:*`", "fused emotions", REDIS_TTL),
    ("`affect:alerts:*`", "alerts", REDIS_TTL),
    ("`affect:sessions`, `affect:runs:*`", "session ids and runs", REDIS_TTL),
    ("`affect:feedback:*`", "marks on windows, with the names of who made them", REDIS_TTL),
    ("`affect:sending:*`", "which producer sends", "10 s"),
    (
        "`affect:handovers`, `affect:handover:*`",
        "how far a call is, should it go on at another process",
        "an hour after the last write",
    ),
    ("`affect:trust`, `affect:trust:log`", "an operator's trust, with the operator's name", REDIS_TTL),
    (
        "`affect:consent:*`",
        "consent and pauses of a session",
        "8 days, or `redis.ttl_s` where longer",
    ),
    ("`affect:consent:*` of a withdrawn session", "that consent was withdrawn", "without end"),
)
IN_FILES = (
    (
        "`policy.recordings`",
        "recordings, of `affectstream record` or your own",
        "`affectstream purge`, or you delete them; what was recorded also until consent is withdrawn",
    ),
    ("`policy.audit_log`", "who did what to which session when", "without end: you archive it"),
    ("logs, metrics", "session ids in logs; no person in metrics", "as your log store keeps them"),
)


def retention() -> Iterator[Kept]:
    """Yield the whole table."""
    for topic in ALL:
        holds = IN_TOPICS.get(topic, "probabilities per input")
        yield Kept(f"`{topic.name}`", holds, duration(topic.retention_ms))
    for row in (*IN_REDIS, *IN_FILES):
        yield Kept(*row)


def segment_ms(topic: Topic) -> int:
    """Return for how long a segment of a topic is written: only a closed one is deleted."""
    return max(topic.retention_ms // 4, MINUTE_MS)


def deleted_within_ms(topic: Topic) -> int:
    """Return how long a record is kept at most: its retention, the rest of its segment, a broker's round."""
    return topic.retention_ms + segment_ms(topic) + BROKER_ROUND_MS


def markdown() -> str:
    """Return the table as documents hold it."""
    rows = "".join(f"| {row.where} | {row.holds} | {row.until} |\n" for row in retention())
    return f"| where | what of a session | kept |\n|---|---|---|\n{rows}"


def duration(ms: int) -> str:
    """Return a retention in words."""
    for unit_ms, name in ((DAY_MS, "days"), (HOUR_MS, "hours"), (60_000, "minutes")):
        if ms % unit_ms == 0:
            return f"{ms // unit_ms} {name}"
    return f"{ms / 1000:g} s"
