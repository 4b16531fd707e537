"""Who may stream a call in: signatures, single-use tokens, places."""

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from affectstream.schemas.messages import Party

LONGEST_TOKEN_S = 3_600  # of validity; a token is spent in the seconds between its making and the call
MOST_SPENT = 100_000


def twilio_signature(token: str, url: str) -> str:
    """Return the X-Twilio-Signature of a request without parameters.

    Source: https://www.twilio.com/docs/usage/security#validating-requests
    """
    return b64encode(hmac.new(token.encode(), url.encode(), hashlib.sha1).digest()).decode()


def twilio_signed(token: str, url: str, signature: str) -> bool:
    """Say whether ``signature`` is Twilio's for ``url``; with or without a port, as Twilio's library."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = {"wss": 443, "https": 443}.get(parts.scheme, 80)
    urls = {url, parts._replace(netloc=host).geturl(), parts._replace(netloc=f"{host}:{port}").geturl()}
    made = [twilio_signature(token, each) for each in sorted(urls)]
    return any([hmac.compare_digest(each.encode(), signature.encode()) for each in made])


def new_token(secret: str, now_s: float, valid_s: int = 60) -> str:
    """Return a token that admits one call: ``EXPIRES.NONCE.MAC``, with the HMAC-SHA256 of what precedes."""
    text = f"{int(now_s) + valid_s}.{secrets.token_hex(16)}"
    return f"{text}.{_mac(secret, text)}"


def _mac(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Tokens:
    """The tokens of one secret, each of which admits once."""

    def __init__(self, secret: str, now_s: Callable[[], float]) -> None:
        self._secret, self._now_s = secret, now_s
        self._spent: OrderedDict[str, int] = OrderedDict()  # text to the second of expiry

    def spend(self, token: str) -> bool:
        """Say whether a token admits; it does not again."""
        text, _, mac = token.rpartition(".")
        expires, _, nonce = text.partition(".")
        genuine = hmac.compare_digest(_mac(self._secret, text).encode(), mac.encode())
        if not (genuine and expires.isascii() and expires.isdigit() and nonce):
            return False
        now_s = self._now_s()
        if not now_s <= int(expires) <= now_s + LONGEST_TOKEN_S or text in self._spent:
            return False
        for spent in [old for old, until in self._spent.items() if until < now_s]:
            del self._spent[spent]
        if len(self._spent) >= MOST_SPENT:
            return False
        self._spent[text] = int(expires)
        return True


class Places:
    """The calls that are streamed in now: so many at most, each party of a session by one stream."""

    def __init__(self, most: int, new_run: Callable[[], str]) -> None:
        self._most, self._new_run = most, new_run
        self._streams = 0
        self._parties: set[tuple[str, Party]] = set()
        self._runs: dict[str, str] = {}  # by session

    @property
    def streams(self) -> int:
        """Return how many streams are connected."""
        return self._streams

    @property
    def free(self) -> bool:
        """Say whether one more may connect."""
        return self._streams < self._most

    @contextmanager
    def connected(self) -> Iterator[bool]:
        """Count a connection while the context is open; yields whether there was a place for it."""
        free = self._streams < self._most
        self._streams += free
        try:
            yield free
        finally:
            self._streams -= free

    @contextmanager
    def taken(self, session_id: str, parties: tuple[Party, ...], run: str = "") -> Iterator[str | None]:
        """Hold the parties of a session while the context is open.

        Yields the run of the session, which two streams with a party each share: a new one, or ``run``. None
        where a party is held.
        """
        keys = {(session_id, party) for party in parties}
        if keys & self._parties:
            yield None
            return
        self._parties |= keys
        try:
            yield self._runs.setdefault(session_id, self._runs.get(session_id) or run or self._new_run())
        finally:
            self._parties -= keys
            if all(held != session_id for held, _ in self._parties):
                del self._runs[session_id]
