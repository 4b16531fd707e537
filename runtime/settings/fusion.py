"""How modalities are joined and trusted, which label readers display, and which alerts are raised."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from affectstream.runtime.settings.base import Group, Port, Share, split
from affectstream.schemas.messages import Modality


class TrustSettings(Group):
    """How far each modality is trusted before an operator says otherwise; none: as was measured."""

    video: Share | None = None
    audio: Share | None = None
    text: Share | None = None
    telephone: Share | None = Field(
        None, description="audio of a party that sends no picture; none: as was measured, or as audio is set"
    )


class FusionSettings(Group):
    """How the modalities are joined."""

    window_ms: int = Field(1000, ge=100)
    stall_ms: int = Field(10_000, ge=0, description="how long a silent modality holds a final window back")
    early: Annotated[tuple[Modality, ...], NoDecode, BeforeValidator(split)] = Field(
        ("video", "audio"), description="an early pane comes once these reach its end"
    )
    rule: str = Field("bounded_pool", description="how the modalities are fused; docs/rules.md names all")
    fitted: Path | None = Field(
        None, description="what `affectstream fusion fit` wrote; none: the shipped file"
    )
    embeddings: bool = Field(
        False, description="workers send embeddings along, for the rules that are networks"
    )
    second_run: Literal["refuse", "replace"] = Field(
        "refuse", description="what a session's second run is, where its producer could not ask Redis"
    )
    trust: TrustSettings = TrustSettings()
    health_port: Port = 0
    health_host: str = "127.0.0.1"


class LabelSettings(Group):
    """Which label readers display (API, page, command line); probabilities and labels stay what they are."""

    hysteresis: Share = Field(0.0, description="by how much another probability must lead to be displayed")
    dwell_ms: int = Field(0, ge=0, description="for how long a label is displayed at least")
    min_probability: Share | None = Field(
        None,
        description="a largest probability below it displays no label; none: as fitted, 0: always displayed",
    )
    usual: bool = Field(
        True,
        description="an emotion is displayed only if it is also the likeliest by the party's usual voice",
    )


class AlertSettings(Group):
    """Which alerts are raised over the fused emotions."""

    enabled: bool = True
    rules: Path | None = Field(None, description="a file of alert rules; none: the shipped ones")
    webhook_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="is told when calls and alerts begin and end; none: nobody",
    )
    webhook_secret: SecretStr | None = Field(None, description="signs what it is told")
    webhook_secret_file: Path | None = None
    health_port: Port = 0
    health_host: str = "127.0.0.1"
