"""The command `worker`: one process of a distributed system."""

import runpy
from typing import Annotated, Literal

import typer

from affectstream.extras import require

app = typer.Typer()

WorkerName = Literal["video", "audio", "text", "asr", "fusion", "alerts", "api"]
MODULES: dict[WorkerName, str] = {
    "video": "affectstream.workers.video",
    "audio": "affectstream.workers.audio",
    "text": "affectstream.workers.text",
    "asr": "affectstream.workers.asr",
    "fusion": "affectstream.workers.fusion",
    "alerts": "affectstream.workers.alerts",
    "api": "affectstream.dashboards",
}
EXTRAS: dict[WorkerName, tuple[str, ...]] = {
    "video": ("inference",),
    "audio": ("inference",),
    "text": ("inference",),
    "asr": ("asr",),
    "fusion": ("fusion",),
    "alerts": (),
    "api": ("dashboards",),
}


@app.command()
def worker(name: Annotated[WorkerName, typer.Argument(help="which process")]) -> None:
    """Run one process of a distributed system; `affectstream config` shows its settings."""
    require(f"worker {name}", EXTRAS[name])
    runpy.run_module(MODULES[name], run_name="__main__", alter_sys=True)
