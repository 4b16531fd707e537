"""Rooms, microphones and lines that a clip comes through, drawn at random.

A corpus is recorded in one place and kept by one codec. Every clip is sent through all kinds of both, so that
neither tells which corpus, and so which emotions, a voice is from.
"""

import io

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy.signal import butter, fftconvolve, firwin2, sosfilt

Samples = npt.NDArray[np.float32]
Generator = np.random.Generator

RATE_HZ = 16_000
LINE_HZ = 8_000
SPEED = 0.08  # log of the largest change of pitch and tempo together
NARROW = 0.6  # share of telephone lines
NARROW_CODECS = {"ulaw": 0.3, "alaw": 0.2, "gsm": 0.25, "opus": 0.1, "none": 0.15}
WIDE_CODECS = {"opus": 0.3, "mp3": 0.35, "none": 0.35}
FILES = {  # how soundfile names them
    "ulaw": ("WAV", "ULAW"),
    "alaw": ("WAV", "ALAW"),
    "gsm": ("WAV", "GSM610"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
SETTABLE = {"opus": (0.6, 0.95), "mp3": (0.3, 0.95)}  # range of soundfile's compression level
HIGH_PASS_HZ, LOW_PASS_HZ = (80.0, 400.0), (2_800.0, 3_800.0)
ORDERS = (1, 2, 4, 8)  # of the filters: 6, 12, 24 or 48 dB per octave
PACKET_S = 0.02


def drawn(samples: Samples, rng: Generator) -> tuple[Samples, int]:
    """Return mono ``samples`` at 16 kHz after a room, a microphone, noise and a line; and the new rate."""
    x = np.asarray(samples, dtype=np.float32)
    if rng.random() < 0.5:
        x = soxr.resample(x, RATE_HZ * float(np.exp(rng.uniform(-SPEED, SPEED))), RATE_HZ, quality="HQ")
    if rng.random() < 0.3:
        x = _in_room(x, rng)
    if rng.random() < 0.5:
        x = _by_microphone(x, rng)
    if rng.random() < 0.5:
        x = with_noise_floor(x, rng)
    if rng.random() < 0.05:
        x = np.clip(
            x, *(np.array([-1, 1]) * np.quantile(np.abs(x), rng.uniform(0.97, 0.999)) + [-1e-6, 1e-6])
        )
    narrow = rng.random() < NARROW
    x, rate_hz = (_telephone(x, rng), LINE_HZ) if narrow else (x, RATE_HZ)
    peak = 10 ** (rng.uniform(-25, -1) / 20)
    x = x * np.float32(peak / max(float(np.abs(x).max()), 1e-6))
    codecs = NARROW_CODECS if narrow else WIDE_CODECS
    x = coded(x, rate_hz, str(rng.choice(list(codecs), p=list(codecs.values()))), rng)
    if rng.random() < 0.2:
        x = _with_losses(x, rate_hz, rng)
    return np.asarray(x, dtype=np.float32), rate_hz


def coded(samples: Samples, rate_hz: int, codec: str, rng: Generator) -> Samples:
    """Return ``samples`` (n,) at 8 or 16 kHz after one of FILES and back, or as they are."""
    if codec == "none":
        return samples
    container, kind = FILES[codec]
    level = {"compression_level": rng.uniform(*SETTABLE[codec])} if codec in SETTABLE else {}
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=container, subtype=kind, **level)
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    return np.asarray(np.pad(decoded, (0, max(0, len(samples) - len(decoded))))[: len(samples)])


def _in_room(x: Samples, rng: Generator) -> Samples:
    """Return ``x`` with a decaying noise as the room's response, weaker than the direct sound."""
    rt60_s, share = rng.uniform(0.15, 0.8), rng.uniform(0.2, 0.9)
    time_s = np.arange(1, round(rt60_s * RATE_HZ)) / RATE_HZ
    echo = rng.standard_normal(len(time_s)) * np.exp(-np.log(1000) * time_s / rt60_s)
    response = np.concatenate([[1.0], share * echo / np.linalg.norm(echo)])
    return np.asarray(fftconvolve(x, response)[: len(x)], dtype=np.float32)


def _by_microphone(x: Samples, rng: Generator) -> Samples:
    """Return ``x`` through a filter whose response wanders by a few dB over the frequencies."""
    gains_db = rng.normal(0, 4, 7)
    edges_hz = np.array([0, 100, 250, 600, 1500, 3500, RATE_HZ / 2])
    taps = firwin2(255, edges_hz, 10 ** (gains_db / 20), fs=RATE_HZ)
    return np.asarray(fftconvolve(x, taps, mode="same"), dtype=np.float32)


def with_noise_floor(x: Samples, rng: Generator) -> Samples:
    """Return ``x`` with noise of a random colour, at times with hum, at a drawn distance below it."""
    spectrum = np.fft.rfft(rng.standard_normal(len(x)))
    hz = np.fft.rfftfreq(len(x), 1 / RATE_HZ)
    noise = np.fft.irfft(spectrum * (hz + 50) ** rng.uniform(-1, 0.2), len(x))
    noise /= max(float(np.std(noise)), 1e-9)
    if rng.random() < 0.2:
        hum_hz = rng.choice([50, 60, 100, 120])
        noise += np.sin(2 * np.pi * hum_hz * np.arange(len(x)) / RATE_HZ) * rng.uniform(0, 2)
    level = float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) * 10 ** (-rng.uniform(5, 45) / 20)
    return np.asarray(x + level * noise, dtype=np.float32)


def _telephone(x: Samples, rng: Generator) -> Samples:
    """Return ``x`` at 8 kHz within a band whose corners and slopes are drawn."""
    band = np.array([HIGH_PASS_HZ, LOW_PASS_HZ])
    low_hz, high_hz = rng.uniform(band[:, 0], band[:, 1])
    low, high = rng.choice(ORDERS, 2)
    x = sosfilt(butter(int(low), low_hz, "highpass", fs=RATE_HZ, output="sos"), x)
    x = sosfilt(butter(int(high), high_hz, "lowpass", fs=RATE_HZ, output="sos"), x)
    return np.asarray(soxr.resample(x, RATE_HZ, LINE_HZ, quality="HQ"), dtype=np.float32)


def _with_losses(x: Samples, rate_hz: int, rng: Generator) -> Samples:
    """Return ``x`` with packets lost, each silent or replaced by the one before at half its level."""
    length = round(rate_hz * PACKET_S)
    packets = np.pad(x, (0, -len(x) % length)).reshape(-1, length).copy()
    lost, concealed = rng.random(len(packets)) < rng.uniform(0.01, 0.15), rng.random() < 0.5
    for k in np.flatnonzero(lost):
        packets[k] = packets[k - 1] / 2 if concealed and k else 0
    return np.asarray(packets.reshape(-1)[: len(x)])
