"""Where the broker and Redis are, and how to speak to them."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from affectstream.runtime.settings.base import Group

ADDRESS = re.compile(r"(?:[A-Z_]+://)?(?:\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+)(?::\d{1,5})?")
SERVER = re.compile(
    r"rediss?://(?:[^/?#]*@)?(?:\[[0-9a-fA-F:.]+\]|[^\s:/?#\[\]]*)(?::\d{1,5})?(?:/[\d/]*)?(?:\?.*)?"
)
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
    stuck_s: int = Field(
        120,
        ge=0,
        description="a process that makes no progress for so long with records waiting restarts; 0: off",
    )
    instance_id: str | None = Field(
        None, description="a name for this process that survives a restart: it takes over at once, unbalanced"
    )
    embedded: bool = Field(
        False, description="the broker is the embedded one: 4 partitions, little kept, a gap is an error"
    )

    @field_validator("bootstrap")
    @classmethod
    def _addresses(cls, bootstrap: str) -> str:
        if not all(ADDRESS.fullmatch(address.strip()) for address in bootstrap.split(",")):
            raise ValueError("is HOST:PORT, several with commas between")
        return bootstrap

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
        if not url.startswith("unix://") and not SERVER.fullmatch(url):
            raise ValueError("is redis://HOST:PORT/NUMBER")
        if "@" in url.split("?")[0]:
            raise ValueError("holds credentials; name them in redis.username and redis.password")
        return url
