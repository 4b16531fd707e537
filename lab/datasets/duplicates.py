"""Near-duplicate faces by perceptual hash, so that a split cannot leak."""

import numpy as np
import numpy.typing as npt
from scipy.fft import dctn
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

NEAR_BITS = 4  # of 64: rescaled, recompressed and slightly relit copies; strangers differ by about 32
BANDS = 8  # two hashes within 7 bits share at least one byte


def perceptual_hash(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return 8 bytes per image (n, 8): the signs of the 64 lowest cosine terms about their median."""
    terms = dctn(images.astype(np.float32), axes=(1, 2), norm="ortho")[:, :9, :9].reshape(len(images), -1)
    low = terms[:, 1:65]
    return np.packbits(low > np.median(low, axis=1, keepdims=True), axis=1)


def near_pairs(hashes: npt.NDArray[np.uint8], within: int = NEAR_BITS) -> npt.NDArray[np.int64]:
    """Return the pairs (m, 2) of rows whose hashes differ in at most ``within`` (< 8) bits."""
    found = [np.zeros((0, 2), dtype=np.int64)]
    for band in range(BANDS):
        order = np.argsort(hashes[:, band], kind="stable")
        edges = np.flatnonzero(np.diff(hashes[order, band])) + 1
        found += [_near_inside(hashes, bucket, within) for bucket in np.split(order, edges)]
    return np.unique(np.concatenate(found), axis=0)


def _near_inside(
    hashes: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64], within: int
) -> npt.NDArray[np.int64]:
    words = np.ascontiguousarray(hashes[rows]).view(np.uint64)[:, 0]
    apart = np.bitwise_count(words[:, None] ^ words[None, :])
    i, j = np.nonzero(np.triu(apart <= within, k=1))
    return np.sort(np.stack([rows[i], rows[j]], axis=1), axis=1)


def groups(images: npt.NDArray[np.uint8], within: int = NEAR_BITS) -> npt.NDArray[np.int64]:
    """Return a group number (n,) per image; near duplicates, also by way of others, share theirs."""
    pairs = near_pairs(perceptual_hash(images), within)
    n = len(images)
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    numbers: npt.NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return numbers


def hold_out(group: npt.NDArray[np.int64], share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Return a mask (n,) of about ``share`` of the rows; a group lies wholly inside or wholly outside."""
    rng = np.random.default_rng(seed)
    return rng.random(int(group.max()) + 1)[group] < share
