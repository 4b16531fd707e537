"""The customer's video, a portrait moved, relit, blurred and hidden."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

WIDTH, HEIGHT, FPS = 480, 360, 10
FACE = (224.0, 112.0)  # the middle of the face in the portrait, in pixels
ZOOM = 1.5
EASE_S = 0.6
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Stage:
    """When, in seconds, the camera is out of focus and when the face is hidden."""

    blurred: tuple[float, float]
    hidden: tuple[float, float]


def film(stage: Stage, length_s: float) -> Iterator[Picture]:
    """Yield RGB pictures (height, width, 3), ``FPS`` per second."""
    portrait = data.astronaut()  # NASA, public domain
    for number in range(int(length_s * FPS)):
        t = number / FPS
        picture = moved(portrait, t)
        picture = relit(picture, t, amount(t, *stage.blurred))
        picture = defocused(picture, amount(t, *stage.blurred))
        yield covered(picture, amount(t, *stage.hidden))


def amount(t: float, start: float, end: float) -> float:
    """Return how far an event is on at ``t``: 0 outside, 1 inside, eased in before and out after."""
    return float(np.clip(min(t - start, end - t) / EASE_S + 1, 0, 1))


def moved(portrait: Picture, t: float) -> Picture:
    """Let the head sway, nod and come nearer, as in front of a laptop."""
    angle = 3.0 * np.sin(0.9 * t) + 1.5 * np.sin(2.3 * t + 1)
    zoom = ZOOM * (1 + 0.06 * np.sin(0.35 * t))
    turn = cv2.getRotationMatrix2D(FACE, angle, zoom)
    aim = (WIDTH / 2 + 22 * np.sin(0.5 * t), HEIGHT * 0.46 + 8 * np.sin(1.7 * t))
    turn[:, 2] += np.array(aim) - np.array(FACE)
    size = (WIDTH, HEIGHT)
    return cv2.warpAffine(portrait, turn, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)


def relit(picture: Picture, t: float, dark: float) -> Picture:
    """Light from a window that wanders; ``dark`` dims it."""
    across = np.linspace(-1, 1, WIDTH)
    light = 1.0 + 0.15 * np.sin(0.4 * t) * across - 0.72 * dark
    lit = picture * light[None, :, None]
    return lit.clip(0, 255).astype(np.uint8)


def defocused(picture: Picture, much: float) -> Picture:
    """Blur as a lens that has lost its focus."""
    return cv2.GaussianBlur(picture, (0, 0), 0.1 + 7.0 * much) if much > 0 else picture


def covered(picture: Picture, much: float) -> Picture:
    """Push a sheet of lined paper up in front of the face."""
    top = round(HEIGHT * (1.0 - 0.97 * much))
    if top >= HEIGHT:
        return picture
    picture = picture.copy()
    picture[top:, 40 : WIDTH - 40] = (228, 226, 214)
    for line in range(top + 18, HEIGHT, 24):
        picture[line : line + 2, 60 : WIDTH - 60] = (176, 184, 204)
    return picture
