"""The tables of the comparison's page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from affectstream.lab.bootstrap import Difference, Interval
from affectstream.lab.evaluation.document import Block, Heading, Paragraph, Table
from affectstream.lab.fusion import experiment, laws
from affectstream.lab.fusion.compare import Comparison
from affectstream.lab.fusion.explain import Importance
from affectstream.lab.fusion.judged import Row
from affectstream.models.fusion import rules, trust
from affectstream.models.fusion.parameters import FusionParameters

TITLES = {"accuracy": "accuracy", "uar": "UAR", "nll": "NLL", "ece": "ECE"}
OVERALL = (
    *("rule", "clean accuracy", "mean accuracy", "mean NLL", "mean ECE", "below best single"),
    *("above surest", "least kept", "moved by flat", "by label: accuracy", "NLL"),
)


def overall(
    fitted: FusionParameters, comparison: Comparison, stress: Comparison | None
) -> Iterator[tuple[str, ...]]:
    """Yield a row of ``OVERALL`` for every rule; laws are measured of rules on probabilities."""
    on_probabilities = rules.on_probabilities(fitted)
    trusted = trust.table(trust.CARDS, trust.TELEPHONE)[1]
    for name in comparison.rules:
        scores = comparison.of(name)
        means = (float(np.mean([s.figures[f].value for s in scores])) for f in ("accuracy", "nll", "ece"))
        below = f"{sum(s.worse('accuracy') for s in scores)} ({experiment.clearly_worse(comparison, name)})"
        broken = laws.measured(on_probabilities[name], trusted) if name in on_probabilities else None
        far = (broken.above_surest, broken.least_kept, broken.moved_by_flat) if broken else ()
        even = stress.of(name)[0].figures if stress else None
        by_label = three(even[f].value for f in ("accuracy", "nll")) if even else ("", "")
        yield (
            name,
            shown(scores[0].figures["accuracy"]),
            *three(means),
            below,
            *(three(abs(max(x, 0.0)) for x in far) if far else ("", "", "")),
            *by_label,
        )


def by_condition(comparison: Comparison, rule: str) -> Iterator[Block]:
    """Yield the figures of ``rule`` under every condition, beside the best single modality."""
    yield Heading(f"{rule} by condition")
    rows = []
    for score, bar in zip(comparison.of(rule), comparison.bars, strict=True):
        rows.append(
            (
                score.condition,
                *(shown(score.figures[name]) for name in TITLES),
                *(gap(score.against_best[f]) for f in ("accuracy", "nll")),
                bar.best["accuracy"],
            )
        )
    head = ("condition", *TITLES.values(), "accuracy above best single", "NLL above it", "best single")
    yield Table(head, tuple(rows))


def moment(row: Row) -> tuple[str, ...]:
    """Return a line of the table of real moments."""
    figures = (shown(row.figures[name]) for name in ("accuracy", "nll", "ece"))
    return (f"{row.face}: {row.name}", *figures, gap(row.against_best["accuracy"]), f"{row.surest:+.3f}")


def worth(importance: Mapping[str, Sequence[Importance]]) -> Iterator[Block]:
    """Yield leave-one-out and Shapley values."""
    yield Heading("What each modality is worth")
    yield Paragraph(
        "On clean windows of the test part, with 95 % intervals over actors: what is lost without the "
        "modality, its Shapley value, and what it adds to nothing; in accuracy (chance 1/7) and in nats of "
        "likelihood."
    )
    rows = tuple(
        (
            f"{rule}: {each.modality}",
            TITLES[each.game],
            *map(shown, (each.left_out, each.shapley, each.alone)),
        )
        for rule, found in importance.items()
        for each in found
    )
    yield Table(("rule and modality", "game", "left out", "Shapley", "alone"), rows)


def gap(d: Difference) -> str:
    """Return a difference with its interval."""
    return f"{d.second - d.first:+.3f} [{d.low:+.3f}, {d.high:+.3f}]"


def shown(interval: Interval) -> str:
    """Return a figure with its interval."""
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def three(values: Iterable[float]) -> tuple[str, ...]:
    """Return figures with three digits."""
    return tuple(f"{value:.3f}" for value in values)
