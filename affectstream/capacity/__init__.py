"""The command `capacity`: what a number of calls at once needs, from measured unit costs."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from affectstream.capacity.costs import on_gpu, read
from affectstream.capacity.plan import ON_GPU, Need, Profile, needs
from affectstream.schemas.errors import InputError
from affectstream.tables import listing

app = typer.Typer()
out = Console()

DEFAULT = Profile()


@app.command()
def capacity(
    calls: Annotated[int, typer.Option(min=1, max=10_000_000, help="at once")],
    cameras: Annotated[float, typer.Option(min=0, help="of a call, on average")] = DEFAULT.cameras,
    fps: Annotated[float, typer.Option(min=0, help="frames a second of a camera")] = DEFAULT.fps,
    voices: Annotated[float, typer.Option(min=0.1, help="parties of a call that are heard")] = DEFAULT.voices,
    utterances: Annotated[
        float, typer.Option(min=0, help="a minute, of each voice")
    ] = DEFAULT.utterances_a_minute,
    busy_hours: Annotated[
        float, typer.Option(min=0.1, max=24, help="of a day with so many calls")
    ] = DEFAULT.busy_hours,
    keep_hours: Annotated[
        float | None, typer.Option(min=0.1, help="finals in Redis; default: redis.ttl_s", show_default=False)
    ] = None,
    gpu_rates: Annotated[
        str | None,
        typer.Option(
            metavar="FRAMES,CHUNKS,UTTERANCES",
            help="a second on one GPU, as `make bench ARGS=models` prints them there",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Compute the processes, partitions, brokers, Redis servers and GPUs for so many calls at once."""
    from affectstream.runtime.settings import load

    ttl_s = load().redis.ttl_s if keep_hours is None else keep_hours * 3600
    profile = Profile(cameras, fps, voices, utterances, busy_hours, ttl_s)
    costs = read() if gpu_rates is None else on_gpu(read(), _rates(gpu_rates))
    found = needs(calls, profile, costs, gpu_rates is not None)
    if json:
        _print_json(calls, profile, found)
        return
    out.print(_table(calls, found, measured=gpu_rates is not None))


def _rates(text: str) -> dict[str, float]:
    """Return the inputs a second of each modality on one GPU; raises InputError."""
    try:
        found = dict(zip(ON_GPU, map(float, text.split(",")), strict=True))
    except ValueError:
        found = {}
    if not found or not all(0 < rate < float("inf") for rate in found.values()):
        raise InputError(f"--gpu-rates {text}: three numbers, as 3000,2500,900")
    return found


def _table(calls: int, found: list[Need], measured: bool) -> Table:
    """Return the table of the parts; it says where no GPU was ``measured``."""
    table = listing(f"{calls:,} calls at once", "part", "how many", "", "memory, GiB", "follows from")
    for need in found:
        cells = (need.part, f"{need.count:,}", need.unit, f"{need.memory_gib:,.1f}", need.because)
        table.add_row(*map(Text, cells))
    gpus = "" if measured else "\nno GPU was measured, so workers run on processors here: --gpu-rates"
    table.caption = Text(f"measured costs and what is assumed: docs/capacity.md{gpus}")
    table.caption_justify = "left"
    return table


def _print_json(calls: int, profile: Profile, found: list[Need]) -> None:
    from dataclasses import asdict
    from json import dumps

    whole = {"calls": calls, "profile": asdict(profile), "needs": [asdict(need) for need in found]}
    typer.echo(dumps(whole, indent=2))
