"""HTTP message signatures by HMAC-SHA256 as AudioHook's clients make them: signing, and verifying once.

Source: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-message-signatures-11, of which this is the
part that AudioHook uses: header fields, ``@request-target`` and ``@authority``, without component parameters.
"""

import hmac
import re
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SKEW_S = 3  # of the two clocks
LONGEST_S = 10  # between making a signature and using it
SHORTEST_NONCE = 22  # characters; 16 bytes in base64
MOST_NONCES = 100_000
LONGEST_FIELD = 4_096  # characters

REQUIRED = (
    "@request-target",
    "@authority",
    "audiohook-organization-id",
    "audiohook-session-id",
    "audiohook-correlation-id",
    "x-api-key",
)

_KEY = r"[a-z*][a-z0-9_\-.*]*"
_STRING = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
_NAMES = rf"(?:{_STRING}(?: +{_STRING})*)?"
_INPUT = re.compile(rf"({_KEY})=(\(({_NAMES})\)((?:; *{_KEY}=(?:{_STRING}|\d{{1,15}}))*))")
_SIGNATURE = re.compile(rf"({_KEY})=:([A-Za-z0-9+/]*={{0,2}}):")
_PARAMETER = re.compile(rf"; *({_KEY})=({_STRING}|\d+)")
_WORDS = frozenset({"alg", "keyid", "nonce"})
_NUMBERS = frozenset({"created", "expires"})


class BadSignature(Exception):
    """Why a request is not admitted; ``reason`` is a fixed name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Signature:
    """One signature of a request, as its two header fields state it."""

    components: tuple[str, ...]
    parameters: Mapping[str, str | int]
    text: str  # what "@signature-params" stands for
    mac: bytes


class Nonces:
    """The nonces that were used, each until no signature of its time is valid any more."""

    def __init__(self) -> None:
        self._used: OrderedDict[str, float] = OrderedDict()  # to the second of expiry

    def use(self, nonce: str, now_s: float) -> bool:
        """Say whether a nonce is new; it is not again."""
        while self._used and next(iter(self._used.values())) < now_s:
            self._used.popitem(last=False)
        if nonce in self._used or len(self._used) >= MOST_NONCES:
            return False
        self._used[nonce] = now_s + LONGEST_S + 2 * SKEW_S
        return True


def values(headers: Mapping[str, str], target: str, authority: str) -> dict[str, str]:
    """Return the components of a request that a signature may cover; ``headers`` in lower case."""
    fields = {name: value.strip() for name, value in headers.items() if name != "signature"}
    return {**fields, "@request-target": target, "@authority": authority.lower(), "@method": "GET"}


def verify(
    components: Mapping[str, str],
    headers: Mapping[str, str],
    key: str,
    secret: bytes,
    now_s: float,
    nonces: Nonces,
) -> None:
    """Return where a request is signed by the client of ``key``, now and for the first time.

    ``components`` are what `values` returns. Raises BadSignature.
    """
    if not hmac.compare_digest(headers.get("x-api-key", "").encode(), key.encode()):
        raise BadSignature("api_key")
    signature = parsed(headers.get("signature-input", ""), headers.get("signature", ""))
    _check(signature, key, now_s)
    made = mac(components, signature.components, signature.text, secret)
    if not hmac.compare_digest(made, signature.mac):
        raise BadSignature("signature")
    if not nonces.use(str(signature.parameters["nonce"]), now_s):
        raise BadSignature("replayed")


def parsed(signature_input: str, signature: str) -> Signature:
    """Return the first signature of the header fields Signature-Input and Signature; raises BadSignature."""
    if not signature_input or not signature:
        raise BadSignature("unsigned")
    if max(len(signature_input), len(signature)) > LONGEST_FIELD:
        raise BadSignature("malformed")
    found = _INPUT.match(signature_input.strip())
    made = {label: encoded for label, encoded in _SIGNATURE.findall(signature)}
    if found is None or found[1] not in made or not _ends(signature_input.strip(), found.end()):
        raise BadSignature("malformed")
    names = tuple(re.findall(r'"([^"]*)"', found[3]))
    try:
        return Signature(names, _parameters(found[4]), found[2], b64decode(made[found[1]], validate=True))
    except ValueError:
        raise BadSignature("malformed") from None


def _ends(text: str, at: int) -> bool:
    """Say whether a member of a dictionary ends at ``at``: the text does, or another member follows."""
    return not text[at:].strip() or text[at:].lstrip().startswith(",")


def _parameters(text: str) -> dict[str, str | int]:
    parameters: dict[str, str | int] = {}
    for name, value in _PARAMETER.findall(text):
        quoted = value.startswith('"')
        if name in parameters or name not in (_WORDS if quoted else _NUMBERS):
            raise BadSignature("malformed")
        parameters[name] = re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else int(value)
    return parameters


def _check(signature: Signature, key: str, now_s: float) -> None:
    """Raise BadSignature where a signature does not cover what it has to, or is not of this time."""
    names, parameters = signature.components, signature.parameters
    if len({*names}) < len(names) or not {*REQUIRED} <= {*names}:
        raise BadSignature("not_covered")
    if parameters.get("alg", "hmac-sha256") != "hmac-sha256":
        raise BadSignature("algorithm")
    if not hmac.compare_digest(str(parameters.get("keyid", "")).encode(), key.encode()):
        raise BadSignature("api_key")
    if len(str(parameters.get("nonce", ""))) < SHORTEST_NONCE:
        raise BadSignature("nonce")
    created, expires = parameters.get("created"), parameters.get("expires")
    if not isinstance(created, int) or created > now_s + SKEW_S:
        raise BadSignature("created")
    if created + LONGEST_S + SKEW_S < now_s or (isinstance(expires, int) and expires + SKEW_S < now_s):
        raise BadSignature("expired")


def mac(values: Mapping[str, str], names: Iterable[str], parameters: str, secret: bytes) -> bytes:
    """Return the HMAC of a request; raises BadSignature where it lacks a component."""
    try:
        lines = [f'"{name}": {values[name]}' for name in names]
    except KeyError:
        raise BadSignature("not_present") from None
    base = "\n".join([*lines, f'"@signature-params": {parameters}'])
    return hmac.digest(secret, base.encode(), "sha256")


def signed(values: Mapping[str, str], key: str, secret: bytes, nonce: str, created_s: int) -> dict[str, str]:
    """Return the two header fields that sign a request as Genesys' clients do."""
    covered = " ".join(f'"{name}"' for name in REQUIRED)
    times = f"created={created_s};expires={created_s + 30}"
    text = f'({covered});keyid="{key}";nonce="{nonce}";alg="hmac-sha256";{times}'
    made = b64encode(mac(values, REQUIRED, text, secret)).decode()
    return {"Signature-Input": f"sig1={text}", "Signature": f"sig1=:{made}:"}
