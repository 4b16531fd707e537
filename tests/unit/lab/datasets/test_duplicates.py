"""Near-duplicate faces end on one side of a split."""

import cv2
import numpy as np

from affectstream.lab.datasets.duplicates import groups, hold_out


def pictures(n: int, seed: int = 0) -> np.ndarray:
    """Return smooth random pictures (n, 48, 48): low frequencies, as faces have."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 8, 8)).astype(np.uint8)
    return np.stack([cv2.resize(one, (48, 48), interpolation=cv2.INTER_CUBIC) for one in coarse])


def test_strangers_stand_alone_and_changed_copies_share_a_group() -> None:
    originals = pictures(200)
    relit = (originals[0] * 0.7 + 20).astype(np.uint8)
    rescaled = cv2.resize(cv2.resize(originals[1], (32, 32)), (48, 48))
    jpeg = cv2.imdecode(cv2.imencode(".jpg", originals[2])[1], cv2.IMREAD_GRAYSCALE)
    group = groups(np.concatenate([originals, np.stack([relit, rescaled, jpeg])]))
    assert len(set(group[:200].tolist())) == 200
    assert group[200:].tolist() == group[:3].tolist()


def test_held_out_groups_are_whole_and_the_same_every_time() -> None:
    group = np.repeat(np.arange(500), 3)
    out = hold_out(group, 0.2, seed=1)
    assert np.array_equal(out, hold_out(group, 0.2, seed=1))
    assert all(len(set(out[group == g].tolist())) == 1 for g in range(500))
    assert 0.15 < out.mean() < 0.25
