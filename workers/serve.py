"""The process of one modality's worker: settings, model, Kafka, health, and the loop."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from affectstream.runtime import process
from affectstream.runtime.consent import Consents
from affectstream.runtime.health import Health
from affectstream.runtime.kafka import Publisher, Subscriber, topics
from affectstream.runtime.metrics import MODEL
from affectstream.runtime.process import Stop
from affectstream.runtime.settings import Settings, WorkerSettings, load
from affectstream.runtime.watchdog import Watchdog
from affectstream.schemas.messages import Modality
from affectstream.schemas.topics import IN_SHADOW, MEDIA
from affectstream.workers import deadletter, device
from affectstream.workers.inference import Inference
from affectstream.workers.observe import Analyst
from affectstream.workers.queue import InputQueue

STUCK_S = 30  # without a fetch for so long, the worker is not ready


def run(modality: Modality, build: Callable[[Settings], Analyst[Any]]) -> None:
    """Run the worker of ``modality`` until SIGTERM or SIGINT; exits 2 on a setting, 1 on a failure."""

    async def main(stop: Stop) -> None:
        settings = load()
        device.limit_threads(worker_settings(settings, modality).threads)
        await serve(build(settings), settings, stop)

    process.run(main, worker=modality)


async def serve(analyst: Analyst[Any], settings: Settings, stop: Stop) -> None:
    """Analyse the topic of ``analyst`` until ``stop``; raises Unavailable where broker or device fail."""
    modality = analyst.modality
    own = worker_settings(settings, modality)
    MODEL.info({"model": analyst.model_id, "device": device.choose(own.device)})
    deadletter.begin([MEDIA[modality].name], "undecodable", "failed")
    queue = InputQueue(modality)
    async with AsyncExitStack() as stack:
        await topics.check(settings.kafka)
        publisher = await stack.enter_async_context(Publisher(settings.kafka))
        subscriber = await stack.enter_async_context(
            Subscriber(settings.kafka, [MEDIA[modality].name], group(modality, own), queue.revoked)
        )
        consents = await stack.enter_async_context(Consents(settings.redis, settings.policy, stopping=stop))
        purpose = settings.policy.agent_purpose
        loop = Inference(analyst, queue, subscriber, publisher, own, purpose, consents=consents)
        checks = {
            "partitions": lambda: bool(subscriber.assigned()),
            "fetching": lambda: loop.idle_s() < STUCK_S,
        }
        await stack.enter_async_context(Health(own.health_port, checks, own.health_host))
        watchdog = Watchdog(settings.kafka, [MEDIA[modality].name], group(modality), subscriber.held)
        await stack.enter_async_context(watchdog)
        await loop.run(stop)


def group(modality: Modality, own: WorkerSettings | None = None) -> str:
    """Return the name of the consumer group of a modality's workers; those in shadow read everything too."""
    return MEDIA[modality].group + (IN_SHADOW if own is not None and own.shadow else "")


def worker_settings(settings: Settings, modality: Modality) -> WorkerSettings:
    """Return the group of settings of one modality."""
    groups: dict[Modality, WorkerSettings] = {
        "video": settings.video,
        "audio": settings.audio,
        "text": settings.text,
    }
    return groups[modality]
