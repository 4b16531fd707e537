"""The process of the gateway: ``python -m affectstream.producers.gateway``, or `affectstream gateway`."""

import asyncio
import gc
import ssl
import time
from contextlib import AsyncExitStack

import structlog

from affectstream.producers.gateway.admission import Places, Tokens
from affectstream.producers.gateway.feedback import Feedback
from affectstream.producers.gateway.gate import Gate, measured
from affectstream.producers.gateway.handover import Handing
from affectstream.producers.gateway.orphans import Orphans
from affectstream.producers.gateway.permission import permission
from affectstream.producers.gateway.server import AudioSocketServer, routes
from affectstream.producers.gateway.websocket_server import WebSocketServer
from affectstream.producers.runs import new_run
from affectstream.producers.session_ids import SessionIds
from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.handovers import Handovers
from affectstream.runtime.health import Health
from affectstream.runtime.journal import Journal
from affectstream.runtime.kafka import topics
from affectstream.runtime.kafka.gathering import GatheringPublisher
from affectstream.runtime.process import Stop, run
from affectstream.runtime.settings import GatewaySettings, Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import SettingsError, Unavailable
from affectstream.schemas.topics import KIB

RECONNECT_S = 5.0  # for platforms that go on with a call elsewhere once they are told to
ELSEWHERE_S = 3.0  # for another process to ask for a call whose platform has left this one
BATCH_BYTES = 512 * KIB  # of sound for one partition
GARBAGE = 50_000  # objects between two collections: frames make thousands a second, and no cycles
DRAIN_S = 20  # how long calls may take to end once the process is told to stop

log = structlog.get_logger(__name__)


async def serve(settings: Settings, stop: Stop) -> None:
    """Take calls in until ``stop``; then refuse new ones and end those that are streamed in.

    Raises Unavailable at once where the topics are absent.
    """
    gateway = settings.gateway
    token = gateway.token.get_secret_value() if gateway.token else None
    key = gateway.session_key.get_secret_value() if gateway.session_key else None
    await topics.check(settings.kafka)
    async with AsyncExitStack() as exits:
        store = await exits.enter_async_context(FusedStore(settings.redis, patient=True))
        publisher = await exits.enter_async_context(GatheringPublisher(settings.kafka, BATCH_BYTES))
        gate = Gate(
            settings,
            measured(publisher.send, wall_ms),
            Places(gateway.max_calls, new_run),
            SessionIds(key),
            Tokens(token, time.time) if token else None,
            wall_ms,
            store,
            stop,
            feedback := Feedback(store),
            await permission(exits, settings),
            handovers := await exits.enter_async_context(Handovers(settings.redis)),
            journal := await exits.enter_async_context(Journal(settings.redis)),
        )
        exits.callback(asyncio.create_task(Orphans(gate, journal).run()).cancel)
        exits.callback(asyncio.create_task(Handing(gate, handovers).run()).cancel)
        exits.callback(asyncio.create_task(feedback.run()).cancel)
        audiosocket = AudioSocketServer(gate)
        await _audiosocket(exits, audiosocket, gateway)
        websockets = WebSocketServer(routes(gate))
        await _listening(exits, websockets, gateway)
        checks = {"places": lambda: gate.places.streams < gateway.max_calls}
        await exits.enter_async_context(Health(gateway.health_port, checks, gateway.health_host))
        await stop.wait()
        await gate.streams.left(RECONNECT_S)
        await asyncio.gather(websockets.drain(DRAIN_S), audiosocket.drain(DRAIN_S))
        await gate.streams.taken(ELSEWHERE_S)
        await gate.streams.drain()


def tls(gateway: GatewaySettings) -> ssl.SSLContext | None:
    """Return what the settings make of TLS, None for a proxy's; raises SettingsError."""
    if gateway.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(gateway.tls_certificate, gateway.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"gateway.tls_certificate or gateway.tls_key cannot be used: {error}") from None
    return context


async def _listening(exits: AsyncExitStack, websockets: WebSocketServer, gateway: GatewaySettings) -> None:
    try:
        server = await websockets.listen(gateway.host, gateway.port, tls(gateway))
    except OSError:
        raise Unavailable(_cannot_listen(gateway.host, gateway.port, "gateway.port")) from None
    exits.callback(server.close)


async def _audiosocket(exits: AsyncExitStack, asterisk: AudioSocketServer, gateway: GatewaySettings) -> None:
    if not gateway.audiosocket_port:
        return
    host, port = gateway.audiosocket_host, gateway.audiosocket_port
    try:
        server = await asterisk.listen(host, port)
    except OSError:
        raise Unavailable(_cannot_listen(host, port, "gateway.audiosocket_port")) from None
    exits.callback(server.close)


def _cannot_listen(host: str, port: int, setting: str) -> str:
    return f"cannot listen on {host} port {port}; choose another {setting}"


def main() -> None:
    """Run the process."""
    gc.set_threshold(GARBAGE)
    run(lambda stop: serve(load(), stop), producer="gateway")


if __name__ == "__main__":
    main()
