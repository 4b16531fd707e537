"""Arguments of commands that name parties, speakers, offsets and sessions: pairs such as `customer=Ana`."""

import hashlib
import math
import re
import shlex
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import PARTIES, Party

LONGEST_OFFSET_S = 86_400
LONGEST_ID = 64
HASH = re.compile("[0-9a-f]{7}[a-f]")  # no date or number, such as call-20260101, ends so
HASHED = re.compile(f"-{HASH.pattern}$")


def speakers_named(pairs: Sequence[str]) -> dict[str, Party]:
    """Return the party of each name, from pairs such as `customer=Ana`."""
    named = [split(pair, "--speaker customer=Ana") for pair in pairs]
    if turned := next((pair for pair in named if pair[0] not in PARTIES and pair[1] in PARTIES), None):
        raise InputError(f"--speaker takes the party first: --speaker {shlex.quote('='.join(turned[::-1]))}")
    found: dict[str, Party] = {}
    for party, name in named:
        if found.setdefault(name, party_named(party)) != party:
            raise InputError(f"--speaker gives {name!r} to {found[name]} and to {party}")
    return found


def offset_s(text: str, least: int) -> float:
    """Return a number of seconds of at least ``least``; raises InputError."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not least <= seconds <= LONGEST_OFFSET_S:
        raise InputError(
            f"an offset of {text} is not possible: it is in seconds, {least} to {LONGEST_OFFSET_S}"
        )
    return seconds


def split(pair: str, example: str) -> tuple[str, str]:
    """Return both sides of ``name=value``."""
    name, equals, value = pair.partition("=")
    if not (name and equals and value):
        raise InputError(f"{pair!r} is not of the form of {example}")
    return name, value


def party_named(name: str) -> Party:
    """Return the party of that name; raises InputError."""
    for party in PARTIES:
        if name.strip() == party:
            return party
    raise InputError(f"{name!r} is not a party; the parties are {', '.join(PARTIES)}")


def session_name(path: Path) -> str:
    """Return a session id made from a file's name, readable in ASCII; different names give different ids.

    Where a character is lost or changed, spaces too, a hash of the name ends the id, and so it does where a
    name looks as if it had one.
    """
    from anyascii import anyascii

    name = unicodedata.normalize("NFC", path.stem)
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", anyascii(name)).strip("._-")
    if plain == name and len(plain) <= LONGEST_ID and not HASHED.search(plain):
        return plain
    found = HASH.search(hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest())
    assert found  # there are sixty-four digits
    return f"{plain[: LONGEST_ID - 9].rstrip('._-') or 'session'}-{found[0]}"
