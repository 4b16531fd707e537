"""The join that settings ask for, in the stream and offline alike; imports the engine and settings."""

from collections.abc import Callable

from models.fusion.choose import rule_named
from runtime.groups import FusionSettings
from schemas.messages import MODALITIES
from workers.fusion.engine import Config, Engine


def engines(fusion: FusionSettings) -> Callable[[], Engine]:
    """Return what makes the join that settings ask for; raises SettingsError for an unknown rule."""
    config = Config(fusion.window_ms, fusion.stall_ms, fusion.early)
    rule = rule_named(fusion.rule)
    trust = {modality: getattr(fusion.trust, modality) for modality in MODALITIES}
    return lambda: Engine(config, rule, trust)
