"""The tables of the comparison's page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from affectstream.lab.bootstrap import Interval
from affectstream.lab.evaluation.document import Block, Heading, Paragraph, Table
from affectstream.lab.fusion.compare import Comparison, Score
from affectstream.lab.fusion.experiment import Simulated
from affectstream.lab.fusion.explain import Importance
from affectstream.lab.fusion.logs.items import ProbabilityLog
from affectstream.lab.statistics import nll
from affectstream.schemas.messages import MODALITIES

TITLES = {"accuracy": "accuracy", "uar": "UAR", "nll": "NLL", "ece": "ECE"}


def by_condition(comparison: Comparison) -> Iterator[Block]:
    """Yield accuracy and NLL of every rule under every condition, beside the best single modality."""
    for figure, title in (("accuracy", "Accuracy"), ("nll", "NLL")):
        yield Heading(f"{title} by condition")
        best = "best single modality (accuracy)" if figure == "accuracy" else "best single modality (NLL)"
        extra = ("at least one right",) if figure == "accuracy" else ()
        rows = []
        for i, bar in enumerate(comparison.bars):
            cells = [comparison.of(rule)[i].figures[figure].value for rule in comparison.rules]
            alone = bar.figures["accuracy"].value if figure == "accuracy" else bar.nll
            oracle = three((bar.oracle,)) if extra else ()
            rows.append((bar.condition, *three(cells), f"{alone:.3f} ({bar.best[figure]})", *oracle))
        yield Table(("condition", *comparison.rules, best, *extra), tuple(rows))


def weights(comparison: Comparison) -> Iterator[Block]:
    """Yield how weights go with losses, and what shuffling the quality costs."""
    yield Heading("Do the weights mean anything?")
    yield Paragraph(
        "Spearman's rank correlation of a modality's weight with its own loss, over every window once, each "
        "under a condition drawn for it: a rule that weighs well gives less to what is wrong, so it is below "
        "zero. And what is lost when the quality is shuffled over the windows: nothing, where a rule makes "
        "nothing of it."
    )
    yield Table(
        ("rule", *(f"{m}: weight and loss" for m in MODALITIES), "accuracy lost", "NLL gained"),
        tuple(
            (
                row.rule,
                *("constant" if np.isnan(r) else f"{r:+.3f}" for r in row.weight_and_loss.values()),
                f"{row.accuracy_lost:+.4f}",
                f"{row.nll_gained:+.4f}",
            )
            for row in comparison.weightings
        ),
    )


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


def simulated(worlds: Sequence[Simulated]) -> Iterator[Block]:
    """Yield what the rules reach in worlds whose truth is known."""
    yield Heading("Simulated experts, the truth known")
    yield Paragraph(
        "Three Gaussian experts with MELD's class shares. Fitted on 2,000 windows of each world as they are, "
        "judged on 2,000 others. The optimum is Bayes' posterior, known where experts err independently and "
        "do not fail."
    )
    names = list(dict.fromkeys(each.world for each in worlds))
    rules = list(dict.fromkeys(each.rule for each in worlds))
    cells = {(e.world, e.rule): f"{e.accuracy:.3f} / {e.nll:.3f} / {e.ece:.3f}" for e in worlds}
    rows = tuple((rule, *(cells.get((name, rule), "") for name in names)) for rule in rules)
    yield Table(("accuracy / NLL / ECE", *names), rows)


def models_alone(logs: Mapping[str, ProbabilityLog]) -> Iterator[Block]:
    """Yield what the recorded models reach by themselves."""
    yield Heading("The models alone, as recorded")
    rows = []
    for log in logs.values():
        for i, condition in enumerate(log.conditions):
            there = log.present[i]
            p, labels = log.p[i][there], log.labels[there]
            right = (p.argmax(axis=1) == labels).mean()
            size, answered = str(len(log.labels)), f"{there.mean():.1%}"
            rows.append(
                (
                    log.corpus,
                    condition,
                    size,
                    answered,
                    *three((right, nll(p, labels), log.quality[i].mean())),
                )
            )
    yield Table(("corpus", "condition", "items", "answered", "accuracy", "NLL", "mean quality"), tuple(rows))


def every_score(comparison: Comparison, draws: int) -> Iterator[Block]:
    """Yield one table per condition, with intervals."""
    yield Heading("Every rule under every condition")
    yield Paragraph(f"In brackets the 95 % intervals of {draws} bootstrap draws of whole actors.")
    for bar in comparison.bars:
        scores = [score for score in comparison.scores if score.condition == bar.condition]
        yield Heading(bar.condition, 3)
        head = ("rule", *TITLES.values(), "accuracy above the best single", "NLL above it")
        yield Table(head, tuple(_row(score) for score in scores))


def _row(score: Score) -> tuple[str, ...]:
    figures = (shown(score.figures[name]) for name in TITLES)
    gaps = (
        f"{d.second - d.first:+.3f} [{d.low:+.3f}, {d.high:+.3f}]"
        for d in (score.against_best[f] for f in ("accuracy", "nll"))
    )
    return (score.rule, *figures, *gaps)


def shown(interval: Interval) -> str:
    """Return a figure with its interval."""
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def three(values: Iterable[float]) -> tuple[str, ...]:
    """Return figures with three decimals."""
    return tuple(f"{value:.3f}" for value in values)
