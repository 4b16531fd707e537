"""The join and its rule, as settings and the fitted file ask for."""

from dataclasses import dataclass

from affectstream.models.fusion.network_rule import require_embeddings
from affectstream.models.fusion.parameters import FusionParameters, available
from affectstream.models.fusion.rules import rule_named
from affectstream.models.fusion.trust import CARDS, PerClass, table
from affectstream.runtime.settings import FusionSettings
from affectstream.schemas.messages import MODALITIES, Modality
from affectstream.workers.fusion.fuse import Fuser
from affectstream.workers.fusion.join import Join


@dataclass(frozen=True)
class Fusion:
    """What makes a join per partition, and the fuser of all of them."""

    fuser: Fuser
    window_ms: int = 1000
    stall_ms: int = 10_000
    early: tuple[Modality, ...] = ("video", "audio")
    replaces: bool = False  # a second run that no producer has claimed

    def join(self) -> Join:
        """Return a join without any party."""
        return Join(self.window_ms, self.stall_ms, self.early)


def configured(settings: FusionSettings) -> Fusion:
    """Return the fusion that settings ask for; raises SettingsError for an unknown rule or file."""
    fitted = available(settings.fitted)
    rule = rule_named(settings.rule, fitted)
    require_embeddings(rule, settings.embeddings)
    fuser = Fuser(rule, table(reliabilities(settings, fitted)), settings.window_ms)
    replaces = settings.second_run == "replace"
    return Fusion(fuser, settings.window_ms, settings.stall_ms, settings.early, replaces)


def reliabilities(settings: FusionSettings, fitted: FusionParameters | None) -> dict[Modality, PerClass]:
    """Return each modality's reliability: the settings', else by class as fitted, else its model card's."""
    found: dict[Modality, PerClass] = {}
    for modality in MODALITIES:
        chosen: float | None = getattr(settings.trust, modality)
        if chosen is not None:
            found[modality] = chosen
        elif fitted is not None:
            found[modality] = fitted.experts[modality].reliability.value
        else:
            found[modality] = CARDS[modality]
    return found
