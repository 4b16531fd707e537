"""The page of the comparison as blocks of text and tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from affectstream.lab.evaluation.document import Block, Bullets, Command, Heading, Paragraph, Table
from affectstream.lab.fusion import document_tables as tables
from affectstream.lab.fusion import experiment, failures
from affectstream.lab.fusion.compare import Comparison
from affectstream.lab.fusion.experiment import Abstaining, Simulated
from affectstream.lab.fusion.explain import Importance
from affectstream.lab.fusion.logs.items import ProbabilityLog
from affectstream.lab.fusion.pairs import CAVEAT
from affectstream.lab.fusion.windows import Calls
from affectstream.models.fusion.parameters import FusionParameters

LIMITS = (
    "No window here comes from one person. Read the order of the rules, not the level of their figures.",
    "Faces are cut-out stills, voices are acted sentences in a studio, texts are the transcript as it was "
    "typed: a call has moving faces, real lines and a recogniser's errors.",
    "Quiet and confident failures are made by hand; bad faces, voices and texts are real predictions on "
    "degraded inputs. Networks see the mean embedding in a quiet failure and that of another emotion in a "
    "confident one.",
    "Networks gain from the way the voice's embeddings came about: the map from the folds' space was fitted "
    "on windows as the stream cuts them, so that it holds more of the emotion than a stranger's own "
    "embedding.",
    "Windows of a call are drawn one by one: a face, voice or utterance does not last, only the emotion "
    "does.",
    "Intervals redraw the actors of the test part with all their calls. They are ten, so a difference that "
    "is not clear may be real.",
)


@dataclass(frozen=True)
class Page:
    """What the page tells."""

    command: str
    fitted: FusionParameters
    calls: Calls  # of the test part
    comparison: Comparison
    balanced: Comparison | None  # clean calls of the test part with all emotions equally frequent
    choice: str  # the rule by the criterion
    abstaining: Abstaining  # of the choice
    importance: Mapping[str, Sequence[Importance]]  # by rule
    worlds: Sequence[Simulated]
    logs: Mapping[str, ProbabilityLog]  # that pairs were made of; none where windows are one person's
    draws: int


def blocks(page: Page) -> Iterator[Block]:
    """Yield the whole page."""
    yield Heading("Fusion: the rules compared", 1)
    said = CAVEAT if page.logs else "The modalities of a window belong to one person."
    yield Paragraph(f"{said} Made by the command below; the rules are described in rules.md.")
    yield Command(page.command)
    yield from _data(page)
    yield from summary(page)
    yield from tables.by_condition(page.comparison)
    yield from tables.weights(page.comparison)
    yield from tables.worth(page.importance)
    yield from tables.simulated(page.worlds)
    if page.logs:
        yield from tables.models_alone(page.logs)
    if page.logs:
        yield Heading("Limits")
        yield Bullets(LIMITS)
    yield from tables.every_score(page.comparison, page.draws)


def summary(page: Page) -> Iterator[Block]:
    """Yield what a terminal shows first: all rules over all conditions, and the choice."""
    comparison, choice = page.comparison, page.choice
    conditions = len(comparison.bars)
    yield Heading("The rules over all conditions")
    yield Table(
        (
            *("rule", "clean accuracy", "mean accuracy", "mean UAR", "mean NLL", "mean ECE"),
            *(
                "accuracy worse than best single",
                "NLL worse than best single",
                "balanced accuracy",
                "balanced NLL",
            ),
        ),
        tuple(_overall(page, rule) for rule in comparison.rules),
    )
    yield Paragraph(
        f"Means over {conditions} conditions, {comparison.windows} windows and {comparison.groups} actors. "
        "Worse than the best single modality: under how many conditions, and in brackets under how many "
        "clearly, beyond the 95 % interval of the difference. The best one is chosen with hindsight, under "
        "each condition anew. One modality alone is itself under every rule but a network. "
        "Balanced: the same rules on clean windows whose emotions are equally frequent."
    )
    yield Heading("The default")
    nll, clearly = experiment.mean_nll(comparison, choice), experiment.clearly_worse(comparison, choice)
    yield Bullets(
        (
            "The criterion was written before the figures were seen (lab/fusion/experiment.py): of the "
            "rules on probabilities whose accuracy is least often clearly below the best single "
            f"modality's, the lowest mean NLL; within {experiment.NEAR} nats of it the simpler rule. "
            "Networks are shown for comparison only: workers do not send embeddings unless told to.",
            "Changed after a first look at the test part: confident failures had a fixed shape, which gates "
            "learnt by heart; it is drawn anew for each now. How much of what is fitted on fails, and other "
            "people's items in it, was chosen then inside the fit part; networks were put aside then too.",
            f"It chooses **{choice}**: mean NLL {nll:.3f}, clearly worse than the best single modality in "
            f"accuracy under {clearly} of {conditions} conditions.",
            _abstention(page.abstaining),
        )
    )


def _abstention(a: Abstaining) -> str:
    curve = ", ".join(f"{error:.3f} of {share:.0%}" for share, error in a.curve)
    return (
        f"Below a largest probability of {a.threshold:.3f} the label is uncertain. The threshold is where "
        "the risk-coverage curve of held-out windows of the fit part gains no more right labels than wrong "
        f"ones. On the test part, all conditions alike, it answers {a.answered:.1%} of the windows with an "
        f"error of {a.error:.3f}. Errors of the surest: {curve}."
    )


def _data(page: Page) -> Iterator[Block]:
    fitted, calls = page.fitted, page.calls
    length = np.bincount(calls.call).max()
    yield Heading("Data")
    yield Bullets(
        (
            f"Fitted on: {fitted.data} {fitted.windows} windows: the calls as they are, and once more with "
            "every window under some failure (degraded, quiet, confidently wrong, missing), since a gate can "
            "only learn what fails from data in which something does.",
            f"Judged on: {calls.log.source} {len(calls)} windows in calls of {length}, the emotion a Markov "
            "chain with a mean dwell of about eight windows.",
            "No actor, dialogue, comment or group of near-duplicate faces is in both parts.",
            *(log.statement for log in page.logs.values()),
        )
    )
    yield Heading("Conditions", 3)
    listed = tuple((c.name, c.what) for c in failures.conditions(calls))
    yield Table(("condition", "what happens"), listed)


def _overall(page: Page, rule: str) -> tuple[str, ...]:
    scores = page.comparison.of(rule)
    means = (float(np.mean([s.figures[f].value for s in scores])) for f in tables.TITLES)
    worse = (
        f"{sum(s.worse(f) for s in scores)} ({experiment.clearly_worse(page.comparison, rule, f)})"
        for f in ("accuracy", "nll")
    )
    even = page.balanced.of(rule)[0].figures if page.balanced else None
    balanced = ("", "") if even is None else tables.three(even[f].value for f in ("accuracy", "nll"))
    clean = tables.shown(scores[0].figures["accuracy"])
    return (rule, clean, *tables.three(means), *worse, *balanced)
