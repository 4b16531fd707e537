"""Faces are mirrored, moved, relit and hidden by the augmentation, each as far as its strength says."""

import torch
from torch import Tensor

from affectstream.lab.training.augment.faces import augment


def face() -> Tensor:
    """A dark picture with a bright spot in the left half, its middle at column 12 and row 24."""
    x = torch.full((48, 48), 60.0)
    x[20:29, 8:17] = 200.0
    return x.to(torch.uint8)


def changed(strength: float, n: int = 400, seed: int = 0) -> Tensor:
    return augment(face().repeat(n, 1, 1), 48, strength, torch.Generator().manual_seed(seed))


def columns(faces: Tensor) -> Tensor:
    """The mean column of what is brighter than the surroundings."""
    bright = (faces > 140).float()
    return (bright * torch.arange(48.0)).sum(dim=(1, 2)) / bright.sum(dim=(1, 2)).clamp_min(1)


def test_without_strength_half_of_the_faces_are_mirrored_and_nothing_else_changes() -> None:
    plain = face().to(torch.float32)
    faces = changed(0.0)
    as_it_is = torch.isclose(faces, plain, atol=0.6).flatten(1).all(dim=1)
    mirrored = torch.isclose(faces, plain.flip(-1), atol=0.6).flatten(1).all(dim=1)
    assert bool((as_it_is ^ mirrored).all())
    assert 0.4 < float(mirrored.float().mean()) < 0.6


def test_faces_are_moved_as_far_as_the_strength_says() -> None:
    """Turning, stretching and mirroring leave the middle where it is, so that only a shift moves it."""
    middle = torch.full((48, 48), 60, dtype=torch.uint8)
    middle[21:27, 21:27] = 255

    def moved(strength: float) -> float:
        faces = augment(middle.repeat(400, 1, 1), 48, strength, torch.Generator().manual_seed(0))
        return float((columns(faces) - 23.5).abs().quantile(0.5))

    assert moved(0.0) < 0.05
    assert 0.2 < moved(0.3) < 0.6
    assert 0.7 < moved(1.0) < 1.5  # the shift is at most 2.2 of 48 pixels


def test_light_and_contrast_vary_about_those_of_the_camera() -> None:
    mean = changed(1.0).mean(dim=(1, 2))
    plain = float(face().float().mean())
    assert float(mean.std()) > 10
    assert abs(float(mean.median()) - plain) < 15


def test_up_to_a_quarter_of_the_faces_is_partly_covered_by_one_gray() -> None:
    def covered(strength: float) -> float:
        """The share with a flat patch: augmented faces bear noise, a cover does not."""
        patches = changed(strength).unfold(1, 5, 5).unfold(2, 5, 5).flatten(3)
        flat = (patches.amax(dim=3) == patches.amin(dim=3)).flatten(1).any(dim=1)
        return float(flat.float().mean())

    assert 0.1 < covered(1.0) < 0.45
    assert covered(0.2) < covered(1.0)
