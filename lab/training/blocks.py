"""What Whisper's first blocks, as they are, make of windows of speech: statistics, made once and kept."""

import hashlib

import numpy as np
import numpy.typing as npt
import torch

from affectstream.lab.training.files import arrays, whole
from affectstream.lab.training.speech import Halves, Kept, Windows
from affectstream.models.voice.encoder import SpeechEncoder
from affectstream.models.voice.network import embedding_size, loud, statistics

Singles = npt.NDArray[np.float32]

AT_ONCE = 64  # windows


@torch.inference_mode()
def window_statistics(inputs: Halves, encoder: SpeechEncoder) -> Singles:
    """Return the statistics (windows, size) of log-mel windows (windows, 80, 200).

    The encoder computes in its own type.
    """
    size, found = embedding_size(encoder.positions.shape[1], len(encoder.blocks)), []
    for start in range(0, len(inputs), AT_ONCE):
        x = torch.from_numpy(inputs[start : start + AT_ONCE].astype(np.float32))
        blocks = [block.float() for block in encoder(x.to(encoder.positions.dtype))]
        found.append(statistics(blocks, loud(x)).numpy())
    return np.concatenate(found) if found else np.zeros((0, size), np.float32)


def kept_statistics(windows: Windows, kept: Kept, encoder: SpeechEncoder) -> Singles:
    """Return the statistics (windows, size) of ``windows``, from the cache where they were made before."""
    path, key = kept.cache / f"voice-{windows.name}-statistics.npz", f"{windows.key} {_digest(encoder)}"
    if path.exists():
        found = arrays(path)
        if str(found["key"]) == key:
            return found["x"].astype(np.float32, copy=False)
    x = window_statistics(windows.inputs, encoder)
    whole(path, lambda part: np.savez(part, x=x, key=np.array(key)))
    return x


def _digest(encoder: SpeechEncoder) -> str:
    """Return the hash of the encoder's weights, in the type that it computes in."""
    found = hashlib.sha256()
    for tensor in encoder.state_dict().values():
        found.update(tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
