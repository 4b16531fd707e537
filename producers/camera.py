"""A camera or network stream as frames, stamped with the wall clock at capture.

``python -m affectstream.producers.camera 0 --session call-1`` reads the first camera; an ``rtsp://``
address instead of the number reads a network camera (``@FILE`` takes arguments from a file, one in each
line, so that its password is in no process list). A network camera that is lost is reconnected; a lost
local camera is an error.
"""

import argparse
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import cv2
import structlog
from numpy.typing import NDArray

from affectstream.producers.frames import fitted, to_jpeg
from affectstream.producers.live import LivePlan, MonotonicWallClock, parser, plan, publish
from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.process import Stop, run
from affectstream.runtime.settings import load
from affectstream.schemas.errors import InputError, Unavailable
from affectstream.schemas.messages import EndOfStream, VideoFrame

NETWORK = ("rtsp", "rtsps", "rtmp", "http", "https", "udp", "srt")
TIMEOUT_MS = 10_000
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0

log = structlog.get_logger(__name__)


class Capture(Protocol):
    """The part of cv2.VideoCapture that is used."""

    def isOpened(self) -> bool:
        """Tell whether pictures can be read."""

    def read(self) -> tuple[bool, Any]:
        """Return (done, BGR picture)."""

    def release(self) -> None:
        """Release the device."""


@dataclass(frozen=True)
class CameraPlan:
    """The camera, and how its pictures are sent."""

    live: LivePlan
    source: str  # the number of a camera, a device such as /dev/video0, or an address
    fps: float = 5
    max_side: int = 640
    jpeg_quality: int = 85

    @property
    def network(self) -> bool:
        """Whether the source is an address."""
        return urlsplit(self.source).scheme.lower() in NETWORK

    @property
    def device(self) -> bool:
        """Whether the source is a camera of this machine."""
        return self.source.isdigit() or self.source.startswith("/dev/")

    def check(self) -> None:
        """Raise InputError where the source is a recording: its pictures would all be stamped with now."""
        if not self.network and Path(self.source).is_file():
            raise InputError(
                f"{self.source} is a recording, not a camera; `affectstream replay` sends it at its own pace"
            )

    @property
    def name(self) -> str:
        """The source without what may be a secret: of an address, only the host."""
        parts = urlsplit(self.source)
        return f"{parts.scheme}://{parts.hostname}" if self.network else f"camera {self.source}"


def frames(
    plan: CameraPlan,
    halted: threading.Event,
    connect: Callable[[CameraPlan], Capture] | None = None,
    now_ms: Callable[[], int] = wall_ms,
) -> Iterator[VideoFrame | EndOfStream]:
    """Yield frames at no more than the chosen rate until ``halted``, then the end of the stream.

    Raises InputError for a recording, Unavailable where the source cannot be opened and, after the end of
    the stream, where a local camera is lost.
    """
    plan.live.check("video")
    plan.check()
    connect, clock = connect or _open, MonotonicWallClock(now_ms)
    period_ms, due_ms, last_ms, seq = 1000 / plan.fps, 0.0, -1, 0
    capture = connect(plan)
    lost = False
    try:
        while not halted.is_set() and not lost:
            done, bgr = capture.read()
            at_ms = clock()
            if not done:
                capture.release()
                again = _reconnected(plan, halted, connect) if plan.network else None
                capture, lost = again or capture, again is None
            elif at_ms >= due_ms:
                late = at_ms - due_ms > period_ms
                due_ms = (at_ms if late else due_ms) + period_ms
                last_ms = max(at_ms, last_ms + 1)
                yield _frame(plan, seq, last_ms, bgr)
                seq += 1
    finally:
        capture.release()
    yield plan.live.end("video", seq, max(clock(), last_ms + 1))
    if lost and not halted.is_set() and plan.device:
        raise Unavailable(f"{plan.name} gives no more pictures; plug it in again and restart")


def _frame(plan: CameraPlan, seq: int, at_ms: int, bgr: NDArray[Any]) -> VideoFrame:
    size = fitted(bgr.shape[1], bgr.shape[0], plan.max_side)
    if size != (bgr.shape[1], bgr.shape[0]):
        bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
    return VideoFrame(
        **plan.live.base(),
        seq=seq,
        start_ms=at_ms,
        end_ms=at_ms,
        watermark_ms=at_ms + 1,
        jpeg=to_jpeg(bgr, plan.jpeg_quality),
    )


def _open(plan: CameraPlan) -> Capture:
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would print the address
    if plan.source.isdigit():
        capture = cv2.VideoCapture(int(plan.source))
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # or a picture is old when it is stamped
    else:
        timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT_MS]
        capture = cv2.VideoCapture(plan.source, cv2.CAP_FFMPEG, timeouts)
    if capture.isOpened():
        return capture
    capture.release()
    hint = "address, network and password" if plan.network else "that it is plugged in, free and permitted"
    raise Unavailable(f"{plan.name} cannot be opened; check {hint}")


def _reconnected(
    plan: CameraPlan, halted: threading.Event, connect: Callable[[CameraPlan], Capture]
) -> Capture | None:
    """Reconnect with exponential backoff; None once halted."""
    wait_s = FIRST_WAIT_S
    while not halted.wait(wait_s):
        log.warning("camera_lost", source=plan.name)
        try:
            return connect(plan)
        except Unavailable:
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
    return None


async def main(options: argparse.Namespace, stop: Stop) -> None:
    """Publish the camera's frames until stopped."""
    settings = load()
    producer = settings.producer
    camera = CameraPlan(
        plan(options, settings, "video"),
        options.source,
        producer.fps,
        producer.max_side,
        producer.jpeg_quality,
    )
    camera.check()
    await publish(lambda halted: frames(camera, halted), settings, stop, camera.live, "video")


def _options() -> argparse.Namespace:
    options = parser("Publish the frames of a camera.", "video")
    options.add_argument("source", help="number of the camera, its device, or an rtsp:// address")
    return options.parse_args()


if __name__ == "__main__":
    run(partial(main, _options()), producer="camera")
