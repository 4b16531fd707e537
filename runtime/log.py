"""Structured log lines, JSON or for a console, on standard error.

An event is a fixed name and its values are fields, so that lines can be counted. No speech, text, media or
credentials: the Kafka client's debug lines hold whole messages, so its loggers never go below warning.
"""

import logging
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog

from affectstream.runtime.settings import LogSettings

log = structlog.get_logger(__name__)

CLIENTS = ("aiokafka", "aiohttp", "asyncio", "redis", "faust", "mode", "confluent_kafka", "kafka")


def configure(settings: LogSettings, **process: str) -> None:
    """Set up logging for this process; ``process`` names it on every line, as in ``worker="video"``."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(**process)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in CLIENTS:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _renderer(settings: LogSettings) -> Any:
    if settings.format == "json":
        return structlog.processors.JSONRenderer(sort_keys=True)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


@lru_cache(maxsize=10_000)
def notice(path: Path, text: str) -> None:
    """Log as a warning what was repaired, left out or chosen in a file, once each however often it is read.

    ``text`` is a sentence for the user. It holds counts and times, never words of a transcript.
    """
    log.warning("input", file=path.name, notice=text)
