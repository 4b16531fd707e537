"""Words that come along with a streamed call, or beside it, on a real Kafka."""

import asyncio
import json
import re
import time

import pytest
from support.recordings import wav
from support.streamed import telephone
from support.worker_topics import read_all
from websockets.asyncio.client import connect

from affectstream.producers.gateway.admission import new_token
from affectstream.producers.session_ids import SessionIds
from affectstream.schemas.messages import EndOfStream
from affectstream.schemas.topics import TRANSCRIPTS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

PAID, CARD = "So I paid twice.", "My card is 4111 1111 1111 1111."


def result(start_ms, end_ms, text, final=True):
    return {"type": "words", "track": 0, "start_ms": start_ms, "end_ms": end_ms, "text": text, "final": final}


async def test_finals_are_transcripts_of_their_party_and_time_goes_on(gateway):
    token = new_token(gateway.settings.gateway.token.get_secret_value(), time.time())
    start = {"type": "start", "call_id": "worded", "token": token}
    sent = [
        start | {"tracks": [{"party": "customer", "encoding": "words"}]},
        result(4000, 4600, "so i", final=False),
        result(4000, 6200, PAID),
        result(4000, 6200, PAID),
        result(6200, 9000, ""),
        result(9000, 11_000, CARD),
        result(5000, 6000, "Too late."),
        {"type": "stop"},
    ]
    async with connect(f"ws://127.0.0.1:{gateway.settings.gateway.port}/stream", proxy=None) as socket:
        for message in sent:
            await socket.send(json.dumps(message))
        answers = [json.loads(answer)["type"] async for answer in socket]
    assert answers == ["started", "ended"]
    session_id = SessionIds("a key of nobody").of("worded")
    ended = await gateway.event("call_ended", session=session_id)
    assert ended["dropped"] == {"repeated_words": 1, "late_words": 1}
    zero_ms = (await gateway.event("call_started", session=session_id))["start_ms"]
    every = [message for _, message in await read_all(gateway.settings.kafka, TRANSCRIPTS)]
    found = [message for message in every if message.session_id == session_id]
    times = [(m.start_ms - zero_ms, m.end_ms - zero_ms, m.watermark_ms - zero_ms) for m in found[:-1]]
    assert times == [(0, 4000, 4000), (4000, 6200, 6200), (6200, 9000, 9000), (9000, 11_000, 11_000)]
    assert [m.text for m in found[:-1]] == ["", PAID, "", "My card is [card]."]
    assert found[3].context == (PAID,)
    assert isinstance(found[-1], EndOfStream)
    logged = (gateway.children.logs / "gateway.log").read_text()
    assert "paid" not in logged
    assert not re.search(r"4111\D?1111", logged)


async def test_words_join_a_telephone_call_by_its_id(gateway, tmp_path):
    path, call_id = wav(tmp_path / "call.wav", telephone(6, 140.0)), "CAwords"
    running = asyncio.create_task(gateway.simulate("twilio", str(path), "--call-id", call_id, "--speed", "2"))
    session_id = SessionIds("a key of nobody").of(call_id)
    began = await gateway.event("call_started", session=session_id)
    token = new_token(gateway.settings.gateway.token.get_secret_value(), time.time())
    tracks = [{"party": "customer", "encoding": "words"}]
    async with connect(f"ws://127.0.0.1:{gateway.settings.gateway.port}/words", proxy=None) as socket:
        await socket.send(json.dumps({"type": "start", "call_id": call_id, "token": token, "tracks": tracks}))
        started = json.loads(await socket.recv())
        at_ms = started.pop("at_ms")
        assert started == {"type": "started", "session": session_id, "start_ms": began["start_ms"]}
        await socket.send(json.dumps(result(at_ms, at_ms + 500, PAID)))
        assert [json.loads(answer)["type"] async for answer in socket] == ["ended"]
    code, printed = await running
    assert code == 0, printed + gateway.complaint()
    every = [message for _, message in await read_all(gateway.settings.kafka, TRANSCRIPTS)]
    found = [message for message in every if message.session_id == session_id]
    assert {message.party for message in found} == {"customer"}
    assert [m.start_ms - began["start_ms"] for m in found if getattr(m, "text", "")] == [at_ms]
    assert isinstance(found[-1], EndOfStream)


async def test_a_simulated_recogniser_joins_a_simulated_call(gateway, tmp_path):
    path, call_id = wav(tmp_path / "call.wav", telephone(20, 140.0)), "CAsimulated"
    said = tmp_path / "call.json"
    segments = [{"start": at, "end": at + 0.6, "text": f"This is number {at}."} for at in range(20)]
    said.write_text(json.dumps({"segments": segments}))
    code, printed = await gateway.simulate("words", str(said), "--call-id", call_id)
    assert code == 2 and "no_such_call" in printed
    running = asyncio.create_task(gateway.simulate("twilio", str(path), "--call-id", call_id))
    session_id = SessionIds("a key of nobody").of(call_id)
    began = await gateway.event("call_started", session=session_id)
    code, printed = await gateway.simulate("words", str(said), "--call-id", call_id)
    assert code == 0, printed + gateway.complaint()
    assert (await running)[0] == 0, gateway.complaint()
    every = [message for _, message in await read_all(gateway.settings.kafka, TRANSCRIPTS)]
    found = [m for m in every if m.session_id == session_id and getattr(m, "text", "")]
    texts = [m.text for m in found]
    assert texts and texts == [f"This is number {at}." for at in range(20 - len(texts), 20)]
    assert (found[-1].start_ms - began["start_ms"], found[-1].end_ms - began["start_ms"]) == (19_000, 19_600)
