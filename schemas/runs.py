"""The runs of a session, as Redis holds them."""

from dataclasses import dataclass

UNNAMED = ""  # the run of messages without one


@dataclass(frozen=True)
class Runs:
    """The runs of one session."""

    kept: str | None = None  # the run whose windows are kept; None where there are none
    claims: tuple[str, ...] = ()  # by producers, oldest first

    def __bool__(self) -> bool:
        return self.kept is not None or bool(self.claims)
