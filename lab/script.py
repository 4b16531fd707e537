"""Modules that run as ``python -m``: a mistake of the user's is one line, never a traceback."""

import sys
from collections.abc import Callable

import typer

from affectstream.schemas.errors import AffectError


def run(main: Callable[..., None]) -> None:
    """Run ``main`` with the options of the command line; exits 2 with the message of an AffectError."""
    try:
        typer.run(main)
    except AffectError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
