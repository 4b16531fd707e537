"""The command tree: which module holds which command. A module is imported when its command is chosen."""

import atexit
import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from affectstream.extras import remedy, require
from affectstream.schemas.errors import AffectError


class Entry(NamedTuple):
    """Where a command is, its line in the help, and the extras that it cannot do without."""

    module: str
    help: str
    extras: tuple[str, ...] = ()
    group: bool = False  # the module's whole app, a group of commands


COMMANDS: dict[str, Entry] = {
    "analyze": Entry(
        "affectstream.analyze",
        "Read a recorded call in this process, with no broker, as fast as the machine allows.",
        ("capture", "inference"),
    ),
    "demo": Entry(
        "affectstream.up",
        "Replay the demo call on embedded servers and real workers, and watch it being read.",
        ("capture", "inference", "fusion", "embedded", "plot"),
    ),
    "replay": Entry(
        "affectstream.replay",
        "Publish a recorded call to Kafka; the workers that run there read it.",
        ("capture",),
    ),
    "up": Entry(
        "affectstream.up",
        "Run everything on this machine: embedded Kafka and Redis, workers, fusion, alerts and the API.",
        ("inference", "fusion", "dashboards", "embedded"),
    ),
    "worker": Entry(
        "affectstream.worker",
        "Run one process of a distributed system, as configured by `affectstream config`.",
    ),
    "sessions": Entry("affectstream.sessions", "List the sessions that lie in Redis."),
    "show": Entry(
        "affectstream.sessions",
        "Show the windows of a session from Redis, or write them as `analyze` does.",
    ),
    "summary": Entry(
        "affectstream.sessions",
        "Sum a session up per party, with turning points, disagreements and alerts.",
    ),
    "purge": Entry("affectstream.sessions", "Delete everything that Redis holds about a session."),
    "trust": Entry(
        "affectstream.trust",
        "Set, take back and show an operator's trust: it replaces what was measured, in all calls, "
        "within a window, and is recorded.",
        group=True,
    ),
    "topics": Entry("affectstream.topics", "The Kafka topics.", group=True),
    "dashboards": Entry("affectstream.grafana", "The Grafana dashboards.", ("dashboards",), group=True),
    "config": Entry(
        "affectstream.doctor",
        "Print every setting and its value; those that differ from the default are bold, secrets are masked.",
    ),
    "doctor": Entry(
        "affectstream.doctor",
        "Say what is installed, reachable, and on which device; exit code 1 where something is broken.",
    ),
    "licences": Entry(
        "affectstream.doctor",
        "List every model in use and the corpora behind it with their licences.",
    ),
    "train": Entry(
        "affectstream.lab.cli",
        "Train a model in a run folder; other options go to its training, as in: train voice --seed 1.",
        ("training",),
    ),
    "evaluate": Entry(
        "affectstream.lab.cli",
        "Measure a model on what it was not trained on, and show what was aimed at beside what was reached.",
        ("training",),
    ),
    "compare": Entry(
        "affectstream.lab.cli",
        "Show models side by side, with paired bootstrap intervals of their differences.",
        ("training",),
    ),
    "leakcheck": Entry(
        "affectstream.lab.cli",
        "Show what splits of a corpus share between their parts, and by how much a random one flatters.",
        ("training",),
    ),
    "fusion": Entry(
        "affectstream.lab.fusion.cli",
        "Fit, compare and explain the rules that join face, voice and words, on recorded probabilities.",
        ("training",),
        group=True,
    ),
}


class CommandTree(TyperGroup):
    """The group of all commands; it lists them from the table, and imports the one that is chosen."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=entry.help) for name, entry in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that ``args`` begin with, imported; refuses an unknown one.

        Raises Unavailable where the command lacks one of its extras; its help does not need them.
        """
        if not args or args[0] not in COMMANDS:
            return super().resolve_command(ctx, args)
        if "--help" not in args:
            require(args[0], COMMANDS[args[0]].extras)
        return args[0], load(args[0]), args[1:]


def load(name: str) -> Any:
    """Import a command, or a group of them."""
    entry = COMMANDS[name]
    group = typer.main.get_group(import_module(entry.module).app)
    if entry.group:
        group.name = name
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


@app.callback()
def _affectstream() -> None:
    """Read how people in a call feel, as the call happens: event-time fusion of face, voice and words."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a mistake of the user's ends in one clear line, never in a traceback."""
    gc.set_threshold(*RARELY)
    atexit.register(gc.freeze)  # modules need no last look at the end of a process
    try:
        app(args=arguments, prog_name="affectstream")
    except AffectError as error:
        _say(str(error))
        sys.exit(2)
    except ModuleNotFoundError as error:
        missing = remedy(error.name)
        if missing is None:
            raise
        _say(missing)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _say(error: str) -> None:
    """Print an error as it is: the square brackets in it are no markup."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    console.print(Text.assemble(("error:", "bold red"), f" {error}"), soft_wrap=True)
