"""A microphone: chunks on the time of day, lost samples, long pauses, devices that are not there."""

import sys
import threading
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from affectstream.producers.live import LivePlan
from affectstream.producers.microphone import Block, MicrophonePlan, chunks, microphone
from affectstream.schemas.errors import InputError, PolicyError, Unavailable
from affectstream.schemas.messages import EndOfStream

LIVE = LivePlan("s", "customer", ("audio",))
PLAN = MicrophonePlan(LIVE)
START = 1_700_000_000_123
RATE = 8_000


def blocks(*intervals_ms, jitter=(0,)):
    """Blocks of 50 ms of ones over the intervals."""
    found = []
    for start, end in intervals_ms:
        for i, at in enumerate(range(start, end, 50)):
            samples = np.full(RATE // 20, 0.5, np.float32)
            found.append(Block(START + at + jitter[i % len(jitter)], samples))
    return iter(found)


def recorded(*intervals_ms, **options):
    *found, end = chunks(PLAN, RATE, blocks(*intervals_ms, **options))
    assert isinstance(end, EndOfStream)
    assert [m.seq for m in [*found, end]] == list(range(len(found) + 1))
    assert all(b.start_ms >= a.watermark_ms for a, b in pairwise(found))
    return found, end.end_ms - START


def test_chunks_state_their_last_second_on_the_wall_clock():
    found, end = recorded((0, 3500))
    assert [(m.start_ms - START, m.end_ms - START) for m in found] == [
        (0, 877),  # the signal begins 123 ms after a whole second
        (877, 1877),
        (1877, 2877),
        (2877, 3500),
    ]
    assert [m.watermark_ms for m in found] == [m.end_ms for m in found]
    assert end == 3500
    assert [len(m.pcm) / 16 for m in found] == [877, 1877, 2000, 2000]


def test_jitter_of_the_time_of_day_leaves_the_sound_whole():
    found, _ = recorded((0, 4000), jitter=(0, 30, -20, 60))
    assert all(np.frombuffer(m.pcm, "<i2").min() > 0 for m in found)


def test_lost_samples_become_silence_at_their_time():
    found, end = recorded((0, 1000), (1500, 3000))
    pcm = np.frombuffer(found[1].pcm, "<i2")  # [0 s, 1.877 s)
    assert [bool(pcm[ms * 8]) for ms in (900, 1100, 1400, 1600)] == [True, False, False, True]
    assert end == 3000


def test_after_a_long_pause_the_sound_begins_anew():
    found, end = recorded((0, 2500), (60_000, 61_000))
    assert [(m.start_ms - START, m.end_ms - START) for m in found] == [
        (0, 877),
        (877, 1877),
        (1877, 2500),
        (60_000, 60_877),
        (60_877, 61_000),
    ]
    assert len(found[-1].pcm) / 16 == 1000  # without the sound of a minute before as its context
    assert end == 61_000


def test_a_microphone_that_gives_nothing_still_ends_its_stream():
    (end,) = chunks(PLAN, RATE, iter([]))
    assert isinstance(end, EndOfStream)


def test_the_agent_is_refused_without_a_purpose():
    with pytest.raises(PolicyError):
        next(chunks(MicrophonePlan(LivePlan("s", "agent", ("audio",))), RATE, iter([])))


class PortAudioError(Exception):
    """As sounddevice's."""


class Stream:
    """An input stream that hears three blocks at once."""

    active = True

    def __init__(self, callback, blocksize, **options):
        self.callback, self.size = callback, blocksize

    def __enter__(self):
        time = SimpleNamespace(currentTime=10.0, inputBufferAdcTime=9.9)
        for _ in range(3):
            self.callback(np.full((self.size, 1), 0.5, np.float32), self.size, time, None)

    def __exit__(self, *error):
        self.active = False


def busy(**options):
    raise PortAudioError("busy")


def port(devices=(), stream=Stream):
    """A stand-in for the module sounddevice, with the devices of a machine."""

    def query_devices(device=None, kind=None):
        if kind is None:
            return list(devices)
        for found in devices:
            if found["max_input_channels"] and (device or "") in found["name"]:
                return found
        raise PortAudioError("Error querying device -1")

    return SimpleNamespace(PortAudioError=PortAudioError, query_devices=query_devices, InputStream=stream)


HEADSET = {"name": "Headset", "max_input_channels": 1, "default_samplerate": 96_000.0}
SPEAKER = {"name": "Speaker", "max_input_channels": 0, "default_samplerate": 48_000.0}


def test_blocks_are_stamped_with_the_time_of_their_first_sample(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", port([HEADSET]))
    halted = threading.Event()
    with microphone(None, halted, lambda: START) as (rate_hz, found):
        assert rate_hz == 48_000
        block = next(found)
        halted.set()
        assert list(found)[1:] == []
    assert block.at_ms == START - 100
    assert len(block.samples) == 2_400


@pytest.mark.parametrize(
    ("module", "device", "says"),
    [
        (port([SPEAKER]), None, "no microphone can be opened; there is: none on this machine"),
        (port([HEADSET, SPEAKER]), "Desk", "no microphone 'Desk' can be opened; there is: Headset"),
        (port([HEADSET], busy), None, "there is: Headset"),
    ],
)
def test_a_microphone_that_is_not_there_is_an_error_that_says_what_is(monkeypatch, module, device, says):
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    with pytest.raises(Unavailable, match=says), microphone(device, threading.Event()):
        pass


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(InputError, match="pip install"), microphone(None, threading.Event()):
        pass


def test_a_missing_portaudio_says_what_to_install(monkeypatch, tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="libportaudio2"), microphone(None, threading.Event()):
        pass
