"""The settings of trust, holding and display in the fusion."""

from pydantic import Field

from affectstream.runtime.group import Group, Share


class TrustSettings(Group):
    """How far each modality is trusted before an operator says otherwise; none: as was measured, by class."""

    video: Share | None = None
    audio: Share | None = None
    text: Share | None = None
    online: bool = Field(False, description="trust follows how far the modalities have agreed of late")


class HoldSettings(Group):
    """For how many milliseconds of silence the last thing that a modality said counts, less and less."""

    video: int = Field(0, ge=0, le=60_000)
    audio: int = Field(0, ge=0, le=60_000)
    text: int = Field(0, ge=0, le=60_000)


class DisplaySettings(Group):
    """Which label is shown; probabilities and labels are what they are whatever is said here."""

    hysteresis: Share = Field(0.0, description="by how much another probability must lead to be shown")
    dwell_ms: int = Field(0, ge=0, description="for how long a label is shown at least")
    sure: Share | None = Field(
        None,
        description="a largest probability below it shows no label; none: as fitted, 0: always shown",
    )


class LabelSettings(Group):
    """Which label readers display (API, page, command line); probabilities and labels stay what they are."""

    hysteresis: Share = Field(0.0, description="by how much another probability must lead to be displayed")
    dwell_ms: int = Field(0, ge=0, description="for how long a label is displayed at least")
    min_probability: Share | None = Field(
        None,
        description="a largest probability below it displays no label; none: as fitted, 0: always displayed",
    )
