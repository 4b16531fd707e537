"""The groups of settings, one frozen model each, with their defaults."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from affectstream.runtime.group import Count, Group, Port, split
from affectstream.runtime.trust_groups import DisplaySettings, HoldSettings, TrustSettings
from affectstream.schemas.messages import Modality
from affectstream.schemas.policy import PURPOSES

DAY_S = 24 * 60 * 60


class KafkaSettings(Group):
    """Where the broker is, and how to speak to it."""

    bootstrap: str = Field("127.0.0.1:9092", description="broker addresses, separated by commas")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_password_file: Path | None = None
    ssl_cafile: Path | None = Field(
        None, description="certificates that sign the brokers'; default: the system's"
    )
    ssl_certfile: Path | None = Field(None, description="this client's certificate, for mutual TLS")
    ssl_keyfile: Path | None = None
    ssl_password: SecretStr | None = Field(None, description="of the key file")
    ssl_password_file: Path | None = None
    topic_prefix: str = Field(
        "", pattern=r"^[A-Za-z0-9._-]*$", description="before every topic and group name"
    )
    client_id: str = "affectstream"
    session_timeout_ms: int = Field(
        10_000, ge=1000, description="a member silent for so long loses its partitions"
    )
    instance_id: str | None = Field(
        None, description="a name for this process that survives a restart: it takes over at once, unbalanced"
    )
    embedded: bool = Field(
        False, description="the broker is the embedded one: 4 partitions, little kept, a gap is an error"
    )

    @model_validator(mode="after")
    def _sasl_is_complete(self) -> "KafkaSettings":
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError("a SASL protocol needs sasl_username and sasl_password (or sasl_password_file)")
        return self


class RedisSettings(Group):
    """Where the fused emotions lie, and for how long."""

    url: str = Field("redis://127.0.0.1:6379/0", description="redis://, rediss:// (TLS) or unix://")
    username: str | None = Field(None, description="of an access control list")
    password: SecretStr | None = None
    password_file: Path | None = None
    ca_file: Path | None = Field(
        None, description="certificates that sign the server's; default: the system's"
    )
    cert_file: Path | None = Field(None, description="this client's certificate, for mutual TLS")
    key_file: Path | None = None
    ttl_s: int = Field(7 * DAY_S, ge=60, description="every key expires so long after its last write")

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        if not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("starts with redis://, rediss:// or unix://")
        if "@" in url.split("?")[0]:
            raise ValueError("holds credentials; name them in redis.username and redis.password")
        return url


class WorkerSettings(Group):
    """How one modality's worker runs."""

    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    threads: Count = Field(1, description="of torch, on a CPU")
    batch_rows: Count = Field(16, description="the fixed number of rows of a batch")
    max_delay_ms: int = Field(40, ge=0, description="how long the first input of a batch waits for others")
    in_flight: Count = Field(2, description="batches under way at once")
    live_budget_ms: int | None = Field(None, ge=1, description="shed what is older; none: never (replay)")
    model: str = Field("", description="a hub model id or a local folder; empty: the shipped model")
    revision: str | None = Field(None, description="of the hub model")
    health_port: Port = Field(0, description="of /livez, /readyz and /metrics; 0: off")
    health_host: str = Field("127.0.0.1", description="0.0.0.0 lets other machines ask")


class VideoSettings(WorkerSettings):
    """The video worker."""

    batch_rows: Count = 32
    yunet_path: Path | None = Field(
        None, description="the YuNet detector's ONNX file; none: OpenCV's cascade"
    )
    max_faces: Count = 4


class AudioSettings(WorkerSettings):
    """The audio worker."""

    batch_rows: Count = 16


class TextSettings(WorkerSettings):
    """The text worker."""

    batch_rows: Count = 8


class FusionSettings(Group):
    """How the modalities are joined."""

    window_ms: int = Field(1000, ge=100)
    stall_ms: int = Field(10_000, ge=0, description="how long a silent modality holds a final window back")
    early: Annotated[tuple[Modality, ...], NoDecode, BeforeValidator(split)] = Field(
        ("video", "audio"), description="an early pane comes once these have passed the window"
    )
    rule: str = Field(
        "learned_log_pool", description="how the modalities are fused; docs/fusion-core.md names all"
    )
    fitted: Path | None = Field(
        None, description="what `affectstream fusion fit` wrote; none: the shipped file"
    )
    embeddings: bool = Field(
        False, description="workers send embeddings along, for the rules that are networks"
    )
    trust: TrustSettings = TrustSettings()
    hold_ms: HoldSettings = HoldSettings()
    display: DisplaySettings = DisplaySettings()
    health_port: Port = 0
    health_host: str = "127.0.0.1"


class AlertSettings(Group):
    """Which alerts are raised over the fused emotions."""

    enabled: bool = True
    rules: Path | None = Field(None, description="a file of alert rules; none: the shipped ones")
    health_port: Port = 0
    health_host: str = "127.0.0.1"


class PolicySettings(Group):
    """Whose emotions may be inferred."""

    agent_purpose: str | None = Field(None, description=f"permits the agent party: {', '.join(PURPOSES)}")

    @field_validator("agent_purpose")
    @classmethod
    def _known_purpose(cls, purpose: str | None) -> str | None:
        if purpose is not None and purpose not in PURPOSES:
            raise ValueError(f"one of {', '.join(PURPOSES)}")
        return purpose


class LogSettings(Group):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "console"


class ApiSettings(Group):
    """Where the JSON API listens."""

    host: str = "127.0.0.1"
    port: Port = 8350
    token: SecretStr | None = Field(None, description="readers must send it as a bearer token; none: open")
    token_file: Path | None = None


class ProducerSettings(Group):
    """How media becomes messages."""

    fps: float = Field(5.0, gt=0, le=60)
    max_side: int = Field(640, ge=64, le=4096, description="pixels of the longer side of a frame")
    jpeg_quality: int = Field(85, ge=1, le=100)
    chunk_ms: int = Field(2000, ge=100)
    hop_ms: int = Field(1000, ge=50)
