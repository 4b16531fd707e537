"""A session's messages from a process of their own: decoding and models share no lock of Python's.

The process is ``python -m affectstream.decoding``. It reads a plan as JSON from standard input and writes
records to standard output: messages as they are encoded for the topics, notices for the user, one error.
"""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from affectstream.schemas import errors

if TYPE_CHECKING:
    from affectstream.producers.session import SessionMessage, SessionPlan

Decode = Callable[["SessionPlan"], "Iterator[SessionMessage]"]

HEAD = struct.Struct("<cI")  # kind and length of a record
MESSAGE, NOTICE, ERROR, END = b"m", b"n", b"e", b"."
PIPE_BYTES = 1 << 20  # Linux's default of 64 KiB holds three frames


@contextmanager
def decoder() -> Iterator[Decode]:
    """Begin the process, and yield what decodes one session with it, as ``producers.session.messages`` does.

    It imports what it needs while the caller still plans, and is killed with the context; an interrupt at the
    terminal reaches the caller alone. The caller has checked the plan, and told of what that finds; what is
    found on decoding is told of here. What the session raises there is raised here, and Unavailable where the
    process dies.
    """
    from affectstream.runtime.process import die_with_parent

    with subprocess.Popen(
        [sys.executable, "-P", "-m", __name__],  # -P: modules of the user's folder are not ours
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=die_with_parent,
    ) as child:
        assert child.stdin and child.stdout
        given, records = child.stdin, child.stdout
        with suppress(ImportError, AttributeError, OSError):  # elsewhere than on Linux it stays narrow
            import fcntl

            fcntl.fcntl(records.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        try:
            yield lambda plan: _decoded(plan, given, records)
        finally:
            child.kill()


def _decoded(plan: "SessionPlan", given: IO[bytes], records: IO[bytes]) -> "Iterator[SessionMessage]":
    from affectstream.runtime.log import notice
    from affectstream.schemas.codec import decode

    with suppress(BrokenPipeError), given:
        given.write(json.dumps(_plans().dump_python(plan, mode="json")).encode())
    while (record := _read(records))[0] != END:
        kind, body = record
        if kind == MESSAGE:
            message: Any = decode(body, len(body))
            yield message
        elif kind == NOTICE:
            file, text = json.loads(body)
            notice(Path(file), text)
        else:
            name, text = json.loads(body)
            raise getattr(errors, name)(text)


def _plans() -> Any:
    from pydantic import TypeAdapter

    from affectstream.producers.session import SessionPlan

    return TypeAdapter(SessionPlan)


def _read(records: IO[bytes]) -> tuple[bytes, bytes]:
    head = records.read(HEAD.size)
    if len(head) == HEAD.size:
        kind, length = HEAD.unpack(head)
        if len(body := records.read(length)) == length:
            return kind, body
    raise errors.Unavailable("the process that decodes the recording died; is there memory left?")


def main() -> None:
    """Decode the session of the plan on standard input."""
    import structlog

    from affectstream.producers.session import messages
    from affectstream.schemas.codec import encode

    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)  # what a library prints is no record

        def write(kind: bytes, body: bytes = b"") -> None:
            output.write(HEAD.pack(kind, len(body)) + body)

        def forward(_: Any, __: str, event: MutableMapping[str, Any]) -> NoReturn:
            if begun and "notice" in event:
                write(NOTICE, json.dumps([event["file"], event["notice"]]).encode())
            raise structlog.DropEvent

        begun = False
        structlog.configure(processors=[forward])
        if not (plan := sys.stdin.buffer.read()):
            return
        try:
            stream = messages(_plans().validate_python(json.loads(plan)))
            begun = True
            for message in stream:
                write(MESSAGE, encode(message))
            write(END)
        except errors.AffectError as error:
            write(ERROR, json.dumps([type(error).__name__, str(error)]).encode())


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # the one who began this process is gone
        main()
