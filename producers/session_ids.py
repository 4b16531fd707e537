"""Session ids of calls: keyed hashes of the platforms' call ids, the same from every producer."""

import hashlib
import hmac
import re
import secrets

from pydantic import SecretStr

from affectstream.schemas.errors import SettingsError
from affectstream.schemas.fields import SESSION_ID

FIT = re.compile(SESSION_ID)  # for a session id
DIGITS = re.compile(r"[\d.+-]*")  # a telephone number, or what could be one


class SessionIds:
    """Session ids of calls: a keyed hash, so that nobody without the key can tell whose call it was."""

    def __init__(self, key: str | None) -> None:
        self._keyed = key is not None
        self._key = (key or secrets.token_hex(32)).encode()

    def of(self, call_id: str) -> str:
        """Return the session id of a platform's call id.

        Without a key it is the call id where that is fit for one and no telephone number, else a hash under
        a key that is drawn when the process starts.
        """
        plain = FIT.fullmatch(call_id) and not DIGITS.fullmatch(call_id)
        if plain and not self._keyed:
            return call_id
        return "call-" + hmac.new(self._key, call_id.encode(), hashlib.sha256).hexdigest()[:32]


def pseudonym(call_id: str, key: SecretStr | None) -> str:
    """Return the session id of a platform's call id; raises SettingsError without a key."""
    if key is None or not key.get_secret_value():
        raise SettingsError("a call id is hashed: set gateway.session_key, or gateway.session_key_file")
    return SessionIds(key.get_secret_value()).of(call_id)
