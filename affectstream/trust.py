"""The commands `trust set`, `trust clear` and `trust show`: an operator's trust in a modality."""

import asyncio
import re
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import MODALITIES, Modality

if TYPE_CHECKING:
    from rich.table import Table

    from affectstream.runtime.operator_trust import Entry

app = typer.Typer(no_args_is_help=True)
out = Console()

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

Which = Annotated[Modality, typer.Argument(help="whose trust")]
By = Annotated[str | None, typer.Option(help="name for the log; default: your user name", show_default=False)]


@app.command("set")
def set_(
    modality: Which,
    value: Annotated[float, typer.Argument(min=0.0, max=1.0, help="0 to 1; at least 0.05 counts")],
    for_: Annotated[
        str | None, typer.Option("--for", help="for how long: 90s, 10m, 2h, 1d", show_default=False)
    ] = None,
    by: By = None,
) -> None:
    """Override the measured trust of a modality, in all calls."""
    for_s = None if for_ is None else seconds(for_)
    asyncio.run(_set({modality: value}, by, for_s))
    until = f" for {for_}" if for_ else ", until it is cleared"
    out.print(f"{modality} is trusted {value:g}{until}", highlight=False)


@app.command()
def clear(
    modality: Annotated[
        Modality | None, typer.Argument(help="whose; default: all", show_default=False)
    ] = None,
    by: By = None,
) -> None:
    """Remove an operator's override: the measured trust applies again."""
    asyncio.run(_set(dict.fromkeys([modality] if modality else MODALITIES), by, None))
    out.print(f"{modality or 'every modality'} is trusted as it was measured", highlight=False)


@app.command()
def show(limit: Annotated[int, typer.Option(min=1, help="lines of the record, newest first")] = 10) -> None:
    """Show the trust in force and the log of overrides."""
    trust, entries = asyncio.run(_read(limit))
    for modality in MODALITIES:
        value = f"{trust[modality]:g}, an operator's" if modality in trust else "as measured"
        out.print(f"{modality:5}  {value}", highlight=False)
    if entries:
        out.print(_record(entries))


def seconds(text: str) -> float:
    """Return a duration like ``10m`` in seconds; raises InputError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if not found or not float(found[1]):
        raise InputError(f"--for {text}: a number with s, m, h or d, like 10m")
    return float(found[1]) * UNITS_S[found[2]]


def _record(entries: "list[Entry]") -> "Table":
    from affectstream.tables import listing, utc

    table = listing("record", "when (UTC)", "who", "what", "until (UTC)")
    for entry in entries:
        what = ", ".join(f"{m} {'as measured' if v is None else f'{v:g}'}" for m, v in entry.trust.items())
        verb = {"set": "set", "saw": "goes by"}[entry.did]
        until = "" if entry.until_ms is None else utc(entry.until_ms)
        table.add_row(utc(entry.at_ms), escape(entry.by), f"{verb} {what or 'what was measured'}", until)
    return table


async def _set(trust: dict[Modality, float | None], by: str | None, for_s: float | None) -> None:
    from affectstream.runtime.audit import audit_log, user
    from affectstream.runtime.settings import load
    from affectstream.runtime.store import FusedStore

    settings, by = load(), by or user()
    async with FusedStore(settings.redis) as store:
        await store.set_trust(trust, by, for_s)
    detail = {**{str(modality): value for modality, value in trust.items()}, "for_s": for_s}
    audit_log(settings.policy).append("trust", by=by, detail=detail)


async def _read(limit: int) -> "tuple[dict[Modality, float], list[Entry]]":
    from affectstream.runtime.settings import load
    from affectstream.runtime.store import FusedStore

    async with FusedStore(load().redis) as store:
        return await store.trust(), await store.trust_log(limit)
