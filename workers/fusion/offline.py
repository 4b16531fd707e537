"""The join that settings ask for, in the stream and offline alike."""

from collections.abc import Callable

from affectstream.models.fusion.choose import rule_named
from affectstream.models.fusion.exported import require_embeddings
from affectstream.models.fusion.fitted import available
from affectstream.runtime.settings import FusionSettings
from affectstream.workers.fusion import told
from affectstream.workers.fusion.engine import Engine


def engines(fusion: FusionSettings) -> Callable[[], Engine]:
    """Return what makes the join that settings ask for; raises SettingsError for an unknown rule or file."""
    fitted = available(fusion.fitted)
    config, trust = told.config(fusion, fitted), told.trust(fusion, fitted)
    rule = rule_named(fusion.rule, fitted)
    require_embeddings(rule, fusion.embeddings)
    return lambda: Engine(config, rule, trust)
