"""A live camera: times, rate, loss, reconnection and its end."""

import threading
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from affectstream.producers.camera import CameraPlan, frames
from affectstream.producers.live import LivePlan, MonotonicWallClock
from affectstream.schemas.errors import InputError, PolicyError, Unavailable
from affectstream.schemas.messages import EndOfStream, VideoFrame

LIVE = LivePlan("s", "customer", ("video", "audio"))
SECRET = "rtsp://user:hunter2@cam.example:554/path?password=hunter2"
PICTURE = np.full((48, 64, 3), 128, np.uint8)
START = 1_700_000_000_000


class Clock:
    """The time of day; each picture takes ``step_ms``."""

    def __init__(self, step_ms=40):
        self.now, self.step = START, step_ms

    def __call__(self):
        return self.now


class Fake:
    """A capture that gives so many pictures, then fails."""

    def __init__(self, clock, pictures):
        self.clock, self.left, self.released = clock, pictures, False

    def isOpened(self):
        return True

    def read(self):
        self.clock.now += self.clock.step
        self.left -= 1
        return (True, PICTURE) if self.left >= 0 else (False, None)

    def release(self):
        self.released = True


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder without a log."""

    def log_message(self, *args):
        pass


class Halted:
    """An event that notes how long was waited for it, and is set after so many waits."""

    def __init__(self, waits=99):
        self.waited, self.left = [], waits

    def is_set(self):
        return self.left <= 0

    def wait(self, seconds):
        self.waited.append(seconds)
        self.left -= 1
        return self.is_set()


def test_frames_carry_the_time_of_capture_at_no_more_than_the_rate():
    clock = Clock(step_ms=40)
    camera = Fake(clock, 50)
    found = list(frames(CameraPlan(LIVE, "video.avi", fps=5), Halted(), lambda plan: camera, clock))
    at = [m.start_ms - START for m in found[:-1]]
    assert at == list(range(40, 2001, 200))
    assert [m.seq for m in found] == list(range(len(found)))
    assert isinstance(found[-1], EndOfStream) and found[-1].start_ms > found[-2].start_ms
    assert all(m.expects == ("video", "audio") for m in found)
    assert camera.released


def test_halting_ends_the_stream():
    halted, clock = threading.Event(), Clock()
    stream = frames(CameraPlan(LIVE, "0"), halted, lambda plan: Fake(clock, 10**9), clock)
    assert isinstance(next(stream), VideoFrame)
    halted.set()
    assert [type(m) for m in stream] == [EndOfStream]


def test_a_network_camera_is_connected_anew_with_longer_and_longer_waits():
    clock, halted = Clock(), Halted(waits=5)
    outcomes = iter([Fake(clock, 3), None, None, Fake(clock, 3)])

    def opened(plan):
        if (outcome := next(outcomes, None)) is None:
            raise Unavailable("still away")
        return outcome

    found = list(frames(CameraPlan(LIVE, SECRET, fps=25), halted, opened, clock))
    assert [type(m).__name__ for m in found] == ["VideoFrame"] * 6 + ["EndOfStream"]
    assert halted.waited == [1, 2, 4, 1, 2]


def test_a_plugged_camera_that_is_lost_ends_its_stream_and_is_an_error():
    clock = Clock()
    stream = frames(CameraPlan(LIVE, "0", fps=25), Halted(), lambda plan: Fake(clock, 2), clock)
    seen = []
    with pytest.raises(Unavailable, match="camera 0 gives no more pictures"):
        for message in stream:
            seen.append(message)
    assert [type(m).__name__ for m in seen] == ["VideoFrame", "VideoFrame", "EndOfStream"]


@pytest.mark.parametrize("source", ["97", "missing.avi"])
def test_a_camera_that_cannot_be_opened_is_named(source):
    with pytest.raises(Unavailable, match=rf"{source} cannot be opened"):
        next(frames(CameraPlan(LIVE, source), threading.Event()))


def test_no_password_is_shown():
    assert CameraPlan(LIVE, SECRET).name == "rtsp://cam.example"


def test_a_recording_is_no_camera(media):
    path = media("a.mp4", frames_s=[Fraction(k, 10) for k in range(10)])
    with pytest.raises(InputError, match="is a recording, not a camera; `affectstream replay`"):
        next(frames(CameraPlan(LIVE, str(path)), threading.Event()))


def test_a_network_address_is_read_and_asked_again_after_its_end(media, tools):
    path = media("a.mp4", frames_s=[Fraction(k, 10) for k in range(6)])
    handler = partial(QuietHandler, directory=str(path.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        clock = Clock()

        def later():
            clock.now += 100
            return clock.now

        plan = CameraPlan(LIVE, f"http://127.0.0.1:{server.server_port}/a.mp4", fps=10)
        found = list(frames(plan, Halted(waits=2), None, later))
        server.shutdown()
    assert [tools.read_number(m.jpeg) for m in found[:-1]] == [*range(6), *range(6)]


def test_large_pictures_are_reduced():
    clock = Clock()
    plan = CameraPlan(LIVE, "x.avi", max_side=32)
    (frame, _) = frames(plan, Halted(), lambda plan: Fake(clock, 1), clock)
    import cv2

    assert cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (24, 32, 3)


def test_the_agent_and_an_unexpected_modality_are_refused():
    with pytest.raises(PolicyError):
        next(frames(CameraPlan(LivePlan("s", "agent", ("video",)), "0"), threading.Event()))
    with pytest.raises(InputError, match="must name video"):
        next(frames(CameraPlan(LivePlan("s", "customer", ("audio",)), "0"), threading.Event()))


def test_a_clock_that_is_set_back_goes_on():
    times = iter([1000, 2000, 500, 700, 3000])
    clock = MonotonicWallClock(lambda: next(times))
    assert [clock() for _ in range(5)] == [1000, 2000, 2000, 2200, 4500]


def test_a_clock_that_jumps_by_an_hour_back_and_forth_does_not_move_the_call():
    hour = 3_600_000
    wall = [START + second * 1000 + jump for second, jump in enumerate([0, hour, hour, -hour, 0, 0])]
    times, elapsed = iter(wall), iter(range(0, 6000, 1000))
    clock = MonotonicWallClock(lambda: next(times), lambda: next(elapsed))
    went = [clock() - START for _ in wall]
    assert went == sorted(went)
    assert went[-1] in range(3000, 6000)
