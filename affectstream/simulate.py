"""The command `simulate`: a recording streamed to the gateway as a telephony platform would."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from affectstream import gateway as gateways
from affectstream.schemas.errors import AffectError, InputError

if TYPE_CHECKING:
    from affectstream.producers.gateway.simulators import Pcm

app = typer.Typer()
out = Console()

Recording = Annotated[
    Path, typer.Argument(metavar="FILE", help="a recording; of two channels, the first is the customer")
]
Url = Annotated[str | None, typer.Option(help="default: the gateway of the settings")]
Calls = Annotated[int, typer.Option(min=1, max=1000, help="how many at once")]
Speed = Annotated[float, typer.Option(min=0.01, max=1000, help="times real time")]
CallId = Annotated[str | None, typer.Option(help="the platform's id; default: drawn", show_default=False)]


@app.command()
def twilio(
    file: Recording,
    url: Url = None,
    calls: Calls = 1,
    speed: Speed = 1.0,
    call_id: CallId = None,
) -> None:
    """Stream a call as Twilio Media Streams does: mu-law, both tracks, signed by the settings' token."""
    from affectstream.producers.gateway import streaming
    from affectstream.producers.gateway.simulators import twilio as messages
    from affectstream.runtime.settings import load

    settings = load()
    tracks = dict(zip(("inbound", "outbound"), _channels(file), strict=False))
    ids = _ids(call_id, calls, lambda: f"CA{uuid.uuid4().hex}")

    async def one(name: str) -> None:
        headers = gateways.twilio_headers(settings.gateway, "/twilio")
        await streaming.websocket(
            url or gateways.address(settings.gateway, "/twilio"),
            headers,
            messages(name, tracks, gateways.token(settings.gateway)),
            speed,
        )

    _run(ids, one)


@app.command()
def browser(
    file: Recording,
    url: Url = None,
    calls: Calls = 1,
    speed: Speed = 1.0,
    call_id: CallId = None,
) -> None:
    """Stream the picture and the sound of one party by the plain WebSocket, as a page in a browser could."""
    from affectstream.producers.gateway import streaming
    from affectstream.producers.gateway.simulators import browser as messages
    from affectstream.producers.gateway.simulators import recording
    from affectstream.runtime.settings import load

    settings = load()
    if len(recording(file)[1]) > 1:
        raise InputError(f"{file}: it has several channels; a browser sends one microphone")
    ids = _ids(call_id, calls, lambda: f"page-{uuid.uuid4().hex}")

    async def one(name: str) -> None:
        stream = messages(name, file, settings.producer, gateways.token(settings.gateway))
        await streaming.websocket(url or gateways.address(settings.gateway, "/stream"), {}, stream, speed)

    _run(ids, one)


@app.command()
def words(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a transcript with times, of the same call")],
    call_id: Annotated[str, typer.Option(help="the id of the call that goes on")],
    url: Url = None,
    speed: Speed = 1.0,
    party: Annotated[str, typer.Option(help="whose words: customer, agent or other")] = "customer",
    speaker: Annotated[
        str | None, typer.Option(help="of the transcript; default: all", show_default=False)
    ] = None,
) -> None:
    """Stream a transcript beside a call as a recogniser does: partial and final results."""
    from affectstream.producers import transcripts
    from affectstream.producers.gateway import streaming
    from affectstream.producers.gateway.simulators import words as results
    from affectstream.runtime.settings import load
    from affectstream.schemas.messages import PARTIES

    if party not in PARTIES:
        raise InputError(f"--party {party}: {', '.join(PARTIES)}")
    spoken = transcripts.load(file, [speaker] if speaker else [])
    if speaker:
        spoken = tuple(each for each in spoken if (each.speaker or "").casefold() == speaker.casefold())
    if not spoken:
        raise InputError(f"{file}: no words{f' of a speaker {speaker}' if speaker else ''} in it")
    settings = load()

    async def one(name: str) -> None:
        start = {
            "call_id": name,
            "token": gateways.token(settings.gateway),
            "tracks": [{"party": party, "encoding": "words"}],
        }
        await streaming.words(
            url or gateways.address(settings.gateway, "/words"), start, results(spoken), speed
        )

    _run([call_id], one)


@app.command()
def audiosocket(
    file: Recording,
    address: Annotated[
        str | None, typer.Option(help="HOST:PORT; default: the gateway of the settings", show_default=False)
    ] = None,
    calls: Calls = 1,
    speed: Speed = 1.0,
    call_id: CallId = None,
    rate: Annotated[int | None, typer.Option(help="Hz; default: the file's", show_default=False)] = None,
    channel: Annotated[int, typer.Option(min=0, help="which one is streamed")] = 0,
) -> None:
    """Stream one channel of a recording as Asterisk's AudioSocket does: TCP, linear PCM."""
    from affectstream.producers.gateway import streaming
    from affectstream.producers.gateway.simulators import SLIN_KINDS, recording
    from affectstream.producers.gateway.simulators import audiosocket as messages
    from affectstream.runtime.settings import load

    gateway = load().gateway
    rate_hz, lanes = recording(file, rate)
    if rate_hz not in SLIN_KINDS:
        raise InputError(f"AudioSocket has no {rate_hz} Hz; give --rate {', '.join(map(str, SLIN_KINDS))}")
    if channel >= len(lanes):
        raise InputError(f"{file}: no channel {channel}; it has {len(lanes)}, from 0")
    host, port = _address(address or f"{gateway.audiosocket_host}:{gateway.audiosocket_port}")
    ids = _ids(call_id, calls, lambda: str(uuid.uuid4()))

    async def one(name: str) -> None:
        await streaming.tcp(host, port, messages(_uuid(name), lanes[channel], rate_hz), speed)

    _run(ids, one)


@app.command()
def audiohook(
    file: Recording,
    url: Url = None,
    calls: Calls = 1,
    speed: Speed = 1.0,
    call_id: CallId = None,
    emotions: Annotated[
        bool, typer.Option("--emotions", help="ask for the fused emotions; print them")
    ] = False,
) -> None:
    """Stream a call as Genesys AudioHook does: mu-law, both channels, signed by the settings' secret."""
    from affectstream.producers.gateway import streaming
    from affectstream.producers.gateway.audiohook_client import AudioHookClient, Identity, headers
    from affectstream.runtime.settings import load

    gateway, lanes = (settings := load()).gateway, _channels(file)
    ids = [str(_uuid(name)) for name in _ids(call_id, calls, lambda: str(uuid.uuid4()))]
    key, secret = (gateways.text(each) for each in (gateway.audiohook_key, gateway.audiohook_secret))
    to = url or gateways.address(settings.gateway, "/audiohook")
    signed_url = f"{gateway.public_url}/audiohook" if gateway.public_url and url is None else to

    def show(entity: Mapping[str, object]) -> None:
        out.print_json(data=entity, indent=None)

    async def one(name: str) -> None:
        client = AudioHookClient(Identity(str(uuid.uuid4()), name), lanes, emotions, show)
        await streaming.session(to, lambda who: headers(signed_url, who, key, secret), client, speed)

    _run(ids, one)


def _channels(file: Path) -> "Sequence[Pcm]":
    """Return the sound of one or two parties at the rate of telephones; raises InputError."""
    from affectstream.producers.gateway.simulators import TELEPHONE_HZ, recording

    _, lanes = recording(file, TELEPHONE_HZ)
    if len(lanes) > 2:
        raise InputError(f"{file}: it has {len(lanes)} channels; a call has one or two")
    return lanes


def _run(ids: list[str], one: Callable[[str], Awaitable[None]]) -> None:
    """Stream all calls at once; raises the first failure once all are over."""

    async def all_of_them() -> list[BaseException | None]:
        return await asyncio.gather(*map(one, ids), return_exceptions=True)

    failed = [error for error in asyncio.run(all_of_them()) if error is not None]
    out.print(f"{len(ids) - len(failed)} of {len(ids)} calls streamed", highlight=False)
    for name in ids[:10]:
        out.print(f"  {name}", highlight=False)
    for error in failed:
        if not isinstance(error, AffectError):
            raise error
    if failed:
        raise failed[0]


def _ids(call_id: str | None, calls: int, draw: Callable[[], str]) -> list[str]:
    if call_id is not None and calls > 1:
        raise InputError("--call-id names one call; leave it out where --calls is above 1")
    return [call_id] if call_id is not None else [draw() for _ in range(calls)]


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InputError(f"--call-id {text}: this protocol names a call by a UUID") from None


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(f"--address {text}: HOST:PORT, as in 127.0.0.1:8361")
    return host.strip("[]"), int(port)
