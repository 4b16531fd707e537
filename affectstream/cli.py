"""The command tree. A module is imported when its command is chosen."""

import atexit
import gc
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from affectstream.commands import BENEATH, COMMANDS
from affectstream.console import print_error, tolerate_any_encoding
from affectstream.extras import remedy, require
from affectstream.schemas.errors import AffectError


class CommandTree(TyperGroup):
    """The group of all commands; it lists them from the table, and imports the one that is chosen."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=entry.help) for name, entry in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that ``args`` begin with, imported; refuses an unknown one.

        Raises Unavailable where the command lacks one of its extras; its help does not need them.
        """
        words = 2 if " ".join(args[:2]) in BENEATH else 1
        name = " ".join(args[:words])
        if name not in COMMANDS | BENEATH:
            return super().resolve_command(ctx, args)
        if "--help" not in args:
            require(name, (COMMANDS | BENEATH)[name].extras)
        return name, load(name), args[words:]


def load(name: str) -> Any:
    """Import a command, or a group of them."""
    entry = (COMMANDS | BENEATH)[name]
    group = typer.main.get_group(import_module(entry.module).app)
    if entry.group:
        group.name, group.help = name, entry.help
        return group
    return group.commands[name]


RARELY = (100_000, 50, 50)  # imports leave nothing to collect, and looking took a quarter of a short command

app = typer.Typer(
    cls=CommandTree,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Exit codes: 0 done, 1 a check failed, 2 something was wrong with the request, 130 interrupted.",
)


@app.callback(help="Real-time emotion recognition for calls: event-time fusion of face, voice and words.")
def _affectstream() -> None:
    """Give the tree a root without options of its own."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a mistake of the user's ends in one clear line, never in a traceback."""
    tolerate_any_encoding()
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # what it cannot do is told as an error
    gc.set_threshold(*RARELY)
    atexit.register(gc.freeze)  # modules need no last look at the end of a process
    try:
        app(args=arguments, prog_name="affectstream")
    except AffectError as error:
        print_error(str(error))
        sys.exit(2)
    except ModuleNotFoundError as error:
        missing = remedy(error.name)
        if missing is None:
            raise
        print_error(missing)
        sys.exit(2)
    except BrokenPipeError:
        raise
    except OSError as error:
        print_error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
