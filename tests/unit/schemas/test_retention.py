"""How long what is kept: one table, which the documents repeat and the broker is given."""

from support.paths import ROOT

from affectstream.runtime.kafka.topics import config
from affectstream.schemas.retention import deleted_within_ms, duration, markdown, retention, segment_ms
from affectstream.schemas.topics import ALL, DAY_MS, FRAMES


def test_the_document_holds_the_table() -> None:
    assert markdown() in (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")


def test_every_topic_is_in_it_with_the_time_that_the_broker_is_given() -> None:
    until = {row.where: row.until for row in retention()}
    for topic in ALL:
        given = config(topic)
        assert until[f"`{topic.name}`"] == duration(int(given["retention.ms"]))
        assert int(given["segment.ms"]) == segment_ms(topic) <= topic.retention_ms
        assert topic.retention_ms < deleted_within_ms(topic) <= 1.5 * topic.retention_ms


def test_media_is_kept_for_minutes() -> None:
    assert FRAMES.retention_ms < DAY_MS / 24
