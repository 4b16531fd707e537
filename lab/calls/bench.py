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
from affectstream.lab.calls.staged import Outcome, Staged, outcome, row, staged
from affectstream.lab.calls.stream import Stream
from affectstream.lab.calls.unheard import Unheard
from affectstream.lab.calls.usual import usual_of
from affectstream.lab.calls.wording import wording
from affectstream.models.weights import read_card
from affectstream.runtime.settings import Settings
from affectstream.schemas.alert import Alert
from affectstream.workers.audio import analyst

QUICK = 1  # of recordings, lines and speakers of a corpus, of a quick look


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

    def judged(self, call: Recording) -> Judged:
        """Return a recording's finals and displayed labels."""
        return judge.judged(self.stream.finals(call), self.display)

    def of_speaker(self, speaker: Speaker, calls: Sequence[Recording]) -> "Bench":
        """Return the bench with a network that never heard a speaker, where there is one.

        Relative rules compare with what that network makes of the ``calls``.
        """
        own = self.unheard.analyst(speaker)
        if own is None:
            return self
        stream = Stream(own, self.settings)
        usual = self.unheard.usual.get(own.model_id) or usual_of(stream, calls)
        self.unheard.usual[own.model_id] = usual
        relative = {own.model_id: usual}
        rules = [r.model_copy(update={"relative": relative}) if r.relative else r for r in self.rules]
        return replace(self, stream=stream, rules=rules)

    def alarms(self, of: Judged) -> list[Alert]:
        """Return the alerts that begin in a recording."""
        return judge.began(alerts(self.rules, of.finals))


def measure(
    data: Path | None, run: Path, settings: Settings, progress: Progress, quick: bool = False
) -> Measured:
    """Return the figures of the models, the fusion rule and the alert rules that the settings choose.

    ``run`` is that of the voice, whose networks judge the speakers that the shipped weights learnt from.
    """
    most = QUICK if quick else None
    own = rules.read(settings.alerts.rules)
    worker = analyst(settings)
    display = display_as(settings.label.model_dump(), settings.fusion.fitted)
    bench = Bench(Stream(worker, settings), display, own, progress, settings, Unheard(run, data))
    calls = routine(data)[:most]
    actors = _first(speakers(data), most)
    as_recorded = {call.name: bench.judged(call) for call in progress.track(calls, description="calls")}
    figures = {f"call/{name}": _call(bench, of) for name, of in as_recorded.items()}
    figures["calls"] = _all(bench, list(as_recorded.values()))
    figures |= {f"rule/{rule.name}": _rule(bench, rule, list(as_recorded.values())) for rule in own}
    figures |= _lines(bench, calls, as_recorded, actors, dict(list(LINES.items())[:most]))
    figures |= _staged(bench, list(staged(actors, calls)), calls)
    names = ", ".join(rule.name for rule in own)
    text, spoken = wording(quick)
    about = {"voice": worker.model_id, "text": text, "fusion": settings.fusion.rule, "rules": names}
    return Measured(about | _heard(bench, actors), figures | spoken)


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


def _staged(bench: Bench, made: Sequence[Staged], calls: Sequence[Recording]) -> dict[str, Figures]:
    """Return per corpus what the alarms for anger make of calls with acted speech in them."""
    angry = {rule.name for rule in bench.rules if "angry" in rule.emotions}
    outcomes: dict[str, list[Outcome]] = {}
    for call in bench.progress.track(made, description="staged"):
        own = bench.of_speaker(call.speaker, calls)
        of = own.judged(call.call)
        alarms = [alarm for alarm in own.alarms(of) if alarm.rule in angry]
        outcomes.setdefault(call.speaker.corpus, []).append(outcome(call, of.finals, alarms))
    whole = [each for of_corpus in outcomes.values() for each in of_corpus]
    return {f"staged/{corpus}": row(found) for corpus, found in outcomes.items()} | {"staged": row(whole)}
