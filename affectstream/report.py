"""The report on a call as one HTML file that needs no other: in short, events, turns, how to read it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from affectstream.analytics.records import PartySummary, clock
from affectstream.lab.evaluation.document import Block, Bullets, Heading, Paragraph, Picture, Table, html
from affectstream.schemas.conflict import WORDS
from affectstream.schemas.errors import InputError
from affectstream.turns import talk_line

if TYPE_CHECKING:
    from affectstream.analytics.label import Display
    from affectstream.export import Report
    from affectstream.schemas.messages import FusedEmotion
    from affectstream.session_file import Event

ALT = "Displayed labels, probabilities, events and weights over time; the tables below say it in words."
HOW_TO_READ = (
    "Every label is a cue: what a model finds in a face, a voice or words, with its probability. It is no "
    "statement about what a person feels or intends, and not to be used as one.",
    "Confidence is the largest probability, less where evidence was missing. Where it is below the threshold "
    "of the fusion rule, nothing is displayed: the window is unsure.",
    "Face, voice and words are weighed by how decided and how reliable each is. A contradiction is a time in "
    "which their labels differ and so do their probabilities; it says so, and does not decide who is right.",
    "Valence is happy - sad - angry - fear - disgust, between -1 and 1.",
    "Times are minutes and seconds from the start of the call, to the window.",
)


def check_kind(path: Path) -> None:
    """Raise InputError where the ending of a file is not that of a page."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path.name}: name the report .html")


def write(
    made: "Report",
    finals: "Sequence[FusedEmotion]",
    path: Path,
    display: "Display",
    events: "Sequence[Event]" = (),
    with_words: bool = False,
) -> None:
    """Write the report on a session; ``with_words`` where policy permits words. Raises InputError."""
    blocks = list(_blocks(made, finals, _timeline(made, finals, display, events), with_words))
    try:
        path.write_text(html(blocks, f"Call {made.summary.session}"), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _blocks(
    made: "Report", finals: "Sequence[FusedEmotion]", timeline: Picture, with_words: bool
) -> Iterator[Block]:
    summary = made.summary
    yield Heading(f"Call {summary.session}", 1)
    yield Paragraph(
        f"{clock(summary.end_ms - summary.start_ms)} long, {_listed([p.party for p in summary.parties])}. "
        "Cues consistent with an emotion, each with its probability; not a verdict on a person."
    )
    for party in summary.parties:
        yield Heading(party.party.capitalize())
        yield Paragraph(party.text)
        for talk in made.talk.talk if made.talk else ():
            if talk.party == party.party:
                yield Paragraph(f"Conversation: {talk_line(talk)}.")
    yield Heading("Timeline")
    yield timeline
    yield from _happened(made)
    yield from _turns(made, with_words)
    yield Heading("How to read this")
    yield Bullets(HOW_TO_READ)
    yield from _models(made, finals)


def _happened(made: "Report") -> Iterator[Block]:
    origin_ms = made.summary.start_ms
    found = [
        (alert.since_ms, alert.party, "alert", alert.text) for alert in made.alerts if alert.edge == "begin"
    ]
    for party in made.summary.parties:
        found += [(at, party.party, kind, text) for at, kind, text in _of(party)]
    yield Heading("What happened")
    if not found:
        yield Paragraph("No alert, no contradiction and no turning point.")
        return
    rows = tuple((clock(at - origin_ms), who, kind, text) for at, who, kind, text in sorted(found))
    yield Table(("at", "party", "kind", "what"), rows, text=True)


def _of(party: PartySummary) -> Iterator[tuple[int, str, str]]:
    for episode in party.episodes:
        length = f"{(episode.end_ms - episode.start_ms) / 1000:.0f} s"
        yield episode.start_ms, "contradiction", f"{episode.text}, for {length}"
    for turn in party.turning_points:
        yield turn.at_ms, "turn", f"{turn.before} to {turn.after}"


def _turns(made: "Report", with_words: bool) -> Iterator[Block]:
    if made.talk is None or not made.talk.turns:
        return
    origin_ms = made.summary.start_ms
    rows = []
    for turn in made.talk.turns:
        alone = [
            f"{WORDS[m]} {label}"
            for m, label in zip(WORDS, (turn.face, turn.words, turn.voice), strict=True)
            if label
        ]
        label = "unsure" if turn.label is None else f"{turn.label} {turn.confidence:.2f}"
        valence = "" if turn.valence is None else f"{turn.valence:+.2f}"
        said = (turn.text or "",) if with_words else ()
        rows.append((clock(turn.start_ms - origin_ms), turn.party, label, ", ".join(alone), valence, *said))
    yield Heading("Turns")
    columns = ("at", "party", "cue", "alone", "valence", *(("words",) if with_words else ()))
    yield Table(columns, tuple(rows), text=True)


def _models(made: "Report", finals: "Sequence[FusedEmotion]") -> Iterator[Block]:
    names = sorted({state.model_id for f in finals for state in f.modalities if state.model_id})
    rules = sorted({final.rule for final in finals})
    yield Heading("Models")
    yield Paragraph(f"Models: {_listed(names) or 'none'}. Fusion: {_listed(rules)}.")
    yield Paragraph(
        "What each was measured on, and where it fails, is on its card: docs/models of affectstream."
    )
    if made.licence:
        yield Paragraph(made.licence)


def _timeline(
    made: "Report", finals: "Sequence[FusedEmotion]", display: "Display", events: "Sequence[Event]"
) -> Picture:
    from affectstream.plot import draw

    with TemporaryDirectory() as folder:
        path = Path(folder) / "timeline.png"
        draw(finals, path, "", display, made.alerts, events)
        alt = (
            "Displayed labels, probabilities, events and weights over time; the tables below say it in words."
        )
        return Picture("timeline.png", alt, path.read_bytes())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else ""
