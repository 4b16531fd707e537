"""A drawn head whose expression changes: a lit relief of a face, with brows, eyes and mouth on it.

Coordinates are those of the face: u to the right, v down, half a face is one wide. Nobody sat for it.
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 440  # of the picture, in pixels
UNIT = 118.0  # pixels
MIDDLE = (220.0, 225.0)
EDGE = 1.4 / UNIT  # over which an outline is smooth
SKIN, LIP, HAIR = (214, 164, 138), (176, 92, 88), (52, 36, 28)
BROW_V, EYE_U, EYE_V, MOUTH_V = -0.415, 0.40, -0.205, 0.585
Picture = NDArray[np.uint8]
Field = NDArray[np.floating]  # (SIDE, SIDE)
Colours = NDArray[np.float32]  # (SIDE, SIDE, 3)

_V, _U = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
U, V = (_U - MIDDLE[0]) / UNIT, (_V - MIDDLE[1]) / UNIT
A = np.abs(U)  # both halves alike
_noise = np.random.default_rng(3).normal(0, 1, (2, SIDE, SIDE)).astype(np.float32)
PORES = cv2.GaussianBlur(_noise[0], (0, 0), 1.0)
STRANDS = cv2.GaussianBlur(_noise[1], (0, 0), sigmaX=0.8, sigmaY=6.0)


@dataclass(frozen=True)
class Expression:
    """How far the parts of a face are from rest, in units of the face."""

    brow_in: float = 0.0  # inner ends up
    brow_out: float = 0.0
    squeeze: float = 0.0  # inner ends together
    lids: float = 0.0  # upper lids up
    lower: float = 0.0  # lower lids up
    corner: float = 0.0  # corners of the mouth up
    wide: float = 0.0
    open: float = 0.0
    press: float = 0.0  # lips thin, 0 to 1
    upper: float = 0.0  # upper lip up
    cheek: float = 0.0  # cheeks up, 0 to 1
    wrinkle: float = 0.0  # of the nose, 0 to 1

    def mixed(self, other: "Expression", share: float) -> "Expression":
        """Return what lies a share of the way to another one."""
        names = [field.name for field in fields(self)]
        return Expression(*(getattr(self, n) * (1 - share) + getattr(other, n) * share for n in names))


EXPRESSIONS = {
    "neutral": Expression(),
    "angry": Expression(
        brow_in=-0.15, brow_out=0.03, squeeze=0.09, lids=0.032, lower=0.03, corner=-0.07, wide=-0.04,
        press=0.6, wrinkle=0.7,
    ),
    "happy": Expression(
        brow_in=0.02, brow_out=0.02, lids=0.008, lower=0.032, corner=0.13, wide=0.12, open=0.08,
        upper=0.015, cheek=0.7,
    ),
    "sad": Expression(
        brow_in=0.10, brow_out=-0.05, squeeze=0.03, lids=0.008, corner=-0.12, wide=-0.03, press=0.2
    ),
    "surprised": Expression(brow_in=0.12, brow_out=0.13, lids=0.105, open=0.22, wide=-0.10),
}  # fmt: skip


def draw(e: Expression, light: float, blink: float = 0.0) -> Picture:
    """Return a head in front of a wall as an RGB picture; ``light`` is where the window is, -1 to 1."""
    lit = _lit(e, light)
    picture = _hair(_skin(_behind(), lit), lit)
    picture = _brows(_eyes(picture, e, blink), e)
    return np.clip(_mouth(_nose(picture, e), e, lit), 0, 255).astype(np.uint8)


def _bump(u: Field, v: Field, at: tuple[float, float], size: tuple[float, float]) -> Field:
    return np.exp(-(((u - at[0]) / size[0]) ** 2 + ((v - at[1]) / size[1]) ** 2) / 2)


def _line(distance: Field, width: float) -> Field:
    return np.exp(-((distance / width) ** 2))


def _inside(distance: Field) -> Field:
    """Return 1 where a signed distance is below zero, 0 above it, smooth between."""
    return np.clip(0.5 - distance / EDGE / 2, 0, 1)


def _oval(u: Field, v: Field, at: tuple[float, float], size: tuple[float, float]) -> Field:
    return np.sqrt(((u - at[0]) / size[0]) ** 2 + ((v - at[1]) / size[1]) ** 2) - 1


def _over(picture: Colours, colour: object, mask: Field) -> Colours:
    return picture + (np.asarray(colour, np.float32) - picture) * mask[..., None]


def _relief(e: Expression) -> Field:
    """Return the height of the face above its outline."""
    z = 0.85 * np.sqrt(np.clip(1 - (U / 1.02) ** 2 - (V / 1.32) ** 2, 0.02, 1))
    down = np.clip((V + 0.34) / 0.62, 0, 1)
    bridge = 0.24 * down * (V < 0.30) * _line(U / (0.085 + 0.07 * down), 1.14)
    z += cv2.GaussianBlur(bridge.astype(np.float32), (0, 0), 3.2)
    z += 0.07 * _bump(U, V, (0, 0.25), (0.10, 0.075)) + 0.045 * _bump(A, V, (0.13, 0.27), (0.06, 0.055))
    z -= 0.13 * _bump(A, V, (0.40, -0.20), (0.19, 0.10))
    z += 0.05 * _bump(A, V, (0.40, -0.40 - 0.3 * e.brow_in), (0.25, 0.07))
    z += (0.07 + 0.07 * e.cheek) * _bump(A, V, (0.50, 0.17 - 0.05 * e.cheek), (0.19, 0.15))
    z += 0.05 * _bump(U, V, (0, 0.66), (0.26, 0.10)) + 0.07 * _bump(U, V, (0, 1.0), (0.20, 0.12))
    fold = A - (0.20 + 0.30 * np.clip((V - 0.22) / 0.45, 0, 1) + 0.06 * e.wide)  # from nose to mouth
    depth = 0.012 + 0.05 * e.cheek + 0.12 * max(0.0, -e.corner) + 0.025 * e.wrinkle
    z -= depth * _line(fold, 0.035) * np.clip((V - 0.18) / 0.1, 0, 1) * np.clip((0.72 - V) / 0.15, 0, 1)
    return z - 0.45 * e.squeeze * _line(A - 0.055, 0.02) * _line(V + 0.36, 0.13)


def _lit(e: Expression, light: float) -> Field:
    """Return how much light falls where (Lambert): a window, its reflection, and the room."""
    slope_v, slope_u = np.gradient(cv2.GaussianBlur(_relief(e).astype(np.float32), (0, 0), 1.6), 1 / UNIT)
    normal = np.stack([-slope_u, -slope_v, np.ones_like(slope_u)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    window, wall = np.array([light, -0.55, 0.85]), np.array([-light, 0.1, 0.9])
    shares = [np.clip(normal @ (lamp / np.linalg.norm(lamp)), 0, 1) for lamp in (window, wall)]
    return 0.30 + 0.62 * shares[0] + 0.22 * shares[1]


def _behind() -> Colours:
    """Return the wall, the hair behind the face, neck, shoulders and ears."""
    down = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None]
    picture = np.array([150, 160, 168]) * (1 - down) + np.array([112, 118, 122]) * down
    picture = np.repeat(picture.astype(np.float32), SIDE, axis=1)
    picture = _over(picture, np.array(HAIR) * 0.8, _inside(_oval(U, V, (0, -0.22), (1.10, 1.22))))
    picture = _over(picture, np.array(SKIN) * 0.62, _inside(np.maximum(A - 0.45, 0.8 - V)))
    collar = 1.42 + 0.25 * A**1.5 * (A > 0.3) - V + 0.15 * _line(U, 0.35)
    picture = _over(picture, (64, 84, 120), _inside(collar))
    return _over(picture, np.array(SKIN) * 0.78, _inside(0.11 * _oval(A, V, (0.97, -0.02), (0.11, 0.22))))


def _skin(picture: Colours, lit: Field) -> Colours:
    jaw = 0.30 * np.clip((V - 0.15) / 1.1, 0, 1) ** 1.7
    width = 0.93 - jaw - 0.10 * np.clip((-V - 0.6) / 0.6, 0, 1) ** 2
    outline = np.sqrt((U / width) ** 2 + np.where(V > 0, V / 1.20, V / 1.12) ** 2) - 1
    red = 0.5 * _bump(A, V, (0.5, 0.2), (0.22, 0.16)) + 0.4 * _bump(U, V, (0, 0.25), (0.13, 0.1))
    colour = np.array(SKIN, np.float32) + red[..., None] * np.array([6, -16, -14], np.float32)
    return _over(picture, colour * (lit * (1 + 0.012 * PORES))[..., None], _inside(0.9 * outline))


def _hair(picture: Colours, lit: Field) -> Colours:
    fringe = _inside(V + 0.86 - 0.24 * (A / 0.9) ** 3 - 0.05 * np.sin(3 * U + 1))
    fringe *= _inside(_oval(U, V, (0, -0.30), (1.02, 1.12)))
    sides = _inside(np.maximum(0.86 - A, V - 0.15)) * _inside(_oval(U, V, (0, -0.25), (1.04, 1.15)))
    colour = np.array(HAIR) * (1 + 0.25 * STRANDS[..., None]) * (0.85 + 0.3 * lit[..., None])
    return _over(picture, colour, np.maximum(fringe, sides))


def _eyes(picture: Colours, e: Expression, blink: float) -> Colours:
    x = (A - EYE_U) / 0.215
    near = np.abs(x) < 1
    arch = np.clip(1 - x**2, 0, 1)
    high = EYE_V - (0.060 + e.lids) * (1 - blink) * arch**0.75 + 0.02 * blink * arch
    low = EYE_V + (0.055 - e.lower) * (1 - 0.4 * blink) * arch**0.9
    eye = _inside(np.maximum(high - V, V - low)) * near
    picture = _over(picture, (120, 84, 70), 0.35 * _bump(A, V, (EYE_U, -0.20), (0.24, 0.11)))
    picture = _over(picture, (232, 228, 222), eye)
    from_iris = np.hypot(A - EYE_U, V + 0.215)
    picture = _over(picture, (84, 62, 44), eye * _inside(from_iris - 0.088))
    picture = _over(picture, (14, 12, 12), eye * _inside(from_iris - 0.043))
    glint = np.hypot(A - EYE_U + 0.03 * np.sign(U), V + 0.245)
    picture = _over(picture, (250, 250, 250), eye * _inside(glint - 0.017))
    picture = _over(picture, (60, 44, 40), 0.45 * eye * _line(V - high, 0.035) * (high < V))
    picture = _over(picture, (34, 22, 20), 0.95 * _line(V - high, 0.016) * (np.abs(x) < 1.04))
    picture = _over(picture, (120, 78, 66), 0.5 * _line(V - low, 0.012) * near)
    return _over(picture, (118, 76, 62), 0.45 * _line(V - high + 0.055 + 0.02 * e.lids, 0.014) * near)


def _brows(picture: Colours, e: Expression) -> Colours:
    inner, outer = 0.17 - e.squeeze, 0.70
    t = np.clip((A - inner) / (outer - inner), 0, 1)
    middle = BROW_V - e.brow_in * (1 - t) ** 1.5 - e.brow_out * t - 0.10 * np.sin(np.pi * (0.15 + 0.75 * t))
    thick = 0.052 * (1 - 0.65 * t**1.5)
    mask = _inside(np.abs(V - middle - 0.075) - thick) * _inside(inner - A) * _inside(A - outer)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.1)
    return _over(picture, np.array(HAIR) * (0.9 + 0.2 * STRANDS[..., None]), 0.92 * soft)


def _nose(picture: Colours, e: Expression) -> Colours:
    lift = 0.02 * e.wrinkle
    picture = _over(picture, (70, 38, 34), 0.75 * _bump(A, V, (0.085, 0.325 - lift), (0.032, 0.014)))
    picture = _over(picture, (120, 74, 62), 0.35 * _bump(U, V, (0, 0.355 - lift), (0.10, 0.012)))
    wing = _oval(A, V, (0.13, 0.28 - lift), (0.085, 0.075))
    picture = _over(picture, (120, 74, 62), 0.30 * _line(wing, 0.16) * (A > 0.12))
    for at in (-0.10, -0.05):
        wrinkle = _line(V - at + 0.25 * A, 0.012) * _bump(A, V, (0.08, at), (0.05, 1))
        picture = _over(picture, (128, 82, 68), 0.35 * e.wrinkle * wrinkle)
    furrow = _line(A - 0.05, 0.013) * _line(V + 0.36, 0.106)
    return _over(picture, (112, 70, 58), 0.6 * min(1.0, 9 * e.squeeze) * furrow)


def _mouth(picture: Colours, e: Expression, lit: Field) -> Colours:
    half = 0.30 + e.wide
    x = np.clip(A / half, 0, 1)
    rest, inside = np.clip(1 - x**2, 0, 1), half > A
    thin = 1 - 0.6 * e.press
    line = MOUTH_V - e.corner * (x**2 - 0.25)
    gap = e.open * rest**0.8
    top, low = line - 0.35 * gap - e.upper * rest, line + 0.65 * gap
    over = top - thin * (0.075 * rest**0.7 - 0.018 * _line(U, 0.05))
    under = low + thin * 0.098 * rest**0.65
    lip, light = np.array(LIP, np.float32), lit[..., None]
    picture = _over(picture, lip * (0.62 + 0.35 * light), _inside(np.maximum(over - V, V - top)) * inside)
    picture = _over(picture, lip * (0.72 + 0.42 * light), _inside(np.maximum(low - V, V - under)) * inside)
    if e.open > 0.004:
        hole = _inside(np.maximum(top - V, V - low)) * inside
        edge = top + 0.085 * min(1.0, e.open / 0.06) * np.sqrt(rest)
        teeth = hole * _inside(np.maximum(top - V, V - edge)) * (0.88 * half > A)
        picture = _over(_over(picture, (46, 16, 18), hole), (226, 220, 208), teeth)
    picture = _over(
        picture, (92, 36, 36), 0.8 * _line(V - line, 0.012) * inside * np.clip(1 - gap / 0.02, 0, 1)
    )
    end = (half + 0.01, MOUTH_V - 0.75 * e.corner)
    picture = _over(picture, (104, 56, 48), 0.55 * _bump(A, V, end, (0.028, 0.028)))
    chin = (0, float(under.max()) + 0.055)
    return _over(picture, (130, 84, 70), 0.30 * _bump(U, V, chin, (0.16, 0.025)))
