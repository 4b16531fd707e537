"""Bytewax: a Kafka source, its own event-time tumbling windows, and the plain fold as folder.

Its windows do not close within the run: with a watermark that follows the wall clock closely, a slow machine
makes observations late, and folding in order waits for it. So it does less than the other peers: it takes no
means.
"""

from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.testing import cluster_main
from fold import Clock, Item, Sums, added, arguments, empty, items, key, means

bootstrap, topic, observations = arguments()
clock = Clock(observations)
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


def counted(message: KafkaSourceMessage) -> list[Item]:
    clock.begin()
    return items(message.value)


def folded(sums: Sums, item: Item) -> Sums:
    clock.count(1)
    return added(sums, item)


flow = Dataflow("peer")
source = KafkaSource(bootstrap.split(","), [topic], tail=True, batch_size=500)
found = op.flat_map("observations", op.input("records", flow, source), counted)
windows = win.fold_window(
    "windows",
    op.key_on("party", found, key),
    win.EventClock(
        ts_getter=lambda item: datetime.fromtimestamp(item["start"] / 1000, UTC),
        # its watermark goes on with the wall clock: on a slow machine, a shorter wait makes items late
        wait_for_system_duration=timedelta(hours=1),
    ),
    win.TumblingWindower(length=timedelta(seconds=1), align_to=BEGIN),
    builder=empty,
    folder=folded,
    merger=lambda a, b: a | b,
    ordered=False,  # else an item is folded only when the watermark has passed it
)
closed = op.filter("none", op.map("means", windows.down, lambda pair: means(pair[1][1])), lambda _: False)
op.output("out", closed, StdOutSink())
cluster_main(flow, [], 0)
