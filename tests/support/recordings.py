"""Recordings that go wrong, made from nothing: a voice of sines, gray bars, and ways to damage their files.

Nothing here is a recording of anybody. The voice is a sum of sines in the rhythm of syllables, which the
speech gate takes for speech; the pictures are patterns without a face.
"""

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE_HZ = 8_000


def voice(seconds, rate_hz=RATE_HZ, pitch_hz=140.0, level=0.25):
    """Return syllables, two a second, as float32 samples."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.08 * np.sin(2 * np.pi * 0.7 * t))) / rate_hz
    partials = [k for k in range(1, 12) if k * pitch_hz * 1.1 < rate_hz / 2]
    tone = sum(np.sin(k * phase) / k for k in partials)
    syllables = np.clip(np.sin(4 * np.pi * t), 0, 1) ** 0.5
    return (level * tone * syllables / np.abs(tone).max()).astype(np.float32)


def bars(seconds, fps=10, size=(64, 48)):
    """Return moving gray bars as RGB pictures."""
    width, height = size
    rows = [128 + 100 * np.sin((np.arange(width) + 3 * n) / 6) for n in range(int(seconds * fps))]
    return [np.repeat(np.tile(row, (height, 1))[:, :, None], 3, axis=2).astype(np.uint8) for row in rows]


def wav(path: Path, *channels, rate_hz=RATE_HZ) -> Path:
    """Write float samples, one array a channel, as 16-bit PCM."""
    pcm = np.clip(np.rint(np.stack(channels).T * 32768), -32768, 32767).astype("<i2").tobytes()
    return _riff(path, pcm, len(channels), rate_hz, 16, 1)


def wav_of_64_bits(path: Path, samples) -> Path:
    """Write 64-bit integer PCM, which NumPy is not handed by PyAV."""
    pcm = (samples.astype(np.float64) * (2**63 - 1024)).astype("<i8").tobytes()
    return _riff(path, pcm, 1, RATE_HZ, 64, 1)


def wav_of_floats(path: Path, samples) -> Path:
    """Write 32-bit float PCM as it is, not-a-number included."""
    return _riff(path, samples.astype("<f4").tobytes(), 1, RATE_HZ, 32, 3)


def _riff(path: Path, pcm: bytes, channels: int, rate_hz: int, bits: int, code: int) -> Path:
    size = bits // 8 * channels
    form = struct.pack("<HHIIHH", code, channels, rate_hz, rate_hz * size, size, bits)
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(pcm))
    path.write_bytes(b"RIFF" + struct.pack("<I", len(head) + len(pcm)) + head + pcm)
    return path


CODECS = {
    ".ts": ("libx264", "aac", 48_000),
    ".flv": ("libx264", "aac", 44_100),
    ".webm": ("libvpx", "libopus", 48_000),
    ".mkv": ("libx264", "pcm_s16le", 8_000),
    ".mp4": ("libx264", "aac", 48_000),
    ".ogg": (None, "libopus", 48_000),
    ".wav": (None, "pcm_s16le", 8_000),
    ".wma": (None, "wmav2", 44_100),
    ".flac": (None, "flac", 44_100),
    ".mp3": (None, "libmp3lame", 44_100),
    ".m4a": (None, "aac", 44_100),
    ".wv": (None, "wavpack", 44_100),
    ".aiff": (None, "pcm_s16be", 8_000),
    ".caf": (None, "pcm_s16be", 8_000),
    ".avi": ("mpeg4", "pcm_s16le", 8_000),
}


def call(path: Path, seconds, *, sound=True, at_ms=None, channels=1) -> Path:
    """Write a call of that length: pictures, ten a second or at the given times, and a voice."""
    film_codec, sound_codec, rate_hz = CODECS[path.suffix]
    with av.open(str(path), "w") as file:
        film = file.add_stream(film_codec, rate=10) if film_codec else None
        heard = file.add_stream(sound_codec, rate=rate_hz) if sound else None
        if heard is not None:
            heard.layout, heard.bit_rate = {1: "mono", 2: "stereo"}[channels], 64_000
        if film is not None:
            film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
            film.codec_context.time_base = Fraction(1, 1000)
            for n, picture in enumerate(bars(seconds)):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = 100 * n if at_ms is None else at_ms[n], Fraction(1, 1000)
                file.mux(film.encode(frame))
            file.mux(film.encode(None))
        if heard is not None:
            _mux(file, heard, voice(seconds, rate_hz), rate_hz)
    return path


def with_gap(path: Path, gap_ms: int) -> Path:
    """Write a call of 4 s in whose middle nothing was recorded for ``gap_ms``."""
    sound = np.rint(voice(4).reshape(40, 1, 800) * 32767).astype(np.int16)
    with av.open(str(path), "w") as file:
        film, heard = file.add_stream("mpeg4", rate=10), file.add_stream("pcm_s16le", rate=RATE_HZ)
        film.width, film.height, film.pix_fmt, heard.layout = 64, 48, "yuv420p", "mono"
        film.codec_context.time_base = Fraction(1, 1000)
        for n, picture in enumerate(bars(4)):
            late_ms = gap_ms if n >= 20 else 0
            shown = av.VideoFrame.from_ndarray(picture, format="rgb24")
            shown.pts, shown.time_base = 100 * n + late_ms, Fraction(1, 1000)
            said = av.AudioFrame.from_ndarray(sound[n], format="s16", layout="mono")
            said.sample_rate, said.pts, said.time_base = RATE_HZ, 800 * n + 8 * late_ms, Fraction(1, RATE_HZ)
            file.mux([*film.encode(shown), *heard.encode(said)])
        file.mux([*film.encode(None), *heard.encode(None)])
    return path


def two_tracks(path: Path, *tracks) -> Path:
    """Write mono tracks of samples at 8 kHz into one Matroska file."""
    with av.open(str(path), "w") as file:
        streams = [file.add_stream("pcm_s16le", rate=RATE_HZ) for _ in tracks]
        for stream in streams:
            stream.layout = "mono"
        for stream, samples in zip(streams, tracks, strict=True):
            _mux(file, stream, samples, RATE_HZ)
    return path


def _mux(file, stream, samples, rate_hz) -> None:
    size = stream.codec_context.frame_size or 1024
    fitting = av.AudioResampler(format=stream.codec_context.format, layout=stream.layout, rate=rate_hz)
    for start in range(0, len(samples), size):
        block = np.zeros((1, size), np.float32)
        block[0, : len(samples[start : start + size])] = samples[start : start + size]
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
        for fitted in fitting.resample(frame):
            file.mux(stream.encode(fitted))
    file.mux(stream.encode(None))


def joined(path: Path, *parts: Path) -> Path:
    """Write files one behind another, as ``cat`` does."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def png(side: int) -> bytes:
    """A black picture: three bytes a pixel, of which one in two hundred is stored."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(1)
    stored = b"".join(rows.compress(bytes(1 + 3 * side)) for _ in range(side)) + rows.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stored) + chunk(b"IEND", b"")
