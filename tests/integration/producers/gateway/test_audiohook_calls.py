"""AudioHook on a real Kafka and Redis: the bytes of `analyze`, emotions sent back, reconnects, signatures."""

import asyncio
import json
import uuid
from itertools import pairwise

import numpy as np
import pytest
from support.gateway_process import child
from support.genesys import session_of, signed, url
from support.recordings import wav
from support.streamed import same_bytes, telephone
from support.worker_topics import read_all
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from affectstream.processes import Children
from affectstream.producers.gateway.audiohook_client import AudioHookClient, Identity
from affectstream.producers.gateway.simulators import to_mu_law
from affectstream.runtime.process import free_port
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import EndOfStream
from affectstream.schemas.topics import CHUNKS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

NONE = "00000000-0000-0000-0000-000000000000"


async def test_both_channels_give_the_bytes_of_analyze(gateway, tmp_path):
    path, call_id = wav(tmp_path / "call.wav", telephone(8, 140.0), telephone(8, 210.0)), str(uuid.uuid4())
    code, printed = await gateway.simulate("audiohook", str(path), "--call-id", call_id, "--speed", "20")
    assert code == 0, printed + gateway.complaint()
    windows = await same_bytes(gateway, call_id, path, channels="customer,agent")
    assert {window.party for window in windows} == {"customer", "agent"}
    ended = await gateway.event("call_ended", protocol="audiohook", reason="end")
    assert (ended["filled_ms"], ended["dropped"]) == (0, {})


async def test_a_call_on_two_connections_is_one_session_of_one_run(gateway, tmp_path):
    """The first connection is cut; the second one goes on with the clock of the first."""
    sound = telephone(8, 150.0)
    path, call_id = wav(tmp_path / "call.wav", sound), str(uuid.uuid4())
    pcm, sessions = np.rint(sound * 32768).astype("<i2"), [str(uuid.uuid4()) for _ in range(2)]
    for number in range(2):
        identity = Identity(sessions[number], call_id)
        lane, first = pcm[: 32_000 * (number + 1)], 32_000 * number
        named = [{"id": each, "serverseq": 1, "clientseq": 1} for each in sessions[:number]]
        client = AudioHookClient(identity, [lane], first=first, continued=named)
        async with connect(url(gateway), additional_headers=signed(gateway, identity), proxy=None) as socket:
            await socket.send(client.open())
            client.receive(await socket.recv())
            for _, message in client.stream():
                await socket.send(message)
            if number == 0:
                await socket.send(client.ping())  # whose answer says that all was read
                while client.awaits_pong:
                    client.receive(await socket.recv())
                socket.transport.abort()
            else:
                await socket.send(client.close())
                while not client.closed:
                    client.receive(await socket.recv())
    await same_bytes(gateway, call_id, path)
    await gateway.event("call_continued", session=session_of(call_id))


async def test_a_call_whose_second_connection_reaches_another_process_is_one_session(gateway, tmp_path):
    """No sound is lost or doubled: the windows meet, and all are of one session and one run."""
    pcm, call_id = np.rint(telephone(8, 150.0) * 32768).astype("<i2"), str(uuid.uuid4())
    own = {"port": free_port(), "audiosocket_port": 0, "health_port": free_port()}
    settings = gateway.settings.model_copy(
        update={"gateway": gateway.settings.gateway.model_copy(update=own)}
    )
    sessions = [str(uuid.uuid4()) for _ in range(2)]
    with Children([child(settings)], tmp_path) as other:
        other.wait_ready(60)
        for number, port in enumerate((gateway.settings.gateway.port, settings.gateway.port)):
            identity = Identity(sessions[number], call_id)
            lane, first = pcm[: 32_000 * (number + 1)], 32_000 * number
            named = [{"id": each, "serverseq": 1, "clientseq": 1} for each in sessions[:number]]
            client = AudioHookClient(identity, [lane], first=first, continued=named)
            at = f"ws://127.0.0.1:{port}/audiohook"
            async with connect(at, additional_headers=signed(gateway, identity), proxy=None) as socket:
                await socket.send(client.open())
                client.receive(await socket.recv())
                for _, message in client.stream():
                    await socket.send(message)
                reason = "reconnect" if number == 0 else "end"
                await socket.send(client._message("close", {"reason": reason}))
                while not client.closed:  # what it has sent is processed by then
                    client.receive(await socket.recv())
        began = await gateway.event("call_started", session=session_of(call_id))
        handed = await gateway.event("call_ended", session=session_of(call_id), reason="handed_over")
    log = [json.loads(line) for line in (tmp_path / "gateway.log").read_text().splitlines()]
    ended = [each for each in log if each["event"] == "call_ended"]
    assert next(each["event"] for each in log if each["event"].startswith("call_")) == "call_continued"
    assert (handed["seconds"], ended[0]["session"], ended[0]["reason"]) == (4.0, session_of(call_id), "end")
    every = [message for _, message in await read_all(gateway.settings.kafka, CHUNKS)]
    found = [message for message in every if message.session_id.startswith(session_of(call_id))]
    *chunks, end = found
    assert {(m.session_id, m.run) for m in found} == {(session_of(call_id), chunks[0].run)}
    assert [m.seq for m in found] == [*range(len(found))] and isinstance(end, EndOfStream)
    assert chunks[0].start_ms == began["start_ms"] and chunks[-1].end_ms == end.end_ms
    assert all(one.end_ms == next_one.start_ms for one, next_one in pairwise(chunks))


async def test_the_fused_emotion_comes_back_while_the_call_goes_on(gateway, tmp_path):
    path = wav(tmp_path / "call.wav", telephone(9, 140.0), telephone(9, 210.0))
    code, printed = await gateway.simulate("audiohook", str(path), "--emotions")
    assert code == 0, printed + gateway.complaint()
    found = [json.loads(line)["data"] for line in printed.splitlines() if line.startswith("{")]
    assert {each["party"] for each in found} == {"customer", "agent"}
    assert {(each["party"], each["channel"], each["channelId"]) for each in found} == {
        ("customer", "external", 0),
        ("agent", "internal", 1),
    }
    assert all(each["duration"] in ("PT1S",) or each["position"] == "PT0S" for each in found)
    assert all(set(each["probabilities"] or ()) <= set(EMOTIONS) for each in found)


@pytest.mark.parametrize("without", ["signature", "x-api-key", "audiohook-session-id"])
async def test_what_is_not_signed_is_refused_before_the_handshake(gateway, without):
    made = signed(gateway, Identity(str(uuid.uuid4()), str(uuid.uuid4())))
    kept = {name: value for name, value in made.items() if name.lower() != without}
    with pytest.raises(InvalidStatus) as refusal:
        await connect(url(gateway), additional_headers=kept, proxy=None)
    assert refusal.value.response.status_code == (400 if "session" in without else 401)


async def test_a_signed_request_opens_one_connection(gateway):
    once = signed(gateway, Identity(str(uuid.uuid4()), str(uuid.uuid4())))
    async with connect(url(gateway), additional_headers=once, proxy=None):
        with pytest.raises(InvalidStatus) as refusal:
            await connect(url(gateway), additional_headers=once, proxy=None)
    assert refusal.value.response.status_code == 401


async def test_nothing_of_a_pause_is_analysed(gateway, tmp_path):
    """Speech, a pause of three seconds, speech: around it the bytes of a recording with silence there."""
    call_id, first, last = str(uuid.uuid4()), telephone(4, 150.0), telephone(2, 180.0)
    path = wav(tmp_path / "call.wav", np.concatenate([first, np.zeros(24_000, np.float32), last]))
    identity = Identity(str(uuid.uuid4()), call_id)
    client = AudioHookClient(identity, [np.rint(first * 32768).astype("<i2")])
    async with connect(url(gateway), additional_headers=signed(gateway, identity), proxy=None) as socket:
        await socket.send(client.open())
        client.receive(await socket.recv())
        for _, message in client.stream():
            await socket.send(message)
        await socket.send(client._message("paused", {}))
        client._samples += 24_000
        await socket.send(client._message("resumed", {"start": "PT4S", "discarded": "PT3S"}))
        await socket.send(to_mu_law(np.rint(last * 32768).astype("<i2")))
        client._samples += len(last)
        await socket.send(client.close())
        while not client.closed:
            client.receive(await socket.recv())
    windows = await same_bytes(gateway, call_id, path, pause_ms=(4_000, 7_000))
    began = await gateway.event("call_started", session=session_of(call_id))
    first_ms, last_ms = began["start_ms"] + 5_000, began["start_ms"] + 7_000  # without context from before it
    inside = [each for each in windows if first_ms <= each.start_ms and each.end_ms <= last_ms]
    assert inside and all(each.p is None for each in inside)
    ended = await gateway.event("call_ended", session=session_of(call_id), reason="end")
    assert (ended["seconds"], ended["dropped"]) == (9.0, {})


async def test_a_probe_makes_no_session(gateway):
    identity = Identity(str(uuid.uuid4()), NONE)
    client = AudioHookClient(identity, [np.zeros(0, "<i2")])
    async with connect(url(gateway), additional_headers=signed(gateway, identity), proxy=None) as socket:
        opening = json.loads(client.open())
        opening["parameters"]["participant"]["id"] = NONE
        await socket.send(json.dumps(opening))
        client.receive(await socket.recv())
        await socket.send(client.close())
        client.receive(await socket.recv())
    assert client.closed and not [
        e for e in gateway.events("call_started") if e["session"] == session_of(NONE)
    ]


async def test_sigterm_lets_the_platform_go_on_elsewhere(gateway):
    identity = Identity(str(uuid.uuid4()), str(uuid.uuid4()))
    client = AudioHookClient(identity, [np.zeros(8_000, "<i2")])
    process = gateway.children.children["gateway"].process
    async with connect(url(gateway), additional_headers=signed(gateway, identity), proxy=None) as socket:
        await socket.send(client.open())
        client.receive(await socket.recv())
        process.terminate()
        kinds = []
        for _, message in client.stream():
            await socket.send(message)
            await asyncio.sleep(0.05)
        while "reconnect" not in kinds:
            kinds.append(json.loads(text := await socket.recv())["type"])
            client.receive(text)
        await socket.send(client._message("close", {"reason": "reconnect"}))
        while not client.closed:
            client.receive(await socket.recv())
    assert await asyncio.get_running_loop().run_in_executor(None, process.wait, 30) == 0
    gateway.children.start("gateway")
    gateway.children.wait_ready(60, ["gateway"])
    await gateway.event("call_ended", session=session_of(identity.conversation_id), reason="reconnect")
