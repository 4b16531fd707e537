"""One line of the report of `doctor`, and the guard around what looks for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from affectstream.schemas.errors import AffectError

State = Literal["ok", "absent", "risk", "bad"]


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    ``bad`` marks what stops the system from working, ``risk`` what works now and loses or shows something
    later, ``absent`` what is not there, or may not be looked at.
    """

    area: str
    name: str
    state: State
    detail: str


class Risk(AffectError):
    """What works now, and loses or shows something later."""


def guarded(
    area: str, name: str, look: Callable[[], str], otherwise: Literal["absent", "bad"] = "bad"
) -> Finding:
    """Return what ``look`` finds; ``otherwise`` is the state where it raises an error of the project's."""
    try:
        return Finding(area, name, "ok", look())
    except Risk as error:
        return Finding(area, name, "risk", str(error))
    except AffectError as error:
        return Finding(area, name, otherwise, str(error))
    except ImportError as error:
        return Finding(area, name, "absent", f"{error.name} is not installed")
