"""Many telephone calls streamed at once, cheaply, by a process beside the one that is measured.

    python -m benchmarks.gateway_load PORT CALLS SECONDS

Every call is the same sound as Twilio Media Streams sends it, 20 ms frames of both parties, encoded once.
Prints how late the frames were sent, so that a generator that is too slow is not taken for the gateway, and
how much processor time one costs it.
"""

import json
import socket
import sys
import time
from collections.abc import Iterator

import numpy as np

from affectstream.producers.gateway.simulators import FRAME_MS, twilio

RAMP_S = 0.04  # between the beginnings of two calls: nine times as many as where 500 of three minutes go on
REQUEST = (
    b"GET /twilio HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
STREAM = "MZ" + "0" * 32
CLOSE = bytes((0x88, 0x80, 0, 0, 0, 0))


def frame(text: str) -> bytes:
    """A WebSocket text message; its mask is zero, which leaves the bytes as they are."""
    data = text.encode()
    assert 125 < len(data) < 1 << 16
    return bytes((0x81, 0x80 | 126)) + len(data).to_bytes(2, "big") + bytes(4) + data


def ticks(seconds: int) -> Iterator[bytes]:
    """What every call sends, by tick of 20 ms: the frames of both parties, of a noise like speech."""
    rng = np.random.default_rng(0)
    pcm = {name: rng.normal(0, 2000, 8000 * seconds).astype("<i2") for name in ("inbound", "outbound")}
    media = [
        frame(json.dumps(json.loads(text) | {"streamSid": STREAM}))
        for _, text in twilio("", pcm)
        if '"event": "media"' in str(text)
    ]
    yield from (media[at] + media[at + 1] for at in range(0, len(media), 2))


def started(name: str) -> bytes:
    messages = twilio(name, {"inbound": np.zeros(0, "<i2"), "outbound": np.zeros(0, "<i2")})
    message = json.loads(next(text for _, text in messages if '"event": "start"' in str(text)))
    message["streamSid"] = message["start"]["streamSid"] = STREAM
    return frame(json.dumps(message))


def connected(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.sendall(REQUEST)
    if b" 101 " not in (answer := made.recv(4096)):
        raise SystemExit(f"refused: {answer[:60]!r}")
    return made


def main(port: int, calls: int, seconds: int) -> None:
    frames = list(ticks(seconds))
    sockets: list[socket.socket] = []
    events = sorted(
        (call * RAMP_S + tick * FRAME_MS / 1000, call, tick)
        for call in range(calls)
        for tick in range(len(frames) + 2)
    )
    late = np.zeros(len(events), np.float32)
    run_id, first_s, cpu_s = time.time_ns(), time.monotonic(), time.process_time()
    for at, (due_s, call, tick) in enumerate(events):
        wait_s = first_s + due_s - time.monotonic()
        if wait_s > 0.001:
            time.sleep(wait_s)
        late[at] = max(0.0, -wait_s)
        if tick == 0:
            sockets.append(connected(port))
            sockets[call].sendall(started(f"CA{run_id}-{call}"))
        elif tick > len(frames):
            sockets[call].sendall(CLOSE)  # calls end one after the other, as they began
        else:
            sockets[call].sendall(frames[tick - 1])
    cpu_us = 1e6 * (time.process_time() - cpu_s) / (2 * calls * len(frames))
    for made in sockets:
        made.close()
    p50_ms, p99_ms = (1e3 * float(np.quantile(late, share)) for share in (0.5, 0.99))
    print(json.dumps({"late_p50_ms": p50_ms, "late_p99_ms": p99_ms, "cpu_us": cpu_us}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
