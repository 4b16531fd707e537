"""Sound as telephony carries it, decoded to 16-bit little-endian PCM: G.711 mu-law and A-law, linear."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Decode = Callable[[bytes], bytes]


def _mu_law() -> NDArray[np.int16]:
    """Return the 256 values of ITU-T G.711 mu-law."""
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype("<i2")


def _a_law() -> NDArray[np.int16]:
    """Return the 256 values of ITU-T G.711 A-law."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype("<i2")


MU_LAW, A_LAW = _mu_law(), _a_law()


def mu_law(data: bytes) -> bytes:
    """Return the PCM of mu-law bytes, one sample each."""
    return MU_LAW.take(np.frombuffer(data, np.uint8)).tobytes()


def a_law(data: bytes) -> bytes:
    """Return the PCM of A-law bytes, one sample each."""
    return A_LAW.take(np.frombuffer(data, np.uint8)).tobytes()


def linear(data: bytes) -> bytes:
    """Return 16-bit little-endian PCM as it is; raises ValueError for half a sample."""
    if len(data) % 2:
        raise ValueError("half a sample")
    return data


NAMES: dict[str, Decode] = {
    "audio/x-mulaw": mu_law,
    "audio/mulaw": mu_law,
    "audio/pcmu": mu_law,
    "mulaw": mu_law,
    "ulaw": mu_law,
    "pcmu": mu_law,
    "audio/x-alaw": a_law,
    "audio/pcma": a_law,
    "alaw": a_law,
    "pcma": a_law,
    "audio/x-l16": linear,
    "audio/l16": linear,
    "l16": linear,
    "linear16": linear,
    "s16le": linear,
    "slin": linear,
}
"""What platforms call these, in lower case and without parameters."""
