"""The bench of calls: all of its figures, from the calls and the acted speech at hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import Progress

from affectstream.analytics import rules
from affectstream.analytics.alerts import alerts
from affectstream.analytics.label import Display, display_as
from affectstream.analytics.rules import Rule
from affectstream.lab.calls import judge, rows
from affectstream.lab.calls.acted import CORPORA, Speaker, speakers, wideband
from affectstream.lab.calls.judge import Figures, Judged
from affectstream.lab.calls.lines import LINE_HZ, LINES, WIDE_HZ, Line, at_rate
from affectstream.lab.calls.recordings import Recording, load, routine
from affectstream.lab.calls.sentences import Sentence, in_style, read_sentences
from affectstream.lab.calls.staged import (
    AIMS,
    Outcome,
    Staged,
    alarms_for,
    displayed_in,
    outcome,
    staged,
    windows_of,
)
from affectstream.lab.calls.strangers import MADE_BY, strangers
from affectstream.lab.calls.stream import Stream, Words
from affectstream.lab.calls.unheard import Unheard
from affectstream.lab.calls.usual import usual_of
from affectstream.lab.calls.wording import wording
from affectstream.lab.calls.words import laid, recognised, script
from affectstream.models.batching import product_type
from affectstream.models.weights import read_card
from affectstream.runtime.settings import Settings
from affectstream.schemas.alert import Alert
from affectstream.workers import audio, text

QUICK = 1  # of recordings, lines and speakers of a corpus, of a quick look
SOUND, WORDED = "", " with words"  # of the names of rows


@dataclass(frozen=True)
class Measured:
    """All figures by the name of their row, and the models and rules that they are of."""

    about: dict[str, str]
    figures: dict[str, Figures]


@dataclass(frozen=True)
class Bench:
    """What every measurement needs."""

    stream: Stream
    display: Display
    rules: Sequence[Rule]
    progress: Progress
    settings: Settings
    unheard: Unheard

    def judged(self, call: Recording, words: Words | None = None) -> Judged:
        """Return a recording's finals and displayed labels, with the words of it where there are any."""
        return judge.judged(self.stream.finals(call, words), self.display)

    def of_speaker(self, speaker: Speaker, calls: Sequence[Recording]) -> "Bench":
        """Return the bench with a network that never heard a speaker, where there is one.

        Relative rules and the display compare with what that network makes of the ``calls``.
        """
        own = self.unheard.analyst(speaker)
        if own is None:
            return self
        stream = self.stream.hearing(own)
        usual = self.unheard.usual.get(own.model_id) or usual_of(stream, calls)
        self.unheard.usual[own.model_id] = usual
        relative = {own.model_id: usual}
        rules = [r.model_copy(update={"relative": relative}) if r.relative else r for r in self.rules]
        display = replace(self.display, routine=relative if self.display.routine else {})
        return replace(self, stream=stream, rules=rules, display=display)

    def alarms(self, of: Judged) -> list[Alert]:
        """Return the alerts that begin in a recording."""
        return judge.began(alerts(self.rules, of.finals))

    def together(self, found: Sequence[Judged]) -> Figures:
        """Return the figures over several recordings and the alerts that begin in them."""
        return rows.of_all(found, sum(len(self.alarms(of)) for of in found))

    @property
    def raised_by(self) -> dict[str, frozenset[str]]:
        """Return by aim the names of the rules that any of its emotions raises."""
        return {
            aim: frozenset(rule.name for rule in self.rules if set(emotions) & set(rule.emotions))
            for aim, emotions in AIMS.items()
        }


def measure(
    data: Path | None,
    run: Path,
    calm: Path,
    settings: Settings,
    progress: Progress,
    quick: bool = False,
) -> Measured:
    """Return the figures of the models, the fusion rule and the alert rules that the settings choose.

    ``run`` is that of the voice, whose networks judge the speakers that the shipped weights learnt from;
    in ``calm`` lie recordings of strangers, if any.
    """
    most = QUICK if quick else None
    own = rules.read(settings.alerts.rules)
    voice, reader, words = audio.analyst(settings), text.analyst(settings), recognised(settings)
    display = display_as(settings.label.model_dump(), settings.fusion.fitted)
    bench = Bench(Stream(voice, settings, reader), display, own, progress, settings, Unheard(run, data))
    every = routine(data)  # a quick look compares with all too: the first by name may be held out
    calls = every[:most]
    actors = _first(speakers(data), most)
    as_recorded = {call.name: bench.judged(call) for call in progress.track(calls, description="calls")}
    figures = _routine(bench, as_recorded, SOUND)
    with_words = {c.name: bench.judged(c, words) for c in progress.track(calls, description="words")}
    figures |= _routine(bench, with_words, WORDED)
    figures |= _lines(bench, calls, as_recorded, actors, dict(list(LINES.items())[:most]))
    figures |= _strangers(bench, {kind: paths[:most] for kind, paths in strangers(calm).items()})
    made = list(staged(actors, calls))
    figures |= _staged(bench, made, every)
    figures |= _staged(bench, made, every, in_style(read_sentences("held"), "recogniser"))
    names = ", ".join(rule.name for rule in own)
    about = {"voice": voice.model_id, "text": reader.model_id, "fusion": settings.fusion.rule, "rules": names}
    about["products in"] = str(product_type("cpu")).removeprefix("torch.")
    return Measured(about | _heard(bench, actors), figures | wording(quick))


def _first(found: Sequence[Speaker], most: int | None) -> Sequence[Speaker]:
    return [s for corpus in CORPORA for s in [s for s in found if s.corpus == corpus][:most]]


def _heard(bench: Bench, actors: Sequence[Speaker]) -> dict[str, str]:
    """Return per corpus whether the voice that judges its speakers has learnt from them."""
    data = " ".join(read_card("voice").data).lower()
    found = {}
    for actor in actors:
        apart = bench.unheard.analyst(actor) is not None
        learnt = CORPORA[actor.corpus].lower() in data
        found[actor.corpus] = "no, networks without them" if apart else "yes" if learnt else "no"
    return found


def _routine(bench: Bench, found: dict[str, Judged], kind: str) -> dict[str, Figures]:
    """Return the figures of each call, of each rule on all calls, and of all calls."""
    judged = list(found.values())
    figures = {f"call{kind}/{name}": rows.of_one(of, len(bench.alarms(of))) for name, of in found.items()}
    figures |= {f"rule{kind}/{rule.name}": _rule(rule, judged) for rule in bench.rules}
    return figures | {f"calls{kind}": bench.together(judged)}


def _rule(rule: Rule, found: Sequence[Judged]) -> Figures:
    count = sum(len(judge.began(alerts([rule], of.finals))) for of in found)
    return {"alerts": count, "alerts an hour": round(count * 3600 / sum(len(of.finals) for of in found), 2)}


def _strangers(bench: Bench, recordings: dict[str, list[Path]]) -> dict[str, Figures]:
    """Return the figures of calm people whom no training heard, by kind and of all."""
    if not recordings:
        bench.progress.console.print(f"no calm strangers are heard: {MADE_BY} makes recordings of some")
    found: dict[str, list[Judged]] = {}
    for kind, paths in recordings.items():
        found[kind] = [bench.judged(load(path)) for path in bench.progress.track(paths, description=kind)]
    every = [of for judged in found.values() for of in judged]
    kinds = {f"strangers/{kind}": judged for kind, judged in found.items()} | {"strangers": every}
    return {
        name: bench.together(judged) | rows.of_recordings(judged) for name, judged in kinds.items() if judged
    }


def _lines(
    bench: Bench,
    calls: Sequence[Recording],
    as_recorded: dict[str, Judged],
    actors: Sequence[Speaker],
    lines: dict[str, Line],
) -> dict[str, Figures]:
    """Return per line how alike its answers are to those of the recordings as they are."""
    figures: dict[str, Figures] = {}
    for name, line in bench.progress.track(list(lines.items()), description="lines"):
        figures[f"line/{name}"] = _line(bench, as_recorded, {c.name: bench.judged(line(c)) for c in calls})
    seconds = sum(f["seconds"] for f in figures.values())
    worst = {
        "equal": min(f["equal"] for f in figures.values()),
        "total variation": max(f["total variation"] for f in figures.values()),
        "alerts an hour": round(sum(f["alerts"] for f in figures.values()) * 3600 / seconds, 2),
    }
    wide = [wideband(corpus, of) for corpus in CORPORA if (of := [s for s in actors if s.corpus == corpus])]
    if wide:
        plain, narrow = (
            {call.name: bench.judged(at_rate(rate_hz)(call)) for call in wide}
            for rate_hz in (WIDE_HZ, LINE_HZ)
        )
        figures["acted/8 kHz"] = _line(bench, plain, narrow)
    return figures | {"lines": worst}


def _line(bench: Bench, plain: dict[str, Judged], changed: dict[str, Judged]) -> Figures:
    all_of = bench.together(list(changed.values()))
    return {
        **rows.alike([(plain[name], changed[name]) for name in plain]),
        **{name: all_of[name] for name in ("calm", "no speech", "alerts", "seconds")},
    }


def _staged(
    bench: Bench, made: Sequence[Staged], calls: Sequence[Recording], sentences: Sequence[Sentence] = ()
) -> dict[str, Figures]:
    """Return per corpus what the alarms make of calls with acted speech in them.

    With ``sentences`` they are said in these calls, such as go with what is acted.
    """
    kind = WORDED if sentences else SOUND
    outcomes: dict[str, list[Outcome]] = {}
    for call in bench.progress.track(made, description=f"staged{kind}"):
        own = bench.of_speaker(call.speaker, calls)
        heard = own.judged(call.call, laid(script(call, sentences)) if sentences else None)
        found = outcome(call, heard, own.alarms(heard), own.raised_by)
        outcomes.setdefault(call.speaker.corpus, []).append(found)
    of = {f"/{corpus}": found for corpus, found in outcomes.items()}
    of[""] = [each for of_corpus in outcomes.values() for each in of_corpus]
    figures = {f"{aim}{kind}{name}": alarms_for(aim, found) for aim in AIMS for name, found in of.items()}
    figures |= {f"windows{kind}{name}": windows_of(found) for name, found in of.items()}
    return figures | {f"shown{kind}{name}": displayed_in(found) for name, found in of.items()}
