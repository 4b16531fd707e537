"""How workers, producers and the API run, whose emotions may be inferred, and what is logged."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from affectstream.runtime.settings.base import Count, Group, Port, split, split_named
from affectstream.schemas.consent import PROCESSABLE, Consent
from affectstream.schemas.policy import PURPOSES

DEVICE = r"^(auto|cpu|cuda(:\d+)?)$"


class WorkerSettings(Group):
    """How one modality's worker runs."""

    device: str = Field("auto", pattern=DEVICE)
    threads: Count = Field(1, description="of torch, on a CPU")
    batch_rows: Count = Field(8, description="how many inputs are analysed and published together at most")
    in_flight: Count = Field(2, description="batches under way at once")
    live_budget_ms: int | None = Field(None, ge=1, description="shed what is older; none: never (replay)")
    model: str = Field("", description="a hub model id or a local folder; empty: the shipped model")
    revision: str | None = Field(None, description="of the hub model")
    shadow: bool = Field(
        False, description="a model on trial: it reads all inputs too, and its observations are never fused"
    )
    health_port: Port = Field(0, description="of /livez, /readyz and /metrics; 0: off")
    health_host: str = Field("127.0.0.1", description="0.0.0.0 lets other machines ask")


class VideoSettings(WorkerSettings):
    """The video worker."""

    yunet_path: Path | None = Field(None, description="the YuNet detector's ONNX file; none: BlazeFace")
    max_faces: Count = 4


class AudioSettings(WorkerSettings):
    """The audio worker."""

    prior: Literal["situation", "calls", "balanced"] = Field(
        "situation",
        description="what the shipped voice expects: mostly neutral (`calls`), all emotions alike "
        "(`balanced`), or the first of a party without a picture and the second of one with (`situation`)",
    )


class TextSettings(WorkerSettings):
    """The text worker."""


class AsrSettings(Group):
    """The recogniser of words, for calls without a transcript."""

    enabled: bool = Field(False, description="sound without a transcript is given one; needs a `worker asr`")
    model: str = Field("", description="a hub model id or a local folder; empty: Whisper tiny.en")
    revision: str | None = Field(None, description="of the hub model")
    language: str | None = Field("en", description="of the calls; none: the model finds out, if it can")
    device: str = Field("auto", pattern=DEVICE)
    threads: Count = Field(1, description="on a CPU")
    live_budget_ms: int | None = Field(None, ge=1, description="sound that is older is not listened to")
    health_port: Port = Field(0, description="of /livez, /readyz and /metrics; 0: off")
    health_host: str = Field("127.0.0.1", description="0.0.0.0 lets other machines ask")


class RecorderSettings(Group):
    """How the recorder runs; where it writes to is policy.recordings."""

    health_port: Port = Field(0, description="of /livez, /readyz and /metrics; 0: off")
    health_host: str = Field("127.0.0.1", description="0.0.0.0 lets other machines ask")


class ProducerSettings(Group):
    """How media becomes messages."""

    fps: float = Field(5.0, gt=0, le=60)
    max_side: int = Field(640, ge=64, le=4096, description="pixels of the longer side of a frame")
    jpeg_quality: int = Field(85, ge=1, le=100)
    chunk_ms: int = Field(2000, ge=100, description="sound in a chunk, with the context before its hop")
    hop_ms: int = Field(1000, ge=50, description="the end of a chunk, which it is about")


class PolicySettings(Group):
    """Whose emotions may be inferred."""

    agent_purpose: str | None = Field(None, description=f"permits the agent party: {', '.join(PURPOSES)}")
    consent: Annotated[tuple[Consent, ...], NoDecode, BeforeValidator(split)] = Field(
        PROCESSABLE, description="a session is processed while its consent is one of these"
    )
    redact: bool = Field(
        True, description="take numbers, e-mail addresses and dates of birth out of transcripts"
    )
    recordings: Path | None = Field(
        None, description="a folder of recordings named by session id: reads are audited, purge deletes them"
    )
    audit_log: Path | None = Field(
        None, description="a file; none: affectstream/audit.jsonl in ~/.local/state"
    )
    audit_key: SecretStr | None = Field(None, description="of its hashes; none: hashes that anybody can make")
    audit_key_file: Path | None = None

    words_in_turns: bool = Field(
        False,
        description="words beside the turns that analyze writes, and on the page where they were recorded",
    )
    listening: bool = Field(
        False, description="the page may play the sound of recordings; needs api.token; each time is audited"
    )

    @field_validator("consent")
    @classmethod
    def _not_withdrawn(cls, permitted: tuple[Consent, ...]) -> tuple[Consent, ...]:
        if not permitted or "withdrawn" in permitted:
            raise ValueError(f"some of {', '.join(PROCESSABLE)}")
        return permitted

    @field_validator("agent_purpose")
    @classmethod
    def _known_purpose(cls, purpose: str | None) -> str | None:
        if purpose is not None and purpose not in PURPOSES:
            raise ValueError(f"one of {', '.join(PURPOSES)}")
        return purpose


class ApiSettings(Group):
    """Where the JSON API listens."""

    host: str = "127.0.0.1"
    port: Port = 8350
    token: SecretStr | None = Field(None, description="readers must send it as a bearer token; none: open")
    token_file: Path | None = None
    requests_per_minute: int | None = Field(
        1_200, ge=1, description="of one address; more are refused for a while; none: as many as come"
    )
    token_requests_per_minute: int | None = Field(
        12_000, ge=1, description="with the token, from all addresses together; none: as many as come"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)] = Field(
        (), description="whose pages may read the API from a browser, as https://a.example; none: no others"
    )
    health_port: Port = Field(0, description="of /metrics, /livez and /readyz, without a token; 0: off")
    health_host: str = Field("127.0.0.1", description="0.0.0.0 lets other machines ask")
    processes: Annotated[dict[str, str], NoDecode, BeforeValidator(split_named)] = Field(
        {}, description="where the processes serve their metrics, by name: for the page of the system"
    )


class LogSettings(Group):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "console"
