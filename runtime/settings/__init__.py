"""The settings of every process: ``load()`` reads one file and the environment into a frozen tree."""

from affectstream.runtime.settings.fusion import (
    AlertSettings,
    FusionSettings,
    LabelSettings,
    TrustSettings,
)
from affectstream.runtime.settings.gateway import GatewaySettings
from affectstream.runtime.settings.kafka import KafkaSettings, RedisSettings
from affectstream.runtime.settings.tree import (
    Line,
    Settings,
    as_env,
    config_file,
    describe,
    load,
    running_here,
)
from affectstream.runtime.settings.workers import (
    ApiSettings,
    AsrSettings,
    AudioSettings,
    LogSettings,
    PolicySettings,
    ProducerSettings,
    RecorderSettings,
    TextSettings,
    VideoSettings,
    WorkerSettings,
)

__all__ = [
    "AlertSettings",
    "ApiSettings",
    "AsrSettings",
    "AudioSettings",
    "FusionSettings",
    "GatewaySettings",
    "KafkaSettings",
    "LabelSettings",
    "Line",
    "LogSettings",
    "PolicySettings",
    "ProducerSettings",
    "RecorderSettings",
    "RedisSettings",
    "Settings",
    "TextSettings",
    "TrustSettings",
    "VideoSettings",
    "WorkerSettings",
    "as_env",
    "config_file",
    "describe",
    "load",
    "running_here",
]
