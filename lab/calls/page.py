"""The page of the bench: demands first, then every figure as it is now and as it was before.

``before.json`` holds the figures of models and rules of an earlier day, as ``-o`` wrote them.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from affectstream.lab.calls.acted import CORPORA
from affectstream.lab.calls.bench import SOUND, WORDED, Measured
from affectstream.lab.calls.demands import DEMANDS
from affectstream.lab.calls.staged import AIMS
from affectstream.lab.calls.staged import EMOTIONS as SPLICED
from affectstream.lab.calls.strangers import MADE_BY
from affectstream.lab.evaluation.document import Block, Bullets, Command, Heading, Paragraph, Table, markdown
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS

BEFORE = Path(__file__).with_name("before.json")
PAGE, FIGURES = "calls.md", "calls-figures.json"
COMMAND = "affectstream evaluate calls -o docs/models"
ABSENT = "-"

TOP = (
    "What a routine telephone call must look like, measured on real calls without labels, on the same calls "
    "over other lines, and on calm speech of speakers into which their acted emotions are spliced. Every "
    "recording goes through the path of the stream (chunks, workers, join, fusion, displayed label, alert "
    "rules), each channel as the customer of a call, so that the shipped rules watch it: once with nothing "
    "but sound, once with words, which the recogniser finds in the real calls (`analyze --asr`) and which "
    "are laid over the staged ones. The calls are taken to be routine throughout; nobody labelled them. The "
    "shipped rules were chosen without `auto0_mono_mixed`, and the voice has learnt from the others without "
    "labels, never from it. A window lasts a second; *spoken* windows are those with evidence."
)

STRANGERS = (
    "People whom no training heard: two announcers of telephone systems, and readers of letters, syllables "
    "and words, a recording for each language (in some, several people read). They are no calls, but nobody "
    "in them feels what the voice could tell; an alert is a false one. "
    f"`{MADE_BY}` makes the recordings. *Calm* is the share of spoken windows shown as neutral or left open, "
    "*least calm* that of the worst recording. Of the windows before anything is taken off: the share whose "
    "likeliest label is neutral, and (*sure*) that in which an emotion has 0.5 or more, means over the "
    "recordings, with the worst of them. Before, nobody measured it."
)
STAGED = (
    "A minute of one speaker's neutral acted speech, then at least 12 s of their acted anger, sadness, "
    "fear or joy or of neutral speech of other recordings, then 20 s of neutral speech again, all within "
    "300 to 3,400 Hz through mu-law at the level of a routine call. An alert for anger must begin within "
    "the anger or up to 3 s after it, one for distress within sadness or fear; its delay is the median "
    "from where that begins, and *by ...* is the share of the calls with an emotion in which it does. It "
    "must begin in no other: those count against the precision, which all five emotions share, and so do "
    "alerts outside of the splice. TurEV has no fear. *Windows* is the share of windows within the splice "
    "whose likeliest label is the acted one; in the calls with neutral speech alone no rule at all should "
    "raise an alert. *Displayed* is the share of the same windows that show the acted emotion, and (as "
    "another) one that is neither that nor neutral; *elsewhere* is the share of windows outside of the "
    "splice, all neutral speech, that show an emotion. Each speaker is judged by a network of a run of the "
    "voice (`--run`) that never heard them, without that run by the shipped one, as the list below says; "
    "relative rules and the display compare with what that network makes of the routine calls. "
    "`affectstream train voice` makes the run, `affectstream evaluate voice` fits its temperature. Before, "
    "here: networks that had heard no announcers, and the same words, by the rules of before."
)
SAID = (
    "The same calls with words: held-out sentences of customers, as a recogniser writes them, one after "
    "another at 150 words a minute, neutral ones beside neutral speech, complaints and escalation beside "
    "anger, grief and disappointment beside sadness, worry beside fear, joy and relief beside happy speech."
)


def read(path: Path) -> Measured:
    """Return figures as they were written; raises InputError for a file that does not hold them."""
    try:
        return Measured(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} does not hold figures of the bench of calls") from error


def write(now: Measured, folder: Path) -> tuple[Path, Path]:
    """Write the page and the figures into a folder; return their paths. Raises InputError."""
    page, figures = folder / PAGE, folder / FIGURES
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.write_text(markdown(list(blocks(now, read(BEFORE))), "plots"), encoding="utf-8")
        figures.write_text(json.dumps(asdict(now), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write into {folder}: {error.strerror}") from error
    return page, figures


def blocks(now: Measured, before: Measured) -> Iterator[Block]:
    """Yield the page; in brackets stands what was measured before."""
    yield Heading("Calls", 1)
    yield Paragraph(TOP)
    yield Command(COMMAND)
    yield Heading("Demands")
    yield _demands(now, before)
    yield Bullets((f"now: {_about(now)}", f"before: {_about(before)}"))
    both = _Both(now, before)
    yield Heading("Routine calls")
    yield Paragraph(
        "Shares are of spoken windows, by the displayed label; *unsure* are those with evidence and no "
        "displayed label. Steadiness compares neighbouring windows, *halves* the mean distributions of the "
        "first and the second half. Before in brackets."
    )
    yield from _routine(both, SOUND)
    yield Paragraph("The same calls with the words that the recogniser finds in them:")
    yield from _routine(both, WORDED)
    yield Heading("Alerts on routine calls")
    yield _rules(both, SOUND)
    yield _rules(both, WORDED)
    yield from _lines(both)
    if both.rows("strangers"):
        yield from _strangers(both)
    yield Heading("Calls with staged emotions")
    yield Paragraph(STAGED)
    yield from _staged(both, SOUND)
    yield Bullets(tuple(_heard(both, corpus) for corpus in CORPORA if corpus in now.about))
    yield Paragraph(SAID)
    yield from _staged(both, WORDED)
    yield from _sentences(both)


def _routine(both: "_Both", kind: str) -> Iterator[Block]:
    recordings = [*both.rows(f"call{kind}/"), f"calls{kind}"]
    yield both.table(
        f"displayed{kind}", recordings, {"s": "seconds", **{e: e for e in (*EMOTIONS, "unsure")}}
    )
    yield both.table(
        f"steadiness{kind}",
        recordings,
        {
            "no speech": "no speech",
            "same as the window before": "same as before",
            "total variation to the next": "change to the next",
            "between halves": "between halves",
            "alerts": "alerts",
        },
    )


def _lines(both: "_Both") -> Iterator[Block]:
    yield Heading("The same calls over other lines")
    yield Paragraph(
        "Window by window against the recording as it is: share of spoken windows with an equal display "
        "(unsure counts as one), mean total variation of the distributions. The acted row compares "
        "sentences recorded at 16 kHz or more with the same at 8 kHz: the calls but one have no more than 8 "
        "kHz themselves."
    )
    shown = ("equal", "total variation", "calm", "no speech", "alerts")
    yield both.table("line", [*both.rows("line/"), *both.rows("acted/")], {name: name for name in shown})


def _strangers(both: "_Both") -> Iterator[Block]:
    yield Heading("Calm strangers")
    yield Paragraph(STRANGERS)
    shown = ("recordings", "seconds", "calm", "least calm", "alerts", "alerts an hour")
    names = (*shown, "likeliest neutral", "least neutral", "sure", "most sure")
    yield both.table("strangers", both.rows("strangers"), {name: name for name in names})


def _sentences(both: "_Both") -> Iterator[Block]:
    yield Heading("Sentences of service calls")
    yield Paragraph(
        "The held-out part of `lab/calls/sentences.csv`, each sentence by itself, by the shipped text "
        "model: written, and as a recogniser writes (lower case, no marks, fillers, slips). *Complaints* "
        "are complaints and escalation."
    )
    names = ("sentences", "right", "angry", "angry, disgust or sad", "neutral")
    columns = {("n" if name == "sentences" else name): name for name in names}
    yield both.table("sentences", both.rows("words/"), columns)


def _staged(both: "_Both", kind: str) -> Iterator[Block]:
    names = {"calls": "calls", "recall": "recall", "delay, s": "delay"}
    raised = {f"by {emotion}": f"raised by {emotion}" for emotion in SPLICED}
    rest = {"elsewhere an hour": "elsewhere an hour", "precision": "precision"}
    for aim in AIMS:
        rows = [*both.rows(f"{aim}{kind}/"), f"{aim}{kind}"]
        yield both.table(f"alerts for {aim}{kind}", rows, names | raised | rest)
    shown = {emotion: emotion for emotion in SPLICED} | {"any alert an hour of neutral": "calm an hour"}
    yield both.table(f"windows{kind}", [*both.rows(f"windows{kind}/"), f"windows{kind}"], shown)
    columns = {name: name for e in SPLICED for name in (e, f"{e} as another")}
    columns["an emotion elsewhere"] = "elsewhere"
    rows = [*both.rows(f"shown{kind}/"), f"shown{kind}"]
    yield both.table(f"displayed within the splice{kind}", rows, columns)


def _heard(both: "_Both", corpus: str) -> str:
    return (
        f"{CORPORA[corpus]} in the training of the voice: {both.now.about[corpus]}; before: "
        f"{both.before.about.get(corpus, ABSENT)}"
    )


def _about(of: Measured) -> str:
    return "; ".join(f"{name} {value}" for name, value in of.about.items() if name not in CORPORA)


def _demands(now: Measured, before: Measured) -> Table:
    rows = []
    for demand in DEMANDS:
        value, was = _value(now, demand.row, demand.figure), _value(before, demand.row, demand.figure)
        met = ABSENT if value is None else "yes" if demand.met(value) else "no"
        rows.append((demand.what, demand.wanted, _shown(was), _shown(value), met))
    return Table(("demand", "wanted", "before", "now", "met"), tuple(rows))


def _rules(both: "_Both", kind: str) -> Table:
    rows = dict.fromkeys(row for of in both for row in of.figures if row.startswith(f"rule{kind}/"))
    return both.table(f"rule{kind}", [*rows], {"alerts": "alerts", "an hour": "alerts an hour"})


class _Both(NamedTuple):
    """The figures now and before, as cells of tables."""

    now: Measured
    before: Measured

    def rows(self, kind: str) -> list[str]:
        """Return the names of the rows of a kind that are there now."""
        return [row for row in self.now.figures if row.startswith(kind)]

    def table(self, title: str, rows: list[str], columns: dict[str, str]) -> Table:
        cells = tuple(
            (self._title(row), *(self._cell(row, figure) for figure in columns.values())) for row in rows
        )
        return Table((title, *columns), cells)

    def _title(self, row: str) -> str:
        kind, _, name = row.partition("/")
        if kind == "acted":
            return f"acted speech at {name}"
        return CORPORA.get(name, name) or "all"

    def _cell(self, row: str, figure: str) -> str:
        value, was = _value(self.now, row, figure), _value(self.before, row, figure)
        compared = was != value and row in self.before.figures
        return f"{_shown(value)} ({_shown(was)})" if compared else _shown(value)


def _value(of: Measured, row: str, figure: str) -> float | None:
    return of.figures.get(row, {}).get(figure)


def _shown(value: float | None) -> str:
    if value is None:
        return ABSENT
    return str(value) if isinstance(value, int) else f"{value:.2f}"
