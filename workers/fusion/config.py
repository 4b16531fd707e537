"""What settings and the fitted file tell the join about trust, holding and display."""

from affectstream.models.fusion.fitted import Fitted
from affectstream.models.fusion.trust import CARDS, PerClass
from affectstream.runtime.settings import DisplaySettings, FusionSettings
from affectstream.schemas.messages import MODALITIES, Modality
from affectstream.workers.fusion.display import Display
from affectstream.workers.fusion.engine import Config


def config(fusion: FusionSettings, fitted: Fitted | None) -> Config:
    """Return the join's configuration."""
    return Config(
        window_ms=fusion.window_ms,
        stall_ms=fusion.stall_ms,
        early=fusion.early,
        hold_ms={m: getattr(fusion.hold_ms, m) for m in MODALITIES},
        online=fusion.trust.online,
        display=display(fusion.display, None if fitted is None else fitted.abstain.get(fusion.rule)),
    )


def trust(fusion: FusionSettings, fitted: Fitted | None) -> dict[Modality, PerClass]:
    """Return the trust in each modality: the settings', else by class as fitted, else its model card's."""
    found: dict[Modality, PerClass] = {}
    for modality in MODALITIES:
        said: float | None = getattr(fusion.trust, modality)
        if said is not None:
            found[modality] = said
        elif fitted is not None:
            found[modality] = fitted.experts[modality].reliability.value
        else:
            found[modality] = CARDS[modality]
    return found


def display(settings: DisplaySettings, fitted: float | None) -> Display:
    """Return when the shown label changes, and the probability below which there is none."""
    sure = fitted or 0.0 if settings.sure is None else settings.sure
    return Display(settings.hysteresis, settings.dwell_ms, sure)
