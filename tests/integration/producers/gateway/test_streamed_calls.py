"""Calls streamed to the gateway on a real Kafka and Redis: the bytes of `analyze`, refusals, broken calls."""

import asyncio
import base64
import json
import time
import uuid
from contextlib import suppress
from itertools import groupby

import numpy as np
import pytest
from support.recordings import voice, wav
from support.streamed import same_bytes, telephone
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from affectstream.producers.gateway.admission import new_token, twilio_signature
from affectstream.producers.gateway.audiosocket import REFUSAL, frame
from affectstream.producers.gateway.simulators import twilio
from affectstream.producers.session_ids import SessionIds

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

SECONDS = 12


async def test_two_tracks_of_twilio_give_the_bytes_of_analyze(gateway, tmp_path):
    path = wav(tmp_path / "call.wav", telephone(SECONDS, 140.0), telephone(SECONDS, 210.0))
    code, printed = await gateway.simulate("twilio", str(path), "--call-id", "CAtwo", "--speed", "20")
    assert code == 0, printed + gateway.complaint()
    windows = await same_bytes(gateway, "CAtwo", path, channels="customer,agent")
    assert {party for party, _ in groupby(windows, key=lambda w: w.party)} == {"customer", "agent"}
    assert any(window.p for window in windows)
    ended = await gateway.event("call_ended", protocol="twilio", reason="stop")
    assert (ended["filled_ms"], ended["dropped"]) == (0, {})


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
async def test_audiosocket_gives_the_bytes_of_analyze(gateway, tmp_path, rate_hz):
    path = wav(tmp_path / "call.wav", voice(SECONDS, rate_hz), rate_hz=rate_hz)
    call_id = str(uuid.uuid4())
    code, printed = await gateway.simulate("audiosocket", str(path), "--call-id", call_id, "--speed", "20")
    assert code == 0, printed + gateway.complaint()
    await same_bytes(gateway, call_id, path)
    await gateway.event("call_ended", protocol="audiosocket", reason="hang_up")


async def test_a_dropped_connection_ends_its_session_with_all_that_came(gateway, tmp_path):
    sound = telephone(5, 150.0)
    path = wav(tmp_path / "half.wav", sound)
    pcm = np.rint(sound * 32768).astype("<i2")
    call = list(twilio("CAhalf", {"inbound": pcm}, token(gateway)))[:-1]
    async with connect(url(gateway), additional_headers=signed(), proxy=None) as socket:
        for _, message in call:
            await socket.send(message)
        await gateway.event("call_started", session=SessionIds("a key of nobody").of("CAhalf"))
        socket.transport.abort()
    await same_bytes(gateway, "CAhalf", path)


def url(gateway):
    return f"ws://127.0.0.1:{gateway.settings.gateway.port}/twilio"


def token(gateway):
    return new_token(gateway.settings.gateway.token.get_secret_value(), time.time())


def signed():
    return {
        "X-Twilio-Signature": twilio_signature("an auth token of nobody", "wss://calls.example.com/twilio")
    }


async def test_frames_that_name_no_track_are_refused_and_a_parameter_says_whose_they_are(gateway, tmp_path):
    sound = telephone(5, 150.0)
    pcm = np.rint(sound * 32768).astype("<i2")
    codes = []
    for call_id, stated in (("CAwhose", {}), ("CAmixed", {"party": "other"})):
        async with connect(url(gateway), additional_headers=signed(), proxy=None) as socket:
            with suppress(ConnectionClosed):
                for _, message in twilio(call_id, {"inbound": pcm}, token(gateway)):
                    await socket.send(unnamed(message, stated))
                await socket.wait_closed()
        codes.append(socket.close_code)
    assert codes == [1008, 1000]
    await gateway.event("stream_refused", protocol="twilio", reason="party_unknown")
    windows = await same_bytes(gateway, "CAmixed", wav(tmp_path / "mixed.wav", sound), channels="both")
    assert {(window.party, window.attributable) for window in windows} == {("other", False)}


def unnamed(message, stated):
    """Return a message of a look-alike of Twilio's, which names no track."""
    found = json.loads(message)
    found.get("media", {}).pop("track", None)
    if "start" in found:
        del found["start"]["tracks"]
        found["start"]["customParameters"] |= stated
    return json.dumps(found)


@pytest.mark.parametrize(
    "headers", [{}, {"X-Twilio-Signature": twilio_signature("another", "wss://calls.example.com/twilio")}]
)
async def test_what_is_not_signed_is_refused_before_the_handshake(gateway, headers):
    with pytest.raises(InvalidStatus) as refusal:
        await connect(url(gateway), additional_headers=headers, proxy=None)
    assert refusal.value.response.status_code == 403


async def test_the_plain_websocket_gives_the_bytes_of_analyze(gateway, tmp_path):
    path = wav(tmp_path / "call.wav", voice(6, 16_000), rate_hz=16_000)
    code, printed = await gateway.simulate("browser", str(path), "--call-id", "own-1", "--speed", "20")
    assert code == 0, printed + gateway.complaint()
    await same_bytes(gateway, "own-1", path)


async def test_a_token_admits_one_call(gateway):
    once = token(gateway)
    opened = list(twilio("CAonce", {"inbound": np.zeros(160, "<i2")}, once))[:2]
    async with connect(url(gateway), additional_headers=signed(), proxy=None) as first:
        for _, message in opened:
            await first.send(message)
        await gateway.event("call_started", session=SessionIds("a key of nobody").of("CAonce"))
        async with connect(url(gateway), additional_headers=signed(), proxy=None) as second:
            with pytest.raises(ConnectionClosed) as closed:
                for _, message in opened:
                    await second.send(message)
                await second.recv()
            assert closed.value.rcvd.code == 1008
    await gateway.event("stream_refused", reason="token")


async def test_a_second_stream_of_a_party_is_refused(gateway):
    sockets = []
    for _ in range(2):
        socket = await connect(url(gateway), additional_headers=signed(), proxy=None)
        for _, message in list(twilio("CAtwice", {"inbound": np.zeros(160, "<i2")}, token(gateway)))[:2]:
            await socket.send(message)
        sockets.append(socket)
        await gateway.event("call_started", session=SessionIds("a key of nobody").of("CAtwice"))
    await gateway.event("stream_refused", reason="session_taken")
    for socket in sockets:
        await socket.close()


async def test_a_call_that_was_sent_before_is_refused_and_keeps_its_windows(gateway, tmp_path):
    path = wav(tmp_path / "call.wav", telephone(4, 160.0))
    for expected in (0, 2):
        code, printed = await gateway.simulate("twilio", str(path), "--call-id", "CAagain", "--speed", "20")
        assert code == expected, printed + gateway.complaint()
        await same_bytes(gateway, "CAagain", path)
    assert "code 1008" in printed
    await gateway.event("stream_refused", reason="sent_before")


async def test_calls_beyond_the_limit_get_503_and_audiosocket_an_error(gateway):
    sockets = [
        await connect(url(gateway), additional_headers=signed(), proxy=None)
        for _ in range(gateway.settings.gateway.max_calls)
    ]
    try:
        with pytest.raises(InvalidStatus) as refusal:
            await connect(url(gateway), additional_headers=signed(), proxy=None)
        assert refusal.value.response.status_code == 503
        assert refusal.value.response.headers["Retry-After"] == "5"
        gateway_settings = gateway.settings.gateway
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway_settings.audiosocket_port)
        writer.write(frame(1, uuid.uuid4().bytes))
        assert await reader.read() == REFUSAL
        writer.close()
    finally:
        for socket in sockets:
            await socket.close()


async def test_nothing_of_a_caller_is_in_the_log(gateway):
    call_id = "+491701234567"
    message = json.loads(list(twilio(call_id, {"inbound": np.zeros(160, "<i2")}, token(gateway)))[1][1])
    message["start"]["customParameters"] |= {"from": call_id, "name": "Erika Mustermann"}
    broken = {"event": "media", "media": {"payload": base64.b64encode(b"secret").decode(), "track": call_id}}
    async with connect(url(gateway), additional_headers=signed(), proxy=None) as socket:
        await socket.send(json.dumps(message))
        await socket.send(json.dumps(broken))
        await socket.send(f"{call_id} is not JSON")
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    await gateway.event("stream_refused", reason="not_json")
    log = (gateway.children.logs / "gateway.log").read_text()
    for secret in (
        call_id,
        "1701234567",
        "Erika",
        "an auth token",
        "a secret",
        "a key of",
        message["streamSid"],
    ):
        assert secret not in log


async def test_sigterm_ends_the_calls_that_are_streamed_in(gateway, tmp_path):
    sound = telephone(4, 150.0)
    pcm = np.rint(sound * 32768).astype("<i2")
    async with connect(url(gateway), additional_headers=signed(), proxy=None) as socket:
        for _, message in list(twilio("CAstopped", {"inbound": pcm}, token(gateway)))[:-1]:
            await socket.send(message)
        host, port = "127.0.0.1", gateway.settings.gateway.audiosocket_port
        call_id, (_, writer) = uuid.uuid4(), await asyncio.open_connection(host, port)
        writer.write(frame(1, call_id.bytes) + frame(0x10, pcm[:16_000].tobytes()))
        await gateway.event("call_started", session=SessionIds("a key of nobody").of("CAstopped"))
        await gateway.event("call_started", session=SessionIds("a key of nobody").of(str(call_id)))
        process = gateway.children.children["gateway"].process
        process.terminate()
        assert await asyncio.get_running_loop().run_in_executor(None, process.wait, 30) == 0
        writer.close()
    gateway.children.start("gateway")
    gateway.children.wait_ready(60, ["gateway"])
    await same_bytes(gateway, str(call_id), wav(tmp_path / "two.wav", np.float32(pcm[:16_000]) / 32768))
