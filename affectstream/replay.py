"""`replay`, `up` and `topics`: the commands over a running Kafka."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from affectstream.producers.replay import Played, play
from affectstream.producers.session import SessionMessage, estimated_ms, messages
from affectstream.runtime import topics
from affectstream.runtime.kafka import Publisher
from affectstream.runtime.lag import LagMeter
from affectstream.runtime.settings import KafkaSettings, Settings, load
from affectstream.schemas.errors import InputError
from affectstream.schemas.topics import KIB, MEDIA, MINUTE_MS, PARTITIONS
from affectstream.session_file import Typed, plan
from affectstream.up import started


def replay(typed: Typed, speed: float | None, start: str, console: Console) -> None:
    """Publish a recorded session under a progress bar."""
    settings = load()
    session = plan(typed, settings.producer, _start_ms(start), settings.policy.agent_purpose)
    bar = Progress(
        TextColumn("replaying {task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
        TimeElapsedColumn(),
        console=console,
    )
    with bar:
        task = bar.add_task(session.session_id, total=estimated_ms(session) / 1000)

        def progress(message: SessionMessage) -> None:
            bar.update(task, completed=(message.end_ms - session.start_ms) / 1000)

        played = asyncio.run(published(messages(session), settings.kafka, speed, progress))
    console.print(
        f"session {session.session_id}: {played.records} messages, "
        f"{played.payload_bytes / 1e6:.1f} MB of media"
    )


async def published(
    stream: Iterable[SessionMessage],
    kafka: KafkaSettings,
    speed: float | None,
    progress: Callable[[SessionMessage], None] | None = None,
) -> Played:
    """Play a session onto Kafka, never further ahead of the workers than the broker keeps."""
    groups = {topic.name: f"affect-{modality}" for modality, topic in MEDIA.items()}
    async with Publisher(kafka) as publisher, LagMeter(kafka) as meter:

        async def unread(topic: str) -> Mapping[int, int]:
            return await meter.lag(topic, groups[topic])

        return await play(iter(stream), publisher.send, speed, unread, progress)


def up(logs: Path, console: Console) -> None:
    """Run the whole system on embedded servers until interrupted."""
    settings = load()
    with started(settings, logs, console, extra=("api",)) as stack:
        _addresses(stack.settings, logs, console)
        try:
            while True:
                stack.children.check()
                time.sleep(0.5)
        except KeyboardInterrupt:
            console.print("stopping")


def _addresses(settings: Settings, logs: Path, console: Console) -> None:
    console.print("[bold]affectstream is up[/], until you press Ctrl-C; nothing of it is kept afterwards")
    console.print(f"  Kafka   {settings.kafka.bootstrap} (embedded: 4 partitions, about 5 MB kept in each)")
    console.print(f"  Redis   {settings.redis.url}")
    console.print(f"  API     http://{settings.api.host}:{settings.api.port}/docs")
    console.print(f"  logs    {logs}")
    console.print("In another terminal:", highlight=False)
    console.print(
        f"  export AFFECT_KAFKA__BOOTSTRAP={settings.kafka.bootstrap} AFFECT_KAFKA__EMBEDDED=true "
        f"AFFECT_REDIS__URL={settings.redis.url}",
        highlight=False,
        soft_wrap=True,
    )
    console.print("  affectstream replay CALL.mp4 && affectstream sessions", highlight=False)


def create_topics(partitions: int | None, console: Console) -> None:
    """Create the topics that are missing."""
    console.print(_table(asyncio.run(topics.create(load().kafka, partitions or PARTITIONS))))


def list_topics(console: Console) -> None:
    """Print the table of topics beside what the broker has."""
    console.print(_table(asyncio.run(topics.listing(load().kafka))))


def _table(rows: Sequence[topics.Row]) -> Table:
    table = Table(title="topics", title_justify="left")
    for column in ("topic", "partitions", "kept", "largest", "key", "when full", "written by", "read by"):
        table.add_column(column, overflow="fold")
    for row in rows:
        topic = row.topic
        table.add_row(
            row.name,
            str(row.partitions or "absent"),
            f"{topic.retention_ms // MINUTE_MS} min",
            f"{topic.max_bytes // KIB} KiB",
            topic.key,
            topic.drop,
            topic.writer,
            ", ".join(topic.readers),
        )
    return table


def _start_ms(start: str) -> int:
    if start == "now":
        return int(time.time() * 1000)
    if start.isdigit():
        return int(start)
    raise InputError(f"--start {start}: `now`, or milliseconds since the epoch")
