"""The bench of calls: all of its figures, from the calls and the acted speech at hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import Progress

from affectstream.analytics import rules
from affectstream.analytics.alerts import alerts
from affectstream.analytics.label import Display, display_as
from affectstream.analytics.rules import Rule
from affectstream.lab.calls import judge
from affectstream.lab.calls.acted import CORPORA, Speaker, speakers, wideband
from affectstream.lab.calls.judge import Figures, Judged
from affectstream.lab.calls.lines import LINE_HZ, LINES, WIDE_HZ, Line, at_rate
from affectstream.lab.calls.recordings import Recording, routine
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

    @property
    def raised_by(self) -> dict[str, frozenset[str]]:
        """Return by aim the names of the rules that any of its emotions raises."""
        return {
            aim: frozenset(rule.name for rule in self.rules if set(emotions) & set(rule.emotions))
            for aim, emotions in AIMS.items()
        }


def measure(
    data: Path | None, run: Path, settings: Settings, progress: Progress, quick: bool = False
) -> Measured:
    """Return the figures of the models, the fusion rule and the alert rules that the settings choose.

    ``run`` is that of the voice, whose networks judge the speakers that the shipped weights learnt from.
    """
    most = QUICK if quick else None
    own = rules.read(settings.alerts.rules)
    voice, reader, words = audio.analyst(settings), text.analyst(settings), recognised(settings)
    display = display_as(settings.label.model_dump(), settings.fusion.fitted)
    bench = Bench(Stream(voice, settings, reader), display, own, progress, settings, Unheard(run, data))
    calls = routine(data)[:most]
    actors = _first(speakers(data), most)
    as_recorded = {call.name: bench.judged(call) for call in progress.track(calls, description="calls")}
    figures = _routine(bench, as_recorded, SOUND)
    with_words = {c.name: bench.judged(c, words) for c in progress.track(calls, description="words")}
    figures |= _routine(bench, with_words, WORDED)
    figures |= _lines(bench, calls, as_recorded, actors, dict(list(LINES.items())[:most]))
    made = list(staged(actors, calls))
    figures |= _staged(bench, made, calls)
    figures |= _staged(bench, made, calls, in_style(read_sentences("held"), "recogniser"))
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
    figures = {f"call{kind}/{name}": _call(bench, of) for name, of in found.items()}
    figures |= {f"rule{kind}/{rule.name}": _rule(bench, rule, judged) for rule in bench.rules}
    return figures | {f"calls{kind}": _all(bench, judged)}


def _call(bench: Bench, of: Judged) -> Figures:
    count = len(bench.alarms(of))
    return {
        **judge.shares(of),
        **judge.steadiness(of),
        **judge.halves(of),
        "alerts": count,
        "seconds": len(of.finals),
    }


def _all(bench: Bench, found: Sequence[Judged]) -> Figures:
    """Return the figures over all recordings: each window counts once, halves once a recording."""
    together = Judged([w for of in found for w in of.finals], tuple(s for of in found for s in of.shown))
    rates = [judge.steadiness(of) for of in found]
    weights = [len(of.spoken) for of in found]
    count = sum(len(bench.alarms(of)) for of in found)
    return {
        **judge.shares(together),
        **{name: round(float(np.average([r[name] for r in rates], weights=weights)), 4) for name in rates[0]},
        "between halves": round(float(np.mean([judge.halves(of)["between halves"] for of in found])), 4),
        "alerts": count,
        "seconds": len(together.finals),
        "alerts an hour": round(count * 3600 / len(together.finals), 2),
    }


def _rule(bench: Bench, rule: Rule, found: Sequence[Judged]) -> Figures:
    count = sum(len(judge.began(alerts([rule], of.finals))) for of in found)
    return {"alerts": count, "alerts an hour": round(count * 3600 / sum(len(of.finals) for of in found), 2)}


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
    pairs = [(plain[name], changed[name]) for name in plain]
    weights = [max(1, len(a.spoken)) for a, _ in pairs]
    found = [judge.agreement(a, b) for a, b in pairs]
    all_of = _all(bench, [b for _, b in pairs])
    return {
        **{name: round(float(np.average([f[name] for f in found], weights=weights)), 4) for name in found[0]},
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
        of = own.judged(call.call, laid(script(call, sentences)) if sentences else None)
        found = outcome(call, of, own.alarms(of), own.raised_by)
        outcomes.setdefault(call.speaker.corpus, []).append(found)
    rows = {f"/{corpus}": found for corpus, found in outcomes.items()}
    rows[""] = [each for of_corpus in outcomes.values() for each in of_corpus]
    figures = {f"{aim}{kind}{name}": alarms_for(aim, found) for aim in AIMS for name, found in rows.items()}
    figures |= {f"windows{kind}{name}": windows_of(found) for name, found in rows.items()}
    return figures | {f"shown{kind}{name}": displayed_in(found) for name, found in rows.items()}
