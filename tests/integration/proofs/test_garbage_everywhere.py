"""Proof: garbage on every topic lands in the dead letters with its reason, and the session goes on."""

import time
from collections import Counter
from collections.abc import Sequence

import msgpack
import pytest
from aiokafka import AIOKafkaProducer
from support.system import System, expected_lines, lines, short_demo

from affectstream.runtime.kafka import Subscriber
from affectstream.schemas.codec import Message, decoder, encode
from affectstream.schemas.messages import DeadLetter, Observations
from affectstream.schemas.topics import CHUNKS, DEAD_LETTERS, FRAMES, PROBABILITIES, TRANSCRIPTS, Topic

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

Kind = tuple[str, str]  # topic, reason
OTHER = "another-session"
SECONDS = 8
WRONG_FIELDS = ({"party": "stranger"}, {"start": "noon"}, {"start": 2**60})
UNDECODABLE = {  # sound messages whose content is none
    FRAMES: ({"jpeg": b""}, {"jpeg": b"no picture"}, {"jpeg": b"\xff\xd8\xff\xe0cut"}),
    CHUNKS: ({"pcm": b""}, {"pcm": b"odd"}),
}


def examples(stream: Sequence[Message]) -> dict[Topic, bytes]:
    """A well-formed record of every input topic, of a session of its own."""
    first = {m.modality: m.model_copy(update={"session_id": OTHER}) for m in reversed(stream)}
    end = next(m for m in reversed(stream) if m.type == "eos").model_copy(update={"session_id": OTHER})
    return {
        FRAMES: encode(first["video"]),
        CHUNKS: encode(first["audio"]),
        TRANSCRIPTS: encode(first["text"]),
        PROBABILITIES: encode(Observations(items=(end,))),
    }


def garbage(topic: Topic, examples: dict[Topic, bytes]) -> list[tuple[str, bytes]]:
    """What must stop nobody, with the reason for which it is to be refused."""
    whole = examples[topic]
    fields = msgpack.unpackb(whole)
    other = DeadLetter(
        reason="", detail="", topic="", partition=0, offset=0, timestamp_ms=0, body=b"", body_size=0
    )
    malformed = [
        b"",
        b"\xc1 not MessagePack",
        msgpack.packb([1, 2]),
        whole[: len(whole) // 2],
        whole[:-1],
        msgpack.packb(fields | {"type": "unheard-of"}),
        encode(other),
    ]
    if topic is not PROBABILITIES:
        malformed += [msgpack.packb(fields | wrong) for wrong in WRONG_FIELDS]
        malformed.append(examples[CHUNKS if topic is FRAMES else FRAMES])
    return [
        *(("malformed", value) for value in malformed),
        ("wrong_version", msgpack.packb(fields | {"v": 99})),
        ("too_large", whole.ljust(topic.max_bytes + 1, b"\0")),
        *(
            ("undecodable", msgpack.packb(fields | content | {"seq": 0}))
            for content in UNDECODABLE.get(topic, ())
        ),
    ]


async def strew(system: System, whole: dict[Topic, bytes]) -> Counter[Kind]:
    """Put garbage onto every partition of every input topic; return how much of which kind that was."""
    kafka, strewn = system.settings.kafka, Counter[Kind]()
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, max_request_size=4_000_000)
    await producer.start()
    for topic in whole:
        for reason, value in garbage(topic, whole):
            for partition in range(4):
                await producer.send_and_wait(kafka.topic_prefix + topic.name, value, partition=partition)
                strewn[topic.name, reason] += 1
    await producer.stop()
    return strewn


async def dead_letters(system: System, expected: int) -> list[DeadLetter]:
    """Return the letters once the expected number is there, and whatever follows shortly after."""
    read = decoder(DEAD_LETTERS.max_bytes, DeadLetter)
    letters: list[DeadLetter] = []
    deadline = time.monotonic() + 60
    async with Subscriber(system.settings.kafka, [DEAD_LETTERS.name], "affect-reader") as subscriber:
        while True:
            records = await subscriber.get(100, 1000)
            letters += [letter for r in records if isinstance(letter := read(r.value), DeadLetter)]
            if not records and (len(letters) >= expected or time.monotonic() > deadline):
                return letters


async def test_garbage_on_every_topic_stops_nobody(system: System) -> None:
    stream = short_demo("unharmed", SECONDS)
    whole = examples(stream)
    strewn = await strew(system, whole)
    streamed = await system.run(stream, None)
    strewn += await strew(system, whole)
    letters = await dead_letters(system, strewn.total())
    system.children.check()
    assert lines(streamed) == expected_lines("unharmed", SECONDS)
    assert Counter((letter.topic, letter.reason) for letter in letters) == strewn
    assert all(letter.offset >= 0 and letter.detail for letter in letters)
    sizes = {topic.name: {len(value) for _, value in garbage(topic, whole)} for topic in whole}
    assert all(letter.body_size in sizes[letter.topic] for letter in letters)
    assert all(len(letter.body) == letter.body_size for letter in letters)  # none needed to be cut
