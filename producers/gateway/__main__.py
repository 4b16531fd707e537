"""The process of the gateway: ``python -m affectstream.producers.gateway``, or `affectstream gateway`."""

import asyncio
import ssl
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import structlog
import uvicorn

from affectstream.producers.gateway.admission import Places, SessionIds, Tokens
from affectstream.producers.gateway.feedback import Feedback
from affectstream.producers.gateway.gate import Gate
from affectstream.producers.gateway.server import AudioSocketServer, application
from affectstream.producers.runs import new_run
from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.health import Health
from affectstream.runtime.kafka import Publisher, topics
from affectstream.runtime.process import Stop, run
from affectstream.runtime.settings import GatewaySettings, Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import SettingsError, Unavailable

RECONNECT_S = 5.0  # for platforms that go on with a call elsewhere once they are told to
DRAIN_S = 20  # how long calls may take to end once the process is told to stop
LARGEST_MESSAGE = 1 << 20  # bytes of a WebSocket message

log = structlog.get_logger(__name__)


class Server(uvicorn.Server):  # type: ignore[misc]  # the package is skipped by the type checker
    """A server that leaves the signals to ``affectstream.runtime.process``."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave all signals as they are."""
        yield


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
        publisher = await exits.enter_async_context(Publisher(settings.kafka))
        gate = Gate(
            settings,
            publisher.send,
            Places(gateway.max_calls, new_run),
            SessionIds(key),
            Tokens(token, time.time) if token else None,
            wall_ms,
            store,
            stop,
            feedback := Feedback(store),
        )
        exits.callback(asyncio.create_task(feedback.run()).cancel)
        checks = {"places": lambda: gate.places.streams < gateway.max_calls}
        await exits.enter_async_context(Health(gateway.health_port, checks, gateway.health_host))
        audiosocket = AudioSocketServer(gate)
        await _listening(exits, audiosocket, gateway)
        server = Server(_config(gate))
        serving = asyncio.create_task(server.serve())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        await gate.streams.left(RECONNECT_S)
        server.should_exit = True
        await audiosocket.drain(DRAIN_S)
        try:
            await serving
        except SystemExit:  # how the server reports that it cannot listen
            raise Unavailable(_cannot_listen(gateway.host, gateway.port, "gateway.port")) from None
        finally:
            stopped.cancel()
            await gate.streams.drain()


def _config(gate: Gate) -> uvicorn.Config:
    gateway = gate.settings.gateway
    config = uvicorn.Config(
        application(gate),
        host=gateway.host,
        port=gateway.port,
        ws="websockets-sansio",  # reads no further than the application
        ws_max_size=LARGEST_MESSAGE,
        ws_ping_interval=None,  # its own time-out would close a stream that is slowed down
        log_config=None,
        log_level="warning",  # its lines name clients
        access_log=False,
        server_header=False,
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_S,
        ssl_certfile=gateway.tls_certificate,
        ssl_keyfile=gateway.tls_key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"gateway.tls_certificate or gateway.tls_key cannot be used: {error}") from None
    return config


async def _listening(exits: AsyncExitStack, audiosocket: AudioSocketServer, gateway: GatewaySettings) -> None:
    if not gateway.audiosocket_port:
        return
    host, port = gateway.audiosocket_host, gateway.audiosocket_port
    try:
        server = await audiosocket.listen(host, port)
    except OSError:
        raise Unavailable(_cannot_listen(host, port, "gateway.audiosocket_port")) from None
    exits.callback(server.close)


def _cannot_listen(host: str, port: int, setting: str) -> str:
    return f"cannot listen on {host} port {port}; choose another {setting}"


def main() -> None:
    """Run the process."""
    run(lambda stop: serve(load(), stop), producer="gateway")


if __name__ == "__main__":
    main()
