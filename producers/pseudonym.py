"""Pseudonyms: session ids that are keyed hashes of call ids, the same from every producer."""

from pydantic import SecretStr

from affectstream.producers.gateway.admission import SessionIds
from affectstream.schemas.errors import SettingsError


def pseudonym(call_id: str, key: SecretStr | None) -> str:
    """Return the session id of a platform's call id; raises SettingsError without a key."""
    if key is None or not key.get_secret_value():
        raise SettingsError("a call id is hashed: set gateway.session_key, or gateway.session_key_file")
    return SessionIds(key.get_secret_value()).of(call_id)
