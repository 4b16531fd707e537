"""What may befall a record between its log and the commit: garbage, rebalances, too large a size."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from support.worker_fakes import Worker, envelope, said

from affectstream.runtime.kafka import Record
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import EndOfStream, Probabilities, Transcript, VideoFrame
from affectstream.schemas.topics import DEAD_LETTERS, PROBABILITIES, TRANSCRIPTS
from affectstream.workers.deadletter import dead_letter
from affectstream.workers.delivery import split

TOPIC = TRANSCRIPTS.name


def garbage():
    return {
        b"": "malformed",
        b"\x00garbage": "malformed",
        encode(said("cut"))[:-3]: "malformed",
        encode(said("hello")).replace(b"\xa1v\x01", b"\xa1v\x02"): "wrong_version",
        b"x" * (TRANSCRIPTS.max_bytes + 1): "too_large",
        encode(VideoFrame(**envelope(modality="video"), jpeg=b"")): "malformed",
        encode(EndOfStream(**envelope(modality="video"))): "malformed",
    }


async def test_what_cannot_be_decoded_goes_to_the_dead_letters_and_the_session_goes_on():
    broken = garbage()
    log = [said("before", seq=0), *broken, said("after", seq=1)]
    it = Worker({1: log})
    await it.work()
    assert [o.seq for o in it.publisher.observed(1)] == [0, 1]
    letters = it.publisher.letters()
    assert [(x.body, x.reason) for x in letters] == list(broken.items())
    assert [(x.topic, x.partition, x.offset) for x in letters] == [
        (TOPIC, 1, n + 1) for n in range(len(broken))
    ]


Texts = st.sampled_from(["hello", "", "broken", "poison", b"garbage"])


@settings(max_examples=40)
@given(
    texts=st.dictionaries(st.integers(0, 3), st.lists(Texts, max_size=15), min_size=1),
    rows=st.integers(1, 6),
    revocations=st.lists(st.integers(1, 30), max_size=3),
)
def test_every_input_is_answered_once_in_order_and_at_least_once_after_rebalances(texts, rows, revocations):
    logs = {
        p: [text if isinstance(text, bytes) else said(text, f"s{p}", n) for n, text in enumerate(log)]
        for p, log in texts.items()
    }

    async def play():
        it = Worker(logs, batch_rows=rows)
        it.task = asyncio.create_task(it.loop.run(it.stop))
        for fetched in revocations:
            await it.meanwhile(lambda f=fetched: it.broker.fetched >= f or it.committed_all())
            it.broker.revoke(*logs)
        await it.meanwhile(it.committed_all)
        await it.end()
        return it

    it = asyncio.run(play())
    for p, log in logs.items():
        wanted = [m.seq for m in log if isinstance(m, Transcript)]
        seen = [o.seq for o in it.publisher.observed(p)]
        assert sorted(set(seen)) == wanted
        assert list(dict.fromkeys(seen)) == wanted  # first appearances in order
        if not revocations:
            assert seen == wanted
    letters = [(x.partition, x.offset) for x in it.publisher.letters()]
    unreadable = {(p, n) for p, log in logs.items() for n, m in enumerate(log) if isinstance(m, bytes)}
    failing = {
        (p, m.seq)
        for p, log in logs.items()
        for m in log
        if m != b"garbage" and m.text in ("broken", "poison")
    }
    assert set(letters) == unreadable | failing


def test_a_record_that_would_be_too_large_is_split_in_order():
    base = {**envelope(), "p": (1 / 7,) * 7, "quality": 1.0, "model_id": "m"}
    items = [Probabilities(**{**base, "seq": n}, embedding=bytes(300 * 1024)) for n in range(7)]
    records = split(items, PROBABILITIES.max_bytes)
    assert [item.seq for record in records for item in record.items] == list(range(7))
    assert all(len(encode(record)) <= PROBABILITIES.max_bytes for record in records)
    assert 3 <= len(records) <= 4


def test_a_dead_letter_of_an_oversized_record_is_cut_to_the_topic_and_says_so():
    record = Record(TOPIC, 3, 7, 5, None, bytes(5_000_000))
    letter = dead_letter(record, "too_large", "x" * 10_000)
    assert len(encode(letter)) <= DEAD_LETTERS.max_bytes
    assert (letter.body_size, len(letter.body) < 5_000_000) == (5_000_000, True)


def test_a_dead_letter_of_the_largest_allowed_record_is_whole():
    record = Record(TOPIC, 3, 7, 5, None, bytes(900 * 1024))
    assert dead_letter(record, "malformed", "").body == record.value
