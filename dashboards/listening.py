"""Listening along with a recorded call: who may, the audit entry of each time, and the sound by ranges.

The sound of a call that goes on grows with its recording. A ticket names when the sound begins and its rate,
so that its times are the same whoever answers, however much there is.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.responses import Response, StreamingResponse

from affectstream.dashboards import guard, sound
from affectstream.dashboards.control import By
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.routes import NAMED, Responses, Sid
from affectstream.dashboards.sound import Script, Sound
from affectstream.runtime.audit import audit_log
from affectstream.runtime.consent_store import ConsentStore
from affectstream.runtime.recording import Recording
from affectstream.runtime.settings import PolicySettings
from affectstream.schemas.errors import InputError

TICKET_S = 4 * 3600  # how long what was permitted may be listened to
MOST_OPEN = 16  # recordings that are kept open
RANGE = re.compile(r"bytes=(\d*)-(\d*)")
VISITOR = "a visitor of the page"
REFUSED = "the consent to this session was withdrawn, or does not permit to listen"
OFF = "listening is off: it needs the settings policy.listening, policy.recordings and api.token"
LISTEN: Responses = NAMED | {403: {"description": "policy does not permit it, or consent was withdrawn"}}


class Asked(BaseModel):
    """Who listens."""

    model_config = ConfigDict(extra="forbid")

    by: By


class Times(BaseModel):
    """How far the sound of a call has come."""

    start_ms: int = Field(description="the time at which it begins, in ms since the epoch")
    end_ms: int = Field(description="the time at which it ends, so far where it grows")
    grows: bool = Field(description="whether the call is still being recorded")


class Ticket(Times):
    """Where the sound of a call is to be had for a while."""

    url: str = Field(description="of a WAV, mono, 16 bits, that is read by ranges")


@dataclass(eq=False)
class Listening:
    """The recordings of calls, as far as policy opens them."""

    policy: PolicySettings
    token: SecretStr | None
    reader: Reader
    consents: ConsentStore

    def __post_init__(self) -> None:
        """Make the key that signs tickets: of the token, so that every process with it knows them."""
        secret = self.token.get_secret_value() if self.token else secrets.token_hex()
        self._key = hmac.new(secret.encode(), b"listening", hashlib.sha256).digest()
        self._open: OrderedDict[str, Sound] = OrderedDict()

    @property
    def permitted(self) -> bool:
        """Whether the settings let anybody listen."""
        return bool(self.policy.listening and self.policy.recordings and self.token)

    async def recording(self, session_id: str, known: Recording | None = None) -> Recording | None:
        """Return the recording of the windows that are kept of a session; None where there is none.

        One that is ``known`` is read on from where it was.
        """
        if self.policy.recordings is None or await self._refused(session_id):
            return None
        run = await self.reader.run(session_id)
        return await asyncio.to_thread(sound.find, self.policy.recordings, session_id, run, known)

    async def script(self, session_id: str, before: Script | None = None) -> Script | None:
        """Return what was said, where policy permits it and it was recorded, by what was read ``before``.

        The first reading is an entry in the audit log.
        """
        if not self.policy.words_in_turns:
            return None
        found = await self.recording(session_id, before.recording if before else None)
        if found is None:
            return None
        if before is None:
            await self.note(session_id, VISITOR, "words")
        return await asyncio.to_thread(sound.script, found, before)

    async def begin(self, session_id: str, by: str) -> Ticket:
        """Note who listens, and return where; refuses with 403 and 404."""
        if not self.permitted:
            raise HTTPException(403, OFF)
        if await self._refused(session_id):
            raise HTTPException(403, REFUSED)
        recording = await self.recording(session_id)
        found = await asyncio.to_thread(sound.sound, recording) if recording else None
        if found is None:
            raise HTTPException(404, f"there is no recording with sound of session {session_id!r}")
        await self.note(session_id, by, "sound")
        expires_s = int(time.time()) + TICKET_S
        ticket = self._signed(f"{session_id}~{expires_s}~{found.start_ms}~{found.rate_hz}")
        self._keep(ticket, found)
        return Ticket(url=f"/api/listen/{ticket}", **times(found).model_dump())

    async def note(self, session_id: str, by: str, what: str) -> None:
        """Add an entry to the audit log: a recording is read; raises Unavailable."""
        log, detail = audit_log(self.policy), {"what": what}
        await asyncio.to_thread(log.append, "recording read", session_id, by, detail)

    async def opened(self, ticket: str) -> Sound:
        """Return the sound that a ticket opens, as far as it has come; refuses with 403 and 404."""
        session_id, expires_s, start_ms, rate_hz = self._checked(ticket)
        if await self._refused(session_id):
            raise HTTPException(403, REFUSED)
        if expires_s < time.time() or not self.permitted:
            raise HTTPException(403, "what was permitted is over: begin to listen again")
        found = await self._grown(ticket)
        if found is None and (recording := await self.recording(session_id)):
            found = await asyncio.to_thread(sound.sound, recording)
        if found is None:
            raise HTTPException(404, "the recording is not there any more")
        found = replace(found, start_ms=start_ms, rate_hz=rate_hz)
        self._keep(ticket, found)
        return found

    async def _grown(self, ticket: str) -> Sound | None:
        """Return the sound that is open for a ticket, as far as it has come; None where there is none."""
        if (known := self._open.get(ticket)) is None:
            return None
        try:
            return await asyncio.to_thread(known.grown)
        except InputError:  # it has another name since it is whole, or is deleted
            return None

    async def _refused(self, session_id: str) -> bool:
        return (await self.consents.standing(session_id)).refused(self.policy.consent)

    def _keep(self, ticket: str, found: Sound) -> None:
        self._open[ticket] = found
        self._open.move_to_end(ticket)
        if len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)

    def _signed(self, text: str) -> str:
        return f"{text}~{hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()}"

    def _checked(self, ticket: str) -> tuple[str, int, int, int]:
        """Return the session, when the ticket expires, when the sound begins, its rate; refuses with 404."""
        text, _, _ = ticket.rpartition("~")
        if not hmac.compare_digest(ticket.encode(), self._signed(text).encode()):
            raise HTTPException(404, "there is nothing to hear")
        session_id, *numbers = text.split("~")  # a session's id has no tilde
        expires_s, start_ms, rate_hz = map(int, numbers)
        return session_id, expires_s, start_ms, rate_hz


def times(found: Sound) -> Times:
    """Return how far a sound has come."""
    return Times(start_ms=found.start_ms, end_ms=found.end_ms, grows=found.grows)


tickets = APIRouter(prefix="/api/sessions", tags=["listening"], responses=LISTEN)
sounds = APIRouter(prefix="/api/listen", tags=["listening"], responses=LISTEN)


def install(app: FastAPI, listening: Listening) -> None:
    """Add the routes to an application; the ticket is what admits to the sound itself."""
    app.state.listening = listening
    app.include_router(tickets, dependencies=[Depends(guard.require_token(listening.token))])
    app.include_router(sounds)


def _listening(request: Request) -> Listening:
    found: Listening = request.app.state.listening
    return found


Opened = Annotated[Listening, Depends(_listening)]
Signed = Annotated[str, Path(max_length=200)]


@tickets.post("/{sid}/listen", status_code=201)
async def listen(listening: Opened, sid: Sid, asked: Asked) -> Ticket:
    """Begin to listen along; each time is an entry in the audit log."""
    return await listening.begin(sid, asked.by)


@sounds.get("/{ticket}")
async def play(
    listening: Opened,
    ticket: Signed,
    end_ms: Annotated[int | None, Query(description="leave out what is later")] = None,
    asked: Annotated[str | None, Header(alias="Range")] = None,
) -> StreamingResponse:
    """Return the sound of a call as far as it has come, or a range of its bytes."""
    found = await listening.opened(ticket)
    found = found if end_ms is None else found.until(end_ms)
    first, last = _range(asked, found.size)
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(last + 1 - first)}
    if asked:
        headers["Content-Range"] = f"bytes {first}-{last}/{found.size}"
    status = 206 if asked else 200
    return StreamingResponse(found.read(first, last), status, headers, media_type="audio/wav")


@sounds.get("/{ticket}/times")
async def how_far(listening: Opened, ticket: Signed) -> Times:
    """Return from when to when the sound is there by now."""
    return times(await listening.opened(ticket))


@sounds.get("/{ticket}/part", response_class=Response)
async def part(listening: Opened, ticket: Signed, from_ms: Annotated[int, Query(ge=0)]) -> Response:
    """Return the next ten seconds at most as a fragmented MP4 with FLAC; 204 where there is nothing yet."""
    found = await listening.opened(ticket)
    samples = await asyncio.to_thread(found.block, max(from_ms, found.start_ms))
    if not len(samples):
        return Response(status_code=204)
    return Response(await asyncio.to_thread(sound.mp4, samples, found.rate_hz), media_type="audio/mp4")


def _range(asked: str | None, size: int) -> tuple[int, int]:
    """Return the first and the last byte of a range as a browser asks for it; refuses with 416."""
    if asked is None:
        return 0, size - 1
    found = RANGE.fullmatch(asked.strip())
    first, last = found.groups() if found else ("", "")
    from_byte = int(first) if first else max(0, size - int(last or 0))
    to_byte = min(int(last), size - 1) if first and last else size - 1
    if from_byte > to_byte:
        raise HTTPException(416, f"the sound has {size} bytes", {"Content-Range": f"bytes */{size}"})
    return from_byte, to_byte
