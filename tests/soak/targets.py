"""What is fed with hostile input: the codec, the gateway's protocols, transcripts, pictures and recordings.

A target's ``attempt`` takes one input and says whether it was accepted. It may refuse with an error of the
project's own (AffectError); whatever else it raises is a finding.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from soak import seeds
from soak.mutation import SEPARATOR
from support import audiohook as client

from affectstream.producers.gateway.audiohook import AudioHook, Upgrade
from affectstream.producers.gateway.audiosocket import AudioSocket
from affectstream.producers.gateway.call import Call
from affectstream.producers.gateway.call_plan import CallPlan, OneChannel
from affectstream.producers.gateway.events import (
    Audio,
    Fault,
    Paused,
    Picture,
    Refused,
    Resumed,
    Words,
)
from affectstream.producers.gateway.plain import Plain
from affectstream.producers.gateway.twilio import Twilio
from affectstream.producers.transcripts import load
from affectstream.runtime.kafka.publisher import topic_of
from affectstream.runtime.log import notice
from affectstream.schemas import codec, observations
from affectstream.schemas.errors import MessageError
from affectstream.schemas.messages import Observations
from affectstream.schemas.topics import ALL, PROBABILITIES

LARGEST = max(topic.max_bytes for topic in ALL)
TIMES_MS = 1_700_000_000_000
MOST_MESSAGES = 2_000  # of a call, of one input


@dataclass(frozen=True)
class Target:
    """One entrance, sound inputs for it, and how many hostile ones a soak feeds it."""

    name: str
    seeds: Callable[[], Sequence[bytes]]
    attempt: Callable[[bytes], bool]
    inputs: int
    fed_by: tuple[str, ...] = ("mutation",)  # and hypothesis, atheris
    largest_mb: int = 1_024  # of memory that the process may take


# messages


def _decode(data: bytes) -> bool:
    message = codec.decode(data, LARGEST)
    assert codec.decode(codec.encode(message), LARGEST) == message
    return True


def _read_observations(data: bytes) -> bool:
    """Read a record beside a sound one, which it must not harm; both readers must judge alike."""
    sound, found = observations.read([seeds.observed()[0], data])
    assert not isinstance(sound, MessageError)
    try:
        judged = isinstance(codec.decode(data, PROBABILITIES.max_bytes), Observations)
    except MessageError:
        judged = False
    accepted = not isinstance(found, MessageError)
    assert accepted == judged
    return accepted


# the gateway


def _conversation(data: bytes) -> Iterator[str | bytes]:
    """Yield the messages of an input: text after a T, else bytes."""
    for message in data.split(SEPARATOR):
        yield message[1:].decode("utf-8", "replace") if message[:1] == b"T" else message[1:]


def _spoken(make: Callable[[], Any], data: bytes) -> bool:
    """Hold a conversation, and make messages of it as the gateway does."""
    protocol, sent = make(), 0
    plan = CallPlan("call", TIMES_MS, parties=("customer", "agent"), video=("customer",), words=("customer",))
    call = Call(plan)
    try:
        for message in _conversation(data):
            for event in protocol.receive(message):
                if isinstance(event, Refused):
                    return False
                if isinstance(event, Audio | Picture | Words | Paused | Resumed):
                    sent += _sent(call.messages(event))
        sent += _sent(call.finish())
    except Fault:
        return False
    return sent > 0


def _sent(messages: Any) -> int:
    count = 0
    for count, message in enumerate(messages, 1):
        assert len(codec.encode(message)) <= topic_of(message).max_bytes
        if count >= MOST_MESSAGES:
            break
    return count


class _Hook:
    """An AudioHook whose open is answered as the gateway does."""

    def __init__(self) -> None:
        self._hook = AudioHook(
            Upgrade(client.ORGANIZATION, client.SESSION), client.PARTIES, client.BOTH, lambda: 0.0
        )
        self._admitted = False

    def receive(self, data: str | bytes) -> list[Any]:
        events = list(self._hook.receive(data))
        if not self._admitted and any(type(event).__name__ == "Started" for event in events):
            self._admitted = True
            events += self._hook.admitted("session", None)
        return events


# files


@cache
def _folder() -> TemporaryDirectory[str]:
    memory = Path("/dev/shm")
    return TemporaryDirectory(prefix="soak-", dir=memory if memory.is_dir() else None)


def written(data: bytes, suffix: str) -> Path:
    """Return a file of the input."""
    path = Path(_folder().name) / f"input{suffix}"
    path.write_bytes(data)
    return path


def _transcript(data: bytes) -> bool:
    notice.cache_clear()
    named = {b"{": ".json", b"[": ".json", b"W": ".vtt"}.get(data[:1], ".srt")
    suffix = named if len(data) % 2 else ".txt"
    return bool(load(written(data, suffix), until_ms=20_000))


def all_targets() -> dict[str, Target]:
    """Return the targets by name."""
    from soak import media

    python = ("mutation", "hypothesis", "atheris")
    hook = partial(_spoken, _Hook)
    parties: Any = {"inbound": "customer", "outbound": "agent"}
    twilio = partial(Twilio, parties, OneChannel("customer"))  # one of the seeds names no track
    return {
        target.name: target
        for target in (
            Target("codec", seeds.golden, _decode, 420_000, python),
            Target("observations", seeds.observed, _read_observations, 100_000, python),
            Target("plain", seeds.plain, partial(_spoken, Plain), 30_000, python),
            Target("twilio", seeds.twilio, partial(_spoken, twilio), 180_000, python),
            Target("audiohook", seeds.audiohook, hook, 50_000, python),
            Target(
                "audiosocket",
                seeds.audiosocket,
                partial(_spoken, partial(AudioSocket, "customer")),
                80_000,
                ("mutation", "atheris"),
            ),
            Target("transcripts", seeds.transcript, _transcript, 80_000, python),
            *media.targets(),
        )
    }
