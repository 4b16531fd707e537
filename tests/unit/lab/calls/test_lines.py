"""Lines keep the length of a call, give the same every time, and do to it what their name says."""

import numpy as np
import pytest

from affectstream.lab.calls.lines import LINE_HZ, LINES
from affectstream.lab.calls.recordings import Recording

SECONDS = 2.0


def tone(hz: float, rate_hz: int = LINE_HZ, level: float = 0.1) -> Recording:
    t = np.arange(int(SECONDS * rate_hz)) / rate_hz
    return Recording("tone", (level * np.sin(2 * np.pi * hz * t)).astype(np.float32), rate_hz)


def level(call: Recording) -> float:
    middle = call.samples[len(call.samples) // 4 : -len(call.samples) // 4].astype(np.float64)
    return float(np.sqrt((middle**2).mean()))


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_a_line_keeps_the_length_and_repeats_itself(name: str, rate_hz: int) -> None:
    call = tone(440.0, rate_hz)
    one, again = LINES[name](call), LINES[name](call)
    assert one.seconds == pytest.approx(SECONDS, abs=1 / LINE_HZ)
    assert one.samples.dtype == np.float32
    np.testing.assert_array_equal(one.samples, again.samples)
    assert np.abs(one.samples).max() <= 1.5
    assert level(one) > 0.005, "the line lost the tone"


@pytest.mark.parametrize(("hz", "kept"), [(60, 0.001), (100, 0.01), (1000, 1.0), (3900, 0.05)])
def test_a_telephone_passes_its_band_only(hz: float, kept: float) -> None:
    share = level(LINES["300 to 3,400 Hz"](tone(hz))) / level(tone(hz))
    assert share == pytest.approx(1.0, abs=0.05) if kept == 1.0 else share < kept


@pytest.mark.parametrize("name", ["mu-law", "A-law", "GSM (AMR-NB 12.2 kbit/s)", "Opus 6 kbit/s"])
def test_codecs_change_the_samples_but_keep_the_tone(name: str) -> None:
    call = tone(440.0)
    through = LINES[name](call)
    assert not np.array_equal(through.samples, call.samples)
    spectrum = np.abs(np.fft.rfft(through.samples))
    assert np.fft.rfftfreq(len(through.samples), 1 / LINE_HZ)[spectrum.argmax()] == pytest.approx(440, abs=5)


def test_quieter_is_quieter_by_what_it_says() -> None:
    call = tone(440.0)
    assert level(LINES["20 dB quieter"](call)) / level(call) == pytest.approx(0.1, rel=1e-3)
