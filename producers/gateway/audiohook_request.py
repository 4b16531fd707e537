"""The HTTP request that opens an AudioHook connection: its identities, and who signed it; pure."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import structlog

from affectstream.producers.gateway.audiohook import AudioHook, Upgrade
from affectstream.producers.gateway.audiohook_messages import Malformed, uuid
from affectstream.producers.gateway.http_signature import BadSignature, Nonces, values, verify
from affectstream.runtime.settings import Settings
from affectstream.schemas import policy

DEFAULT_PORTS = {"wss": 443, "https": 443, "ws": 80, "http": 80}

log = structlog.get_logger(__name__)


class AudioHookRequests:
    """The requests to one gateway; each is admitted once."""

    def __init__(self, settings: Settings, now_s: Callable[[], float]) -> None:
        gateway = settings.gateway
        self._parties = {"external": gateway.audiohook_external, "internal": gateway.audiohook_internal}
        purpose = settings.policy.agent_purpose
        self._wanted = [name for name, party in self._parties.items() if policy.permits(party, purpose)]
        self._public_url = gateway.public_url
        self._key = gateway.audiohook_key.get_secret_value() if gateway.audiohook_key else None
        secret = gateway.audiohook_secret.get_secret_value() if gateway.audiohook_secret else ""
        self._secret = b64decode(secret)
        self._nonces, self._now_s = Nonces(), now_s

    def refusal(self, headers: Mapping[str, str], target: str) -> str:
        """Return why a request is refused, "" where it is admitted; ``target`` is its path with the query."""
        fields = lowered(headers)
        try:
            upgrade(fields)
            uuid(fields.get("audiohook-correlation-id"))
        except Malformed:
            return "bad_request"
        if self._key is None:
            return ""
        try:
            components = values(fields, *address(self._public_url, fields.get("host", ""), target))
            verify(components, fields, self._key, self._secret, self._now_s(), self._nonces)
        except BadSignature as bad:
            log.warning("signature_refused", protocol="audiohook", reason=bad.reason)
            return "not_signed"
        except ValueError:  # of the host
            return "bad_request"
        return ""

    def protocol(self, headers: Mapping[str, str]) -> AudioHook:
        """Return the protocol of a request that was admitted."""
        return AudioHook(upgrade(lowered(headers)), self._parties, self._wanted)


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """Return header fields under names in lower case, as a signature has them; repeated ones are joined."""
    fields: dict[str, str] = {}
    for name, value in headers.items():
        known = fields.get(name.lower())
        fields[name.lower()] = value if known is None else f"{known}, {value}"
    return fields


def upgrade(headers: Mapping[str, str]) -> Upgrade:
    """Return the identities of a request; raises Malformed."""
    organization, session = (headers.get(f"audiohook-{name}-id", "") for name in ("organization", "session"))
    uuid(session)
    return Upgrade(uuid(organization), session)


def address(public_url: str | None, host: str, target: str) -> tuple[str, str]:
    """Return the request target and the authority that a client signs, as it knows them.

    Behind a proxy these are the path and the host of the public URL.
    """
    url = urlsplit(public_url or f"ws://{host}")
    port = None if url.port == DEFAULT_PORTS.get(url.scheme) else url.port
    name = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname or ""
    return url.path.rstrip("/") + target, f"{name}:{port}" if port else name
