"""Quix Streams: a data frame keyed by session, its own tumbling windows, and the plain fold as reducer."""

from fold import Clock, added, arguments, empty, items, means
from quixstreams import Application

bootstrap, topic, observations = arguments()
clock = Clock(observations)
app = Application(
    broker_address=bootstrap,
    consumer_group="peer-quix",
    auto_offset_reset="earliest",
    auto_create_topics=False,
    use_changelog_topics=False,
    loglevel="ERROR",
    state_dir="state",
)


def counted(value: bytes) -> list[dict[str, object]]:
    clock.begin()
    return items(value)


frame = app.dataframe(app.topic(topic, key_deserializer="str", value_deserializer="bytes"))
frame = frame.apply(counted, expand=True)
frame = frame.set_timestamp(lambda item, key, timestamp, headers: item["start"])
windows = frame.tumbling_window(duration_ms=1000, on_late=lambda *_: False).reduce(
    reducer=added, initializer=lambda item: added(empty(), item)
)
frame.update(lambda item: clock.count(1))
windows.final().apply(lambda closed: means(closed["value"]))
app.run()
