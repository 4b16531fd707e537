"""Pictures and recordings, decoded as the workers, the trial of uploads and `analyze` decode them."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from soak.targets import Target, written
from support import recordings

from affectstream.models.face import jpeg
from affectstream.producers import audio
from affectstream.producers.frames import frames
from affectstream.producers.media import probe
from affectstream.runtime.log import notice
from affectstream.trial import MOST_PIXELS

MOST_FRAMES = 40
PROGRESSIVE = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]


def _picture(width: int, height: int) -> np.ndarray:
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([across * 3, down * 5, across + down], axis=2).astype(np.uint8)


def _jpegs() -> list[bytes]:
    return [_encoded(".jpg", size, options) for size in (16, 48) for options in ([], PROGRESSIVE)]


def _encoded(kind: str, size: int, options: Sequence[int] = ()) -> bytes:
    _, data = cv2.imencode(kind, _picture(size, size * 3 // 4), list(options))
    return data.tobytes()


def _frame(data: bytes) -> bool:
    picture = jpeg.decode(data, 640)
    assert picture.nbytes <= 3 * jpeg.MAX_PIXELS
    return True


def _pictures() -> list[bytes]:
    return [*_jpegs(), *(_encoded(kind, size) for kind in (".png", ".webp") for size in (16, 48))]


def _upload(data: bytes) -> bool:
    return bool(jpeg.fitted(data, MOST_PIXELS))


@cache
def _calls(*suffixes: str) -> list[bytes]:
    with TemporaryDirectory() as folder:
        return [recordings.call(Path(folder) / f"call{each}", 0.5).read_bytes() for each in suffixes]


def _sounds() -> list[bytes]:
    return _calls(".wav", ".flac", ".mp3", ".ogg", ".m4a", ".wma", ".wv", ".aiff", ".caf")


def _films() -> list[bytes]:
    return _calls(".mp4", ".webm", ".mkv", ".avi", ".flv", ".ts")


def _recording(data: bytes) -> bool:
    """Read the pictures and the sound of a file, as far as the first frames and chunks."""
    notice.cache_clear()
    file = probe(written(data, ".media"))
    read = 0
    if file.video is not None:
        read += sum(1 for _ in islice(frames(file, Counter()), MOST_FRAMES))
    if file.sound:
        read += sum(1 for _ in islice(audio.chunks(file, None, Counter(), zero_ms=0), MOST_FRAMES))
    return read > 0


def targets() -> tuple[Target, ...]:
    """Return the targets of media."""
    return (
        Target("frames", _jpegs, _frame, 60_000, largest_mb=1_024),
        Target("pictures", _pictures, _upload, 20_000, largest_mb=1_024),
        Target("sound", _sounds, _recording, 2_000, largest_mb=1_536),
        Target("films", _films, _recording, 1_000, largest_mb=1_536),
    )
