"""The command `evaluate clips`: each modality and the fused emotion on labelled clips, as analysed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import FusedEmotion

if TYPE_CHECKING:
    from affectstream.lab.evaluation.labelled_clips import LabelledClip
    from affectstream.producers.session import SessionMessage
    from affectstream.runtime.settings import Settings

app = typer.Typer()
out = Console()
err = Console(stderr=True)


@app.command("evaluate clips")
def evaluate_clips(
    folder: Annotated[Path, typer.Argument(help="clips with the emotion in the name, or with a labels.csv")],
    labels: Annotated[
        Path | None, typer.Option(help="a table of path, emotion and speaker", show_default=False)
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="the page, .md")] = None,
    draws: Annotated[int, typer.Option(min=20, help="of the bootstrap")] = 1000,
) -> None:
    """Judge face, voice, words and the fused emotion on labelled clips, through the path of `analyze`."""
    import logging

    from affectstream.export import check_file
    from affectstream.lab.evaluation import document, labelled_clips
    from affectstream.lab.evaluation.document import markdown
    from affectstream.runtime.settings import load

    if output:
        check_file(output)
    settings = load()
    logging.disable(logging.INFO)
    clips = labelled_clips.read(folder, labels)
    with err.status(f"analysing {len(clips)} clips"):
        windows = _analysed(clips, settings)
    page = list(labelled_clips.blocks(clips, windows, draws))
    document.show(page, out)
    if output:
        output.write_text(markdown(page, "plots"), encoding="utf-8")
        out.print(f"wrote {output}", highlight=False, soft_wrap=True)


def _analysed(clips: "Sequence[LabelledClip]", settings: "Settings") -> dict[int, list[FusedEmotion]]:
    """Return the finals by the number of the clip; what cannot be decoded is named and left out."""
    from affectstream.analyze import finals

    found: dict[int, list[FusedEmotion]] = defaultdict(list)
    for window in finals(_messages(clips, settings), settings):
        found[int(window.session_id.removeprefix("clip-"))].append(window)
    if not found:
        raise InputError("no clip holds a window: they are too short, or cannot be decoded")
    return {i: sorted(found[i], key=lambda w: w.end_ms) for i in sorted(found)}


def _messages(clips: "Sequence[LabelledClip]", settings: "Settings") -> "Iterator[SessionMessage]":
    """Yield the messages of all clips one after another, each a session of its own with one party."""
    from affectstream.producers.session import messages
    from affectstream.session_file import SessionArguments, plan

    for i, clip in enumerate(clips):
        arguments = SessionArguments(
            [clip.path], transcript=clip.transcript, session=f"clip-{i}", one_voice=True
        )
        try:
            yield from messages(plan(arguments, settings.producer, 0, None))
        except InputError as error:
            err.print(f"left out: {error}", highlight=False, markup=False, soft_wrap=True)
