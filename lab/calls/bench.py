"""The bench of calls: all of its figures, from the calls and the acted speech at hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress

from affectstream.analytics import rules
from affectstream.analytics.alerts import alerts
from affectstream.analytics.label import Display
from affectstream.analytics.rules import Rule
from affectstream.lab.calls import judge
from affectstream.lab.calls.acted import CORPORA, Speaker, speakers, wideband
from affectstream.lab.calls.judge import Figures, Judged
from affectstream.lab.calls.lines import LINE_HZ, LINES, WIDE_HZ, Line, at_rate
from affectstream.lab.calls.recordings import Recording, routine
from affectstream.lab.calls.staged import EMOTIONS, Staged, staged
from affectstream.lab.calls.stream import Stream
from affectstream.lab.calls.wording import wording
from affectstream.models.weights import read_card
from affectstream.runtime.settings import Settings
from affectstream.schemas.alert import Alert
from affectstream.workers.audio import analyst

AFTER_MS = 3_000  # an alarm that comes so long after the splice is still the splice's
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

    def judged(self, call: Recording) -> Judged:
        """Return a recording's finals and displayed labels."""
        return judge.judged(self.stream.finals(call), self.display)

    def alarms(self, of: Judged) -> list[Alert]:
        """Return the alerts that begin in a recording."""
        return judge.began(alerts(self.rules, of.finals))


def measure(
    data: Path | None, settings: Settings, display: Display, progress: Progress, quick: bool = False
) -> Measured:
    """Return the figures of the models, the fusion rule and the alert rules that the settings choose."""
    most = QUICK if quick else None
    own = rules.read(settings.alerts.rules)
    worker = analyst(settings)
    bench = Bench(Stream(worker, settings), display, own, progress)
    calls = routine(data)[:most]
    actors = _first(speakers(data), most)
    as_recorded = {call.name: bench.judged(call) for call in progress.track(calls, description="calls")}
    figures = {f"call/{name}": _call(bench, of) for name, of in as_recorded.items()}
    figures["calls"] = _all(bench, list(as_recorded.values()))
    figures |= {f"rule/{rule.name}": _rule(bench, rule, list(as_recorded.values())) for rule in own}
    figures |= _lines(bench, calls, as_recorded, actors, dict(list(LINES.items())[:most]))
    figures |= _staged(bench, list(progress.track(list(staged(actors, calls)), description="staged")))
    names = ", ".join(rule.name for rule in own)
    text, spoken = wording()
    about = {"voice": worker.model_id, "text": text, "fusion": settings.fusion.rule, "rules": names}
    return Measured(about | _heard(actors), figures | spoken)


def _first(found: Sequence[Speaker], most: int | None) -> Sequence[Speaker]:
    return [s for corpus in CORPORA for s in [s for s in found if s.corpus == corpus][:most]]


def _heard(actors: Sequence[Speaker]) -> dict[str, str]:
    """Return per corpus whether the card of the voice says that it was trained on it."""
    data = " ".join(read_card("voice").data).lower()
    return {c: "yes" if CORPORA[c].lower() in data else "no" for c in dict.fromkeys(s.corpus for s in actors)}


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


def _staged(bench: Bench, found: Sequence[Staged]) -> dict[str, Figures]:
    """Return per corpus what the alarms for anger make of calls with acted speech in them."""
    outcomes = [(each, _outcome(bench, each)) for each in found]
    corpora = dict.fromkeys(each.speaker.corpus for each in found)
    rows = {c: [o for each, o in outcomes if each.speaker.corpus == c] for c in corpora}
    figures = {f"staged/{corpus}": _staged_row(of) for corpus, of in rows.items()}
    return figures | {"staged": _staged_row([o for _, o in outcomes])}


@dataclass(frozen=True)
class Outcome:
    """What came of one staged call."""

    emotion: str
    delay_s: float | None  # from the begin of the splice to the first alarm in it
    outside: int  # alarms before it and after it
    seconds: float
    windows: int  # with evidence, within the splice
    right: int  # of them, with the acted emotion as the likeliest


def _outcome(bench: Bench, call: Staged) -> Outcome:
    of = bench.judged(call.call)
    angry = {rule.name for rule in bench.rules if "angry" in rule.emotions}
    alarms = [alarm for alarm in bench.alarms(of) if alarm.rule in angry]
    inside = [a for a in alarms if call.start_ms < a.end_ms <= call.end_ms + AFTER_MS]
    windows, right = judge.within(of.finals, call.start_ms, call.end_ms, call.emotion)
    delay_s = min(((a.end_ms - call.start_ms) / 1000 for a in inside), default=None)
    return Outcome(call.emotion, delay_s, len(alarms) - len(inside), call.call.seconds, windows, right)


def _staged_row(outcomes: Sequence[Outcome]) -> Figures:
    by = {emotion: [o for o in outcomes if o.emotion == emotion] for emotion in EMOTIONS}
    found = {e: sum(o.delay_s is not None for o in by[e]) for e in EMOTIONS}
    delays = [o.delay_s for o in by["angry"] if o.delay_s is not None]
    outside, seconds = sum(o.outside for o in outcomes), sum(o.seconds for o in outcomes)
    raised = sum(found.values()) + outside
    return {
        "calls": len(by["angry"]),
        "recall": judge.share(found["angry"], len(by["angry"])),
        "delay": round(float(np.median(delays)), 2) if delays else 0.0,
        "raised by neutral": judge.share(found["neutral"], len(by["neutral"])),
        "raised by happy": judge.share(found["happy"], len(by["happy"])),
        "elsewhere an hour": round(outside * 3600 / seconds, 2),
        "precision": judge.share(found["angry"], raised),
        **{f"{emotion} windows": _right(of) for emotion, of in by.items()},
    }


def _right(outcomes: Sequence[Outcome]) -> float:
    return judge.share(sum(o.right for o in outcomes), sum(o.windows for o in outcomes))
