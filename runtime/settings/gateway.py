"""Where the gateway listens, whom it admits, and how much it takes."""

from base64 import b64decode
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from affectstream.runtime.settings.base import Count, Group, Port
from affectstream.schemas.messages import Party

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class GatewaySettings(Group):
    """The gateway for calls that telephony platforms stream in."""

    host: str = Field("127.0.0.1", description="of WebSockets; elsewhere than on loopback a secret is needed")
    port: Port = Field(8360, description="of WebSockets")
    tls_certificate: Path | None = Field(None, description="PEM file; none: a proxy before it does TLS")
    tls_key: Path | None = Field(None, description="PEM file of the certificate's key")
    public_url: str | None = Field(None, description="as platforms know it, wss://calls.example.com")
    twilio_token: SecretStr | None = Field(None, description="Twilio's auth token; none: not verified")
    twilio_token_file: Path | None = None
    token: SecretStr | None = Field(None, description="secret of the single-use tokens; none: not asked for")
    token_file: Path | None = None
    session_key: SecretStr | None = Field(None, description="of the hash that makes session ids of call ids")
    session_key_file: Path | None = None
    inbound: Party = Field("customer", description="the party of Twilio's track inbound")
    outbound: Party = Field("agent", description="the party of Twilio's track outbound")
    audiohook_key: SecretStr | None = Field(None, description="Genesys' API key; none: not verified")
    audiohook_key_file: Path | None = None
    audiohook_secret: SecretStr | None = Field(None, description="Genesys' client secret, in base64")
    audiohook_secret_file: Path | None = None
    audiohook_external: Party = Field("customer", description="the party of Genesys' channel external")
    audiohook_internal: Party = Field("agent", description="the party of Genesys' channel internal")
    audiosocket_host: str = Field("127.0.0.1", description="AudioSocket authenticates nobody: keep it inside")
    audiosocket_port: Port = Field(8361, description="0: off")
    audiosocket_party: Party | None = Field(
        None, description="of AudioSocket's sound; `other`: both parties mixed; none: as unnamed_party"
    )
    unnamed_party: Party | None = Field(
        "customer", description="of one channel that nobody names; `other`: both mixed; none: it is refused"
    )
    max_calls: Count = Field(500, description="streams at once; more are refused")
    new_per_minute: Count = Field(1200, description="connections of one address; half of them at once")
    new_per_credential: Count = Field(2400, description="a minute by one key or token secret; half at once")
    client_header: str | None = Field(None, description="header in which a proxy names the client's address")
    idle_s: float = Field(30.0, gt=0, description="a stream without a message for this long is closed")
    reconnect_s: float = Field(15.0, ge=0, description="a call that broke off waits so long to be continued")
    longest_s: float = Field(12 * 3600.0, gt=0, description="of stream time, then the stream is closed")
    max_speed: float = Field(2.0, ge=1.0, description="times real time; what comes faster is slowed down")
    health_port: Port = Field(0, description="of /livez, /readyz and /metrics; 0: off")
    health_host: str = Field("127.0.0.1", description="0.0.0.0 lets other machines ask")

    @field_validator("public_url")
    @classmethod
    def _websocket(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("wss://", "ws://")):
            raise ValueError("begins with wss:// (or ws:// in tests), as in the platform's configuration")
        return url.rstrip("/") if url else None

    @field_validator("audiohook_secret")
    @classmethod
    def _base64(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            try:
                b64decode(secret.get_secret_value(), validate=True)
            except ValueError:
                raise ValueError("is in base64, as in the integration's credentials") from None
        return secret

    @model_validator(mode="after")
    def _admits_no_stranger(self) -> Self:
        if self.twilio_token and not self.public_url:
            raise ValueError("twilio_token needs public_url: the signature covers the URL that Twilio calls")
        outside = self.host not in LOOPBACK or self.public_url is not None
        if (self.audiohook_key is None) != (self.audiohook_secret is None):
            raise ValueError("audiohook_key and audiohook_secret belong together")
        if outside and not (self.twilio_token or self.token or self.audiohook_secret):
            raise ValueError(
                "host or public_url lets anybody send calls; set token, twilio_token or audiohook_key"
            )
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        if self.inbound == self.outbound:
            raise ValueError("inbound and outbound are two parties")
        if self.audiohook_external == self.audiohook_internal:
            raise ValueError("audiohook_external and audiohook_internal are two parties")
        return self
