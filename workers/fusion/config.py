"""The join and its rule, as settings and the fitted file ask for."""

from dataclasses import dataclass

from affectstream.models.fusion.evidence import Array
from affectstream.models.fusion.network_rule import require_embeddings
from affectstream.models.fusion.parameters import available
from affectstream.models.fusion.rules import rule_named
from affectstream.models.fusion.trust import CARDS, TELEPHONE, table
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
    fuser = Fuser(rule, trusted(settings), settings.window_ms)
    replaces = settings.second_run == "replace"
    return Fusion(fuser, settings.window_ms, settings.stall_ms, settings.early, replaces)


def trusted(settings: FusionSettings) -> Array:
    """Return the trust (2, modalities) without a picture and with one: the settings', else the cards'."""
    chosen = {m: getattr(settings.trust, m) for m in MODALITIES}
    values = {m: CARDS[m] if chosen[m] is None else chosen[m] for m in MODALITIES}
    telephone = settings.trust.telephone
    if telephone is None:
        telephone = TELEPHONE if chosen["audio"] is None else chosen["audio"]
    return table(values, telephone)
