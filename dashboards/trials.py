"""Trials of the models on uploads, by a process of its own that loads the models when first asked."""

import asyncio
import os
import struct
import sys
from contextlib import suppress
from typing import Annotated, Any, Literal

import msgpack
from fastapi import APIRouter, Depends, File, Form, HTTPException, Request, UploadFile
from pydantic import Field

from affectstream.dashboards.limits import UPLOAD_BYTES
from affectstream.dashboards.responses import Label, Problem, ResponseModel, Share
from affectstream.dashboards.routes import DATA
from affectstream.schemas.messages import Modality

COMMAND = (sys.executable, "-m", "affectstream.trial")
LIMIT_S = 120.0  # of one trial, the first of which loads the models
WAITING = 4  # trials at most, the one under way included
IDLE_S = 600.0  # after which the process ends: the models take a gigabyte
SECRET = (
    "AFFECT_API",
    "AFFECT_GATEWAY",
    "AFFECT_KAFKA",
    "AFFECT_POLICY",
    "AFFECT_REDIS",
)  # none of its business
LENGTH = struct.Struct(">I")

Kind = Literal["face", "voice", "text", "fused"]
Named = dict[str, float]


class ModalityTrial(ResponseModel):
    """What one modality alone brings."""

    probabilities: Named | None = Field(description="by emotion; null where it has nothing to read")
    label: Label
    weight: Share = Field(description="mean share of the fused probabilities")
    reason: str | None = Field(description="why it has nothing to read", examples=["no_face"])


class Box(ResponseModel):
    """A face in the picture, as shares of its width and height."""

    left: Share
    top: Share
    width: Share
    height: Share


class Trial(ResponseModel):
    """What the models make of an upload: means over its windows of a second."""

    kind: Kind
    windows: int = Field(description="how many")
    modalities: dict[Modality, ModalityTrial] = Field(description="by name; those that the upload may have")
    probabilities: Named | None = Field(description="fused, by emotion")
    label: Label
    confidence: Share = Field(description="mean over the windows with evidence")
    disagreement: Share
    sentence: str = Field(
        description="what that is based on",
        examples=["cues consistent with happy 0.71: face happy (weight 1.00)"],
    )
    face: Box | None = Field(description="the largest, in the first picture with one")
    models: list[str] = Field(description="those behind it")


class Trials:
    """The process, started when first asked, and those who wait for it."""

    def __init__(self, command: tuple[str, ...] = COMMAND, limit_s: float = LIMIT_S) -> None:
        self._command, self._limit_s = command, limit_s
        self._process: asyncio.subprocess.Process | None = None
        self._one = asyncio.Lock()
        self._waiting = 0
        self._idle: asyncio.TimerHandle | None = None

    async def ask(self, kind: Kind, data: bytes, text: str = "") -> dict[str, Any]:
        """Return the answer; raises HTTPException: 422 for a bad upload, 503 where it cannot be tried now."""
        if self._waiting >= WAITING:
            raise HTTPException(503, "too many trials at once; try again shortly", {"Retry-After": "10"})
        self._waiting += 1
        try:
            async with self._one:
                answer = await self._asked({"kind": kind, "data": data, "text": text})
        finally:
            self._waiting -= 1
        if "status" in answer:
            raise HTTPException(answer["status"], answer["detail"])
        return answer

    async def aclose(self) -> None:
        """End the process."""
        if self._idle:
            self._idle.cancel()
        process, self._process = self._process, None
        if process and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._exchange(msgpack.packb(request))
        except TimeoutError:
            await self.aclose()
            raise HTTPException(503, f"it took longer than {self._limit_s:g} s; send less") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            await self.aclose()
            raise HTTPException(503, "the trial's process ended; see the log of the API") from None
        except asyncio.CancelledError:
            await self.aclose()  # its answer would be taken for that of the next one
            raise

    async def _exchange(self, packed: bytes) -> dict[str, Any]:
        process = await self._running()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(LENGTH.pack(len(packed)) + packed)
        await process.stdin.drain()
        (size,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        answer: dict[str, Any] = msgpack.unpackb(await process.stdout.readexactly(size))
        return answer

    async def _running(self) -> asyncio.subprocess.Process:
        if self._idle:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(IDLE_S + self._limit_s, lambda: loop.create_task(self.aclose()))
        if self._process is None or self._process.returncode is not None:
            pipe = asyncio.subprocess.PIPE
            env = {name: value for name, value in os.environ.items() if not name.startswith(SECRET)}
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=pipe, stdout=pipe, env=env
            )
        return self._process


def _trials(request: Request) -> Trials:
    trials: Trials = request.app.state.trials
    return trials


Ask = Annotated[Trials, Depends(_trials)]
Upload = Annotated[UploadFile, File(description="at most 32 MiB, two minutes of a recording")]
Text = Annotated[str, Form(max_length=2_000, description="in English")]
TRIED = DATA | {
    413: {"model": Problem, "description": "an upload of more than 32 MiB"},
    503: {"model": Problem, "description": "not now: busy, too slow, or a package is not installed"},
}

trying = APIRouter(prefix="/api/try", tags=["try"])


@trying.post("/text", responses=TRIED)
async def text(trials: Ask, text: Text) -> Trial:
    """Try a sentence."""
    return Trial.model_validate(await trials.ask("text", b"", text))


@trying.post("/face", responses=TRIED, max_body_size=UPLOAD_BYTES)
async def face(trials: Ask, file: Upload, text: Text = "") -> Trial:
    """Try a picture, JPEG, PNG or WebP, and its caption."""
    return Trial.model_validate(await trials.ask("face", await file.read(), text))


@trying.post("/voice", responses=TRIED, max_body_size=UPLOAD_BYTES)
async def voice(trials: Ask, file: Upload) -> Trial:
    """Try the voice of a recording."""
    return Trial.model_validate(await trials.ask("voice", await file.read()))


@trying.post("/fused", responses=TRIED, max_body_size=UPLOAD_BYTES)
async def fused(trials: Ask, file: Upload, text: Text = "") -> Trial:
    """Try a recording of sound, pictures or both, and a sentence said in its first five seconds."""
    return Trial.model_validate(await trials.ask("fused", await file.read(), text))
