"""The terminal: streams that print every character somehow, and the lines for errors and warnings."""

import os
import re
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from threading import Thread
from typing import Any, NoReturn

KEY = re.compile("\x1b\\[.|.", re.DOTALL)


def tolerate_any_encoding() -> None:
    """Let standard output and error print what their encoding lacks as an escape, never as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def can_print(text: str) -> bool:
    """Say whether the encoding of standard output has all characters of ``text``."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def print_error(error: str) -> None:
    """Print an error as it is: the square brackets in it are no markup."""
    _print_line("error", "bold red", error)


def print_warning(text: str) -> None:
    """Print a warning as it is."""
    _print_line("warning", "bold yellow", text)


def print_warnings() -> None:
    """Print what the log warns of as lines for a user, until the process logs otherwise."""
    import structlog

    structlog.configure(processors=[_print_event], cache_logger_on_first_use=False)


def _print_event(_: Any, level: str, event: MutableMapping[str, Any]) -> NoReturn:
    """Print a warning, with its sentence where it has one; ends the chain of processors."""
    import structlog

    if level in ("warning", "error", "critical"):
        name, notice = event.pop("event"), event.pop("notice", None)
        file = event.pop("file", None)
        rest = notice or " ".join([str(name), *(f"{key}={value}" for key, value in event.items())])
        print_warning(f"{file}: {rest}" if file else rest)
    raise structlog.DropEvent


def _print_line(kind: str, style: str, text: str) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print(Text.assemble((f"{kind}:", style), f" {text}"), soft_wrap=True)


@contextmanager
def keys(handle: Callable[[str], None]) -> Iterator[None]:
    """Hand keys to ``handle``, those typed before too; an arrow as an escape sequence. Only at a terminal."""
    try:
        import termios
        import tty
    except ImportError:  # no terminal of this kind on the system
        yield
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield
        return
    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)
    tty.setcbreak(file, termios.TCSADRAIN)
    wake, closed = os.pipe()
    reader = Thread(target=_read_keys, args=(file, wake, handle), daemon=True)
    reader.start()
    try:
        yield
    finally:
        os.close(closed)
        reader.join()
        os.close(wake)
        termios.tcsetattr(file, termios.TCSADRAIN, before)


def _read_keys(file: int, wake: int, handle: Callable[[str], None]) -> None:
    """Read keys until the other end of ``wake`` is closed."""
    from select import select

    while True:
        ready, _, _ = select([file, wake], [], [])
        if wake in ready:
            return
        for key in KEY.findall(os.read(file, 64).decode(errors="replace")):
            handle(key)
