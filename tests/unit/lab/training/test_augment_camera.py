"""Faces are filmed as the camera of a call does: turned, cut wide or tight, covered, lit, blurred, packed."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from affectstream.lab.training.augment import camera
from affectstream.lab.training.augment.camera import filmed


def spot() -> Tensor:
    """Return a gray picture (48, 48) with a bright square of 8 pixels in its middle."""
    x = torch.full((48, 48), 60, dtype=torch.uint8)
    x[20:28, 20:28] = 200
    return x


def turned(n: int = 300) -> Tensor:
    faces = spot().to(torch.float32).repeat(n, 1, 1).unsqueeze(1)
    return camera._turned(faces, 48, Generator().manual_seed(0)).squeeze(1)


def test_the_same_seed_films_the_same_faces_and_nothing_leaves_the_gray_levels() -> None:
    faces = spot().repeat(64, 1, 1)
    once, again = (filmed(faces, 40, Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(once, again)
    assert once.shape == (64, 40, 40)
    assert float(once.min()) >= 0
    assert float(once.max()) <= 255
    assert not torch.equal(once[0], once[1])


def test_faces_are_cut_wider_and_tighter_and_turned_out_of_the_plane() -> None:
    bright = (turned() > 130).float()
    size = bright.sum(dim=(1, 2)).sqrt()  # of the square's side, 8 as it is
    assert 6.2 < float(size.median()) < 9
    assert float(size.quantile(0.05)) < 6.6  # turned away or cut wider
    assert float(size.quantile(0.95)) > 9  # cut tighter
    across, down = bright.amax(dim=1).sum(dim=1), bright.amax(dim=2).sum(dim=1)
    assert float((across / down).std()) > 0.05  # one of the two is foreshortened


def test_the_middle_of_a_face_stays_near_the_middle() -> None:
    bright = (turned() > 130).float()
    column = (bright * torch.arange(48.0)).sum(dim=(1, 2)) / bright.sum(dim=(1, 2)).clamp_min(1)
    assert float((column - 23.5).abs().max()) < 6


def test_a_share_of_the_faces_is_blurred_reduced_and_packed_and_the_others_stay_sharp() -> None:
    faces = spot().to(torch.float32).repeat(400, 1, 1).unsqueeze(1)
    soft = camera._soft(faces.clone(), Generator().manual_seed(0))
    changed = (soft != faces).flatten(1).any(dim=1).float().mean()
    expected = 1 - (1 - camera.BLURRED) * (1 - camera.REDUCED)
    assert abs(float(changed) - expected) < 0.08
    packed = camera._packed(faces.clone(), Generator().manual_seed(0))
    assert abs(float((packed != faces).flatten(1).any(dim=1).float().mean()) - camera.PACKED) < 0.08


def test_covers_lie_over_eyes_mouth_or_anywhere() -> None:
    plain = torch.full((600, 1, 48, 48), 300.0)  # no gray of a cover
    covered = (camera._covered(plain, Generator().manual_seed(0)) != 300).squeeze(1).float()
    assert abs(float(covered.flatten(1).amax(dim=1).mean()) - camera.COVERED) < 0.08
    bars = covered[covered.amin(dim=2).amax(dim=1) > 0]  # over the whole width
    rows = bars.amin(dim=2).mean(dim=0)
    assert float(rows[round(camera.EYES * 48)]) > 0.3
    assert float(rows[round(camera.MOUTH * 48)]) > 0.3
    assert float(rows[2]) == 0


@pytest.mark.parametrize("side", [32, 40, 48, 60])
def test_faces_are_packed_as_a_jpeg_library_packs_them(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "PACKED", 1.1)
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.integers(0, 256, (side, side)).astype(np.uint8), (0, 0), 2)
    face = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX)
    for quality in (10, 35, 60):
        monkeypatch.setattr(camera, "QUALITY", (quality, quality + 1))
        faces = torch.from_numpy(face).to(torch.float32).view(1, 1, side, side)
        packed = camera._packed(faces, Generator().manual_seed(0))[0, 0].numpy()
        buffer = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        expected = cv2.imdecode(buffer, cv2.IMREAD_GRAYSCALE).astype(np.float32)
        assert np.abs(packed - expected).mean() < 0.2 * np.abs(face - expected).mean()


def test_a_reduced_face_has_the_pixels_of_a_smaller_one() -> None:
    faces = torch.rand(1, 1, 48, 48, generator=Generator().manual_seed(0))
    for size in (16, 25, 35):
        few = F.interpolate(faces, size=size, mode="area")
        expected = F.interpolate(few, size=48, mode="bilinear", align_corners=False)
        lines = camera._reductions(48, torch.device("cpu"))[size - camera.DISTANT[0]]
        torch.testing.assert_close(lines @ faces @ lines.T, expected, atol=1e-5, rtol=0)
