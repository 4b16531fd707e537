"""The command `evaluate calls`."""

from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from affectstream.lab.calls import bench, page
from affectstream.lab.evaluation.document import show
from affectstream.runtime.settings import load


def measure(
    data: Path | None, run: Path, output: Path | None, quick: bool, out: Console, progress: Progress
) -> None:
    """Measure calls, print the page, and write it with its figures into ``output``; raises InputError."""
    settings = load()
    before = page.read(page.BEFORE)
    with progress:
        found = bench.measure(data, run, settings, progress, quick)
    show(page.blocks(found, before), out)
    if output is not None:
        for path in page.write(found, output):
            out.print(f"wrote {path}", highlight=False, soft_wrap=True)
