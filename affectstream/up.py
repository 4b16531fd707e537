"""The whole system on this machine: embedded broker and Redis, workers, fusion, alerts, API; wires all."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from affectstream.processes import Child, Children, free_port
from affectstream.runtime.embedded import EmbeddedBroker, EmbeddedRedis
from affectstream.runtime.settings import Settings, as_env
from affectstream.schemas.messages import MODALITIES

START_S = 180.0  # torch takes half a minute to import on a busy machine with a cold disk


@dataclass(frozen=True)
class Stack:
    """A running system."""

    settings: Settings  # with the addresses of its broker, Redis and API
    children: Children


def processes(settings: Settings, workers: int = 1) -> list[Child]:
    """Return the processes of a system under ``settings``, each with a health port of its own."""
    names = [(m, i) for m in MODALITIES for i in range(workers)]
    out = [
        _child(settings, f"{m}-{i}" if workers > 1 else m, f"affectstream.workers.{m}", m) for m, i in names
    ]
    out.append(_child(settings, "fusion", "affectstream.workers.fusion", "fusion"))
    if settings.alerts.enabled:
        out.append(_child(settings, "alerts", "affectstream.workers.alerts", "alerts"))
    return out


def _child(settings: Settings, name: str, module: str, group: str) -> Child:
    port = free_port()
    env = as_env(settings) | {
        f"AFFECT_{group.upper()}__HEALTH_PORT": str(port),
        "AFFECT_KAFKA__INSTANCE_ID": name,
        "PYTHONUNBUFFERED": "1",
    }
    return Child(name, module, env, port)


def api(settings: Settings) -> Child:
    """Return the process of the JSON API."""
    return Child("api", "dashboards", as_env(settings) | {"PYTHONUNBUFFERED": "1"}, settings.api.port)


@contextmanager
def embedded(settings: Settings, logs: Path, extra: Sequence[str] = ()) -> Iterator[Stack]:
    """Start everything on embedded servers and stop it at the end; ``extra`` may name the API."""
    with ExitStack() as exits:
        broker = exits.enter_context(EmbeddedBroker())
        redis = exits.enter_context(EmbeddedRedis())
        here = settings.model_copy(
            update={
                "kafka": settings.kafka.model_copy(update={"bootstrap": broker.bootstrap, "embedded": True}),
                "redis": settings.redis.model_copy(update={"url": redis.url}),
                "log": settings.log.model_copy(update={"format": "json"}),
            }
        )
        children = processes(here)
        if "api" in extra:
            children.append(api(here))
        group = exits.enter_context(Children(children, logs))
        yield Stack(here, group)


@contextmanager
def started(settings: Settings, logs: Path, console: Console, extra: Sequence[str] = ()) -> Iterator[Stack]:
    """Start everything on embedded servers, say so, and wait until it is ready."""
    with ExitStack() as exits:
        with console.status("starting an embedded broker, Redis, the workers and the fusion"):
            stack = exits.enter_context(embedded(settings, logs, extra))
            stack.children.wait_ready(START_S)
        yield stack
