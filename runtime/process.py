"""The life of a process: signals become an event, errors exit codes; children end with their parent."""

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable

import structlog

from affectstream.runtime.log import configure
from affectstream.runtime.settings import load
from affectstream.schemas.errors import AffectError

log = structlog.get_logger(__name__)

Stop = asyncio.Event
SIGNALS = (signal.SIGTERM, signal.SIGINT)
CRASHED = 1
REFUSED = 2  # a fault that the user can mend
LONGEST_STOP_S = 45.0  # after the signal: longer than supervisors wait before they kill
PR_SET_PDEATHSIG = 1  # prctl's
RESTART = 75  # EX_TEMPFAIL of sysexits.h: a new process will do, see runtime.watchdog


def run(main: Callable[[Stop], Awaitable[None]], **process: str) -> None:
    """Run ``main`` until it returns; the first SIGTERM or SIGINT sets its event, a second one ends all.

    Nobody ends a process whose supervisor was killed: it ends by itself `LONGEST_STOP_S` after the signal,
    whatever it waits for, as a broker that is gone. What it has not committed is read again.
    ``process`` names the process in its log lines. Leaves by SystemExit: 2 with one line on standard error
    for an AffectError, 1 with the trace in the log for a crash.
    """
    try:
        configure(load().log, **process)
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(_until_stopped(main))
    except AffectError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(REFUSED) from None
    except Exception:
        log.exception("crashed")
        raise SystemExit(CRASHED) from None


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop, of uvloop where that exists for the system."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _until_stopped(main: Callable[[Stop], Awaitable[None]]) -> None:
    stop = Stop()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)
        log.info("stopping", signal=number.name)
        limit = threading.Timer(LONGEST_STOP_S, _give_up, (number,))
        limit.daemon = True
        limit.start()
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    try:
        await main(stop)
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def _give_up(number: signal.Signals) -> None:
    log.critical("not_stopped", within_s=LONGEST_STOP_S)
    sys.stderr.flush()
    os._exit(128 + number)


def free_port() -> int:
    """Return a port on the loopback that nothing listens on, for a process that this one starts.

    On Linux it stays reserved until this process ends: the system gives it to nobody else who asks for any
    port. Who asks for it by number, with SO_REUSEADDR as servers do, may listen there, end and come back.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        if sys.platform == "linux":
            probe.detach()  # it stays bound, and does not listen
        return port


def confine(memory_bytes: int, file_bytes: int) -> None:
    """Bound what this process may take: for one that decodes what strangers send.

    Beyond ``memory_bytes`` of its own an allocation fails, as MemoryError or the library's own error; a file
    that it writes ends at ``file_bytes``; it leaves no dump of its memory.
    """
    limits = {resource.RLIMIT_DATA: memory_bytes, resource.RLIMIT_FSIZE: file_bytes, resource.RLIMIT_CORE: 0}
    for what, most in limits.items():
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when the thread that started it ends; Linux only."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
