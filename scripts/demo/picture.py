"""The customer's video: a drawn head that moves, speaks and changes, relit, blurred and hidden."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from head import EXPRESSIONS, SIDE, Expression, Picture, draw
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 480, 360, 10
EASE_S = 0.6
ZOOM = 0.86
SPOKEN = 0.10  # how far the loudest speech opens the mouth
BLINKS_S = 3.7  # between two


@dataclass(frozen=True)
class Stage:
    """When, in seconds, the camera is out of focus and when the face is hidden; what the face does."""

    blurred: tuple[float, float]
    hidden: tuple[float, float]
    faces: Sequence[tuple[float, str, float]]  # from when on, which expression, how much of it
    loudness: NDArray[np.float64]  # of the customer's voice, one value a picture, 0 to 1


def film(stage: Stage, length_s: float) -> Iterator[Picture]:
    """Yield RGB pictures (height, width, 3), ``FPS`` per second."""
    for number in range(int(length_s * FPS)):
        t = number / FPS
        head = draw(expression(stage, t, number), 0.45 + 0.25 * np.sin(0.4 * t), blink(t))
        picture = relit(moved(head, t), amount(t, *stage.blurred))
        picture = defocused(picture, amount(t, *stage.blurred))
        yield covered(picture, amount(t, *stage.hidden))


def amount(t: float, start: float, end: float) -> float:
    """Return how far an event is on at ``t``: 0 outside, 1 inside, eased in before and out after."""
    return float(np.clip(min(t - start, end - t) / EASE_S + 1, 0, 1))


def expression(stage: Stage, t: float, number: int) -> Expression:
    """Return the face at ``t``: it eases from one expression to the next, and opens the mouth to speak."""
    now = Expression()
    for start, name, much in stage.faces:
        aim = EXPRESSIONS["neutral"].mixed(EXPRESSIONS[name], much)
        now = now.mixed(aim, float(np.clip((t - start) / EASE_S + 0.5, 0, 1)))
    spoken = float(stage.loudness[min(number, len(stage.loudness) - 1)])
    return now.mixed(Expression(**(vars(now) | {"open": now.open + SPOKEN, "press": 0.0})), spoken)


def blink(t: float) -> float:
    """Return how far the eyes are shut."""
    since = (t + 0.8 * np.sin(t / 5)) % BLINKS_S
    return float(np.clip(1 - abs(since - 0.15) / 0.15, 0, 1))


def moved(head: Picture, t: float) -> Picture:
    """Let the head sway, nod and come nearer, as in front of a laptop."""
    angle = 2.5 * np.sin(0.9 * t) + 1.5 * np.sin(2.3 * t + 1)
    zoom = ZOOM * (1 + 0.05 * np.sin(0.35 * t))
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), angle, zoom)
    aim = (WIDTH / 2 + 18 * np.sin(0.5 * t), HEIGHT * 0.5 + 6 * np.sin(1.7 * t))
    turn[:, 2] += np.array(aim) - SIDE / 2
    size = (WIDTH, HEIGHT)
    return cv2.warpAffine(head, turn, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)


def relit(picture: Picture, dark: float) -> Picture:
    """Dim the picture."""
    return (picture * (1.0 - 0.72 * dark)).clip(0, 255).astype(np.uint8)


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
