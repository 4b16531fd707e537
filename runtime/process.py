"""The life of a process: signals become an event, errors exit codes; children end with their parent."""

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import socket
import sys
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
PR_SET_PDEATHSIG = 1  # prctl's
RESTART = 75  # EX_TEMPFAIL of sysexits.h: a new process will do, see runtime.watchdog


def run(main: Callable[[Stop], Awaitable[None]], **process: str) -> None:
    """Run ``main`` until it returns; the first SIGTERM or SIGINT sets its event, a second one ends all.

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
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    try:
        await main(stop)
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def free_port() -> int:
    """Return a port on the loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
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
