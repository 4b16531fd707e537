"""The command `rescore`: recordings through other models, fitted files or rules, and what differs then."""

import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from affectstream.options import Purpose
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import MODALITIES, FusedEmotion, Modality, Observation, Observations

if TYPE_CHECKING:
    from affectstream.analytics.differences import Differences
    from affectstream.runtime.recording import Recording
    from affectstream.runtime.settings import Settings

app = typer.Typer()
out = Console()

Model = Annotated[
    str | None,
    typer.Option(help="a hub model id or a local folder, or shipped", show_default=False),
]
Rule = Annotated[str | None, typer.Option(help="of fusion (docs/rules.md)", show_default=False)]
FittedFile = Annotated[
    Path | None, typer.Option(help="what `affectstream fusion fit` wrote", show_default=False)
]
AllMedia = Annotated[
    bool, typer.Option("--media", help="read all media again, also where the model is the same")
]
Shadow = Annotated[
    bool, typer.Option("--shadow", help="with the answers of a model in shadow in the place of those fused")
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="all differences, as .json", show_default=False)
]
Key = tuple[str, str, int]  # party, modality and number of an input
SHIPPED = "shipped"
SHOWN = 8  # alerts gained and lost, of each recording


@app.command()
def rescore(
    files: Annotated[list[Path], typer.Argument(metavar="FILE.mcap", help="recordings", show_default=False)],
    face_model: Model = None,
    voice_model: Model = None,
    text_model: Model = None,
    rule: Rule = None,
    fitted: FittedFile = None,
    media: AllMedia = False,
    shadow: Shadow = False,
    agent_purpose: Purpose = None,
    output: Output = None,
) -> None:
    """Run recordings through other models, fitted files or rules, and show what would have differed."""
    from affectstream.console import print_warnings
    from affectstream.export import check_file
    from affectstream.runtime.settings import load

    if shadow and (media or face_model or voice_model or text_model):
        raise InputError("--shadow takes stored answers: it goes with --rule and --fitted only")
    if output:
        check_file(output)
    logging.disable(logging.INFO)
    print_warnings()
    base = load()
    base = base.permitting(agent_purpose or base.policy.agent_purpose)
    models = {
        m: name for m, name in zip(MODALITIES, (face_model, voice_model, text_model), strict=True) if name
    }
    changed = _changed(base, models, rule, fitted)
    anew = frozenset(MODALITIES) if media else frozenset(models)
    found = [(path, *_compared(path, base, changed, anew, shadow)) for path in files]
    _print(found)
    if output:
        options = {"models": models, "rule": rule, "fitted": fitted and str(fitted)}
        _write(output, found, options | {"media": media, "shadow": shadow})


def _compared(
    path: Path, base: "Settings", changed: "Settings", anew: Collection[Modality], shadow: bool
) -> "tuple[Recording, Differences]":
    """Return a recording and what differs in it then; raises InputError, PolicyError."""
    from affectstream.analytics.differences import differences
    from affectstream.analytics.rules import read
    from affectstream.recordings import note_files
    from affectstream.runtime.recording import open_recording

    recording = open_recording(path)
    _require(recording, base)
    note_files([path], recording.session_id, base.policy)
    if shadow:  # both readings by one rule: what differs is what the models answered
        before = scored(recording, changed, frozenset())
    else:
        before = recording.finals() or scored(recording, base, frozenset())
    after = scored(recording, changed, anew, shadow_answers(recording) if shadow else {})
    if not after:
        raise InputError(f"{path}: too short: it holds no window")
    rules = read(base.alerts.rules) if base.alerts.enabled else ()
    return recording, differences(before, after, rules)


def shadow_answers(recording: "Recording") -> dict[Key, Observation]:
    """Return what models in shadow observed, by input; raises InputError where that was not recorded."""
    from affectstream.schemas.topics import SHADOW

    found: dict[Key, Observation] = {}
    for each in recording.messages([SHADOW]):
        if isinstance(each.message, Observations):
            found.update((_key(item), item) for item in each.message.items)
    if not found:
        raise InputError(f"{recording.path}: holds no answers of a model in shadow (docs/operations.md)")
    return found


def _key(item: Observation) -> Key:
    return item.party, item.modality, item.seq


def scored(
    recording: "Recording",
    settings: "Settings",
    anew: Collection[Modality],
    instead: Mapping[Key, Observation] = MappingProxyType({}),
) -> list[FusedEmotion]:
    """Return the finals of a recording under settings: media of ``anew`` are read again, else probabilities.

    An observation in ``instead`` is taken in the place of the stored one of the same input. Where no
    probabilities are stored, all media are read. Raises InputError where those are not there.
    """
    from affectstream.schemas.topics import MEDIA, PROBABILITIES
    from affectstream.workers.fusion.offline import offline_join

    if not recording.holds(PROBABILITIES):
        anew = frozenset(MODALITIES)
    if anew and not recording.holds(*MEDIA.values()):
        raise InputError(f"{recording.path}: holds no media for another model; --rule and --fitted need none")
    join = offline_join(settings.fusion)
    panes: list[FusedEmotion] = []
    for item in _observations(recording, settings, anew):
        panes += join.push(instead.get(_key(item), item).model_copy(update={"run": ""}))
    panes += join.finish()
    return [pane for pane in panes if pane.pane == "final"]


def _observations(
    recording: "Recording", settings: "Settings", anew: Collection[Modality]
) -> Iterator[Observation]:
    """Yield observations, stored ones and then those made anew."""
    from affectstream.analyze import observed
    from affectstream.schemas.topics import MEDIA, PROBABILITIES

    for each in recording.messages([PROBABILITIES]):
        if isinstance(each.message, Observations):
            yield from (item for item in each.message.items if item.modality not in anew)
    if anew:
        messages = recording.messages([MEDIA[modality] for modality in MODALITIES if modality in anew])
        batches = observed((each.message for each in messages), settings)  # type: ignore[misc]  # of media
        yield from chain.from_iterable(batches)


def _changed(
    base: "Settings", models: dict[Modality, str], rule: str | None, fitted: Path | None
) -> "Settings":
    """Return the settings with other models, another rule and another fitted file."""
    groups: dict[str, Any] = {}
    for modality, name in models.items():
        own = {"model": "" if name == SHIPPED else name, "revision": None}
        groups[modality] = getattr(base, modality).model_copy(update=own)
    given = {name: value for name, value in (("rule", rule), ("fitted", fitted)) if value is not None}
    groups["fusion"] = base.fusion.model_copy(update=given)
    return base.model_copy(update=groups)


def _require(recording: "Recording", settings: "Settings") -> None:
    from affectstream.schemas import policy
    from affectstream.schemas.messages import PARTIES

    for party in PARTIES:
        if any(stream.party == party for stream in recording.streams):
            policy.require(party, settings.policy.agent_purpose)


def _print(found: "Sequence[tuple[Path, Recording, Differences]]") -> None:
    from affectstream.tables import listing

    table = listing(
        "before: as recorded", "session", "windows", "labels changed", "distance", "confidence", "alerts"
    )
    for _, recording, made in found:
        numbers = made.summary()
        share = numbers["labels_changed"] / max(1, numbers["windows"])
        table.add_row(
            escape(recording.session_id),
            str(numbers["windows"]),
            f"{numbers['labels_changed']} ({share:.0%})",
            f"mean {numbers['mean_distance']:.3f}, at most {numbers['largest_distance']:.3f}",
            f"{numbers['confidence_before']:.2f} > {numbers['confidence_after']:.2f}",
            f"{numbers['alerts_gained']} gained, {numbers['alerts_lost']} lost",
        )
    out.print(table)
    for _, recording, made in found:
        for what, raised in (("gained", made.gained), ("lost", made.lost)):
            for each in raised[:SHOWN]:
                at_s = (each.since_ms - recording.start_ms) / 1000
                out.print(
                    f"{recording.session_id} {what}: {at_s:.0f} s {each.text}", highlight=False, markup=False
                )


def _write(
    path: Path, found: "Sequence[tuple[Path, Recording, Differences]]", options: dict[str, Any]
) -> None:
    """Write all differences as JSON; raises InputError."""
    recordings = [
        {"file": str(file), "session": recording.session_id, "run": recording.run, **made.record()}
        for file, recording, made in found
    ]
    try:
        path.write_text(
            json.dumps({"options": options, "recordings": recordings}, indent=1) + "\n", encoding="utf-8"
        )
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
