"""What lines do to a call: band, rate, codecs, level, noise, lost packets.

Every line is a pure function of the sound: noise and losses are drawn from a generator seeded by its length.
"""

from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import soxr
from scipy.signal import butter, sosfiltfilt

from affectstream.lab.calls.recordings import Recording, Samples
from affectstream.lab.evaluation.degrade import packet_loss, with_noise
from affectstream.schemas.errors import InputError

LINE_HZ = 8_000
WIDE_HZ = 16_000
BAND_HZ = (300.0, 3400.0)  # of ITU-T G.712: what a telephone channel passes
BAND_ORDER = 4  # of Butterworth, run forward and backward
FULL_SCALE = 32767.0

Line = Callable[[Recording], Recording]


def at_rate(rate_hz: int) -> Line:
    """Return the line that hands the sound on at another rate."""
    return lambda call: _changed(
        call, soxr.resample(call.samples, call.rate_hz, rate_hz, quality="HQ"), rate_hz
    )


def telephone(call: Recording) -> Recording:
    """Return the sound at 8 kHz within the band of a telephone channel."""
    narrow = at_rate(LINE_HZ)(call)
    band = butter(BAND_ORDER, BAND_HZ, "bandpass", fs=LINE_HZ, output="sos")
    return _changed(narrow, sosfiltfilt(band, narrow.samples), LINE_HZ)


def codec(name: str, decoder: str, bit_rate: int) -> Line:
    """Return the line that codes and decodes at 8 kHz; raises InputError where PyAV lacks the codec."""

    def line(call: Recording) -> Recording:
        narrow = at_rate(LINE_HZ)(call)
        decoded, rate_hz = _coded(narrow.samples, name, decoder, bit_rate)
        back = soxr.resample(decoded, rate_hz, LINE_HZ, quality="HQ") if rate_hz != LINE_HZ else decoded
        return _changed(narrow, _fitted(back, len(narrow.samples)), LINE_HZ)

    return line


def gain(level_db: float) -> Line:
    """Return the line that is so much louder; beyond full scale it clips."""
    return lambda call: _changed(call, np.clip(call.samples * 10 ** (level_db / 20), -1, 1), call.rate_hz)


def noise(snr_db: float) -> Line:
    """Return the line with white noise so far below the mean power of the sound."""
    return lambda call: _changed(
        call, with_noise(call.samples, snr_db, np.random.default_rng(len(call.samples))), call.rate_hz
    )


def losing(share: float) -> Line:
    """Return the line that loses a share of its 20 ms packets."""
    return lambda call: _changed(
        call,
        packet_loss(call.samples, call.rate_hz, share, np.random.default_rng(len(call.samples))),
        call.rate_hz,
    )


LINES: dict[str, Line] = {
    "8 kHz": at_rate(LINE_HZ),
    "16 kHz": at_rate(WIDE_HZ),
    "300 to 3,400 Hz": telephone,
    "mu-law": codec("pcm_mulaw", "pcm_mulaw", 64_000),
    "A-law": codec("pcm_alaw", "pcm_alaw", 64_000),
    "GSM (AMR-NB 12.2 kbit/s)": codec("libopencore_amrnb", "amrnb", 12_200),
    "GSM half rate (AMR-NB 4.75 kbit/s)": codec("libopencore_amrnb", "amrnb", 4_750),
    "Opus 6 kbit/s": codec("libopus", "libopus", 6_000),
    "10 dB quieter": gain(-10.0),
    "20 dB quieter": gain(-20.0),
    "6 dB louder, clipped": gain(6.0),
    "white noise at 25 dB": noise(25.0),
    "white noise at 15 dB": noise(15.0),
    "3 % of packets lost": losing(0.03),
}
"""The lines of the bench by name."""


def _changed(call: Recording, samples: Samples, rate_hz: int) -> Recording:
    return Recording(call.name, np.asarray(samples, dtype=np.float32), rate_hz)


def _fitted(samples: Samples, length: int) -> Samples:
    """Return the samples cut or padded with silence to a length."""
    return np.pad(samples[:length], (0, max(0, length - len(samples))))


def _coded(samples: Samples, name: str, decoder: str, bit_rate: int) -> tuple[Samples, int]:
    """Return what is decoded of 8 kHz samples, and its rate; a codec's delay of a few ms stays in it."""
    try:
        encoder = av.CodecContext.create(name, "w")
        decoding = av.CodecContext.create(decoder, "r")
    except av.error.FFmpegError as error:
        raise InputError(f"the bench of calls needs the codec {name}, which PyAV lacks here") from error
    encoder.sample_rate, encoder.layout, encoder.format = LINE_HZ, "mono", "s16"
    encoder.time_base, encoder.bit_rate = Fraction(1, LINE_HZ), bit_rate
    encoder.open()
    decoding.sample_rate, decoding.layout, decoding.extradata = LINE_HZ, "mono", encoder.extradata
    packets = [p for frame in _frames(samples, encoder.frame_size or 160) for p in encoder.encode(frame)]
    packets += encoder.encode(None)
    blocks = [frame for packet in [*packets, None] for frame in decoding.decode(packet)]
    return np.concatenate([_of(block) for block in blocks]), blocks[0].sample_rate


def _frames(samples: Samples, length: int) -> list[av.AudioFrame]:
    padded = np.pad(samples, (0, -len(samples) % length + 2 * length))
    pcm = np.rint(np.clip(padded, -1, 1) * FULL_SCALE).astype(np.int16)
    made = []
    for first in range(0, len(pcm), length):
        frame = av.AudioFrame.from_ndarray(pcm[None, first : first + length], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = LINE_HZ, first, Fraction(1, LINE_HZ)
        made.append(frame)
    return made


def _of(block: av.AudioFrame) -> Samples:
    full_scale = FULL_SCALE + 1 if block.format.name.startswith("s16") else 1.0
    return np.asarray(block.to_ndarray()[0] / full_scale, dtype=np.float32)
