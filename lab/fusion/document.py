"""The page of the comparison as blocks of text and tables."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from affectstream.lab.evaluation.document import Block, Bullets, Command, Heading, Paragraph, Table
from affectstream.lab.fusion import document_tables as tables
from affectstream.lab.fusion import experiment, failures
from affectstream.lab.fusion.compare import Comparison
from affectstream.lab.fusion.experiment import Abstaining
from affectstream.lab.fusion.judged import Row
from affectstream.lab.fusion.pairs import CAVEAT
from affectstream.lab.fusion.windows import Calls
from affectstream.models.fusion.bounded import CONFLICT
from affectstream.models.fusion.parameters import FusionParameters
from affectstream.schemas.messages import MODALITIES

LAWS = (
    "**Never surer than its surest part.** The fused confidence is at most the highest confidence of a "
    "single "
    "modality, whether they agree or not.",
    f"**A contradiction stays visible.** Each modality's label keeps at least {CONFLICT} x D x share x "
    f"its own "
    "probability, where D is the conflict (one less the Bhattacharyya coefficient of the two: 0 where "
    "they are "
    "the same, 1 where they have nothing in common).",
    "**What says nothing changes nothing.** A flat modality moves the result by less than 1e-9; any modality "
    "moves it by at most five times its share (total variation), and the share goes to zero with its "
    "quality, "
    "its trust and its confidence.",
)
LIMITS = (
    "Real moments of one person with labels are few: acted clips of 20 speakers, read by other people's "
    "models, and anybody's own (`affectstream evaluate clips FOLDER`; four clips of MEAD are in "
    "[clips.md](../docs/models/clips.md)). No labelled recording of a call was to be had.",
    "The windows of the table of rules are put together from three corpora by the generator: read the "
    "order of the rules, not the level of their figures. That words co-occur as face and voice do is an "
    "assumption.",
    "Agreement is worth less here than independent errors would allow: where models are calibrated and "
    "agree, the fused probability is too low rather than too high.",
    "The prior: weights sum to one, so that the prior that the models were trained with counts once, as "
    "the mean of theirs, and nothing is divided out. A call that is mostly neutral is the business of "
    "the models' own priors.",
    "Intervals redraw the actors of the test part with all their calls. They are ten, so a difference "
    "that is not clear may be real.",
)


@dataclass(frozen=True)
class Page:
    """What the page tells."""

    command: str
    fitted: FusionParameters
    calls: Calls  # of the test part
    comparison: Comparison
    stress: Comparison | None  # pairs by label; none where windows are one person's
    judged: tuple[Row, ...]  # on real moments of one person
    choice: str  # the rule by the criterion
    abstaining: Abstaining  # of the choice
    draws: int


def blocks(page: Page) -> Iterator[Block]:
    """Yield the whole page."""
    yield Heading("Fusion: laws, default, figures", 1)
    yield Paragraph("Made by the command below. [rules.md](rules.md) describes the rules.")
    yield Command(page.command)
    yield Heading("The laws")
    yield Bullets(LAWS)
    yield Paragraph(
        "They hold for the default whatever it is fitted on "
        "(`tests/unit/models/fusion/test_fusion_laws.py`); the table of rules shows how far others break "
        "them."
    )
    yield from summary(page)
    yield from _fitting(page)
    if page.judged:
        yield from _moments(page)
    yield from tables.by_condition(page.comparison, page.choice)
    yield Heading("Conditions", 3)
    listed = tuple((c.name, c.what) for c in failures.conditions(page.calls))
    yield Table(("condition", "what happens"), listed)
    yield Heading("Limits")
    yield Bullets(LIMITS)


def summary(page: Page) -> Iterator[Block]:
    """Yield what a terminal shows first: the choice, and all rules over all conditions."""
    comparison, choice, bounded = page.comparison, page.choice, page.fitted.bounded
    conditions = len(comparison.bars)
    nll, clearly = experiment.mean_nll(comparison, choice), experiment.clearly_worse(comparison, choice)
    weights = ", ".join(f"{m} {bounded.weights[m]:.2f}" for m in MODALITIES)
    yield Heading("The default")
    yield Bullets(
        (
            f"The criterion (lab/fusion/experiment.py) takes the rules that hold the laws, and of these the "
            f"lowest mean NLL. It chooses **{choice}**: mean NLL {nll:.3f}, clearly below the accuracy of "
            f"the "
            f"best single modality under {clearly} of {conditions} conditions.",
            f"The bounded pool as fitted: weights {weights} at full quality, trust and confidence.",
            _abstention(page.abstaining),
        )
    )
    yield Heading("The table of rules")
    yield Table(tables.OVERALL, tuple(tables.overall(page.fitted, comparison, page.stress)))
    yield Paragraph(
        f"Means over {conditions} conditions, {comparison.windows} windows and {comparison.groups} actors. "
        "Below best single: under how many conditions accuracy is below that of the best single modality, "
        "chosen with hindsight, and in brackets under how many clearly. The laws: by how much confidence is "
        "above the surest part where two disagree, which share of its own probability the weaker of two that "
        "contradict each other keeps at least, and what a flat modality moves. By label: a stress test "
        "without "
        f"conflicts. {CAVEAT}"
    )


def _abstention(a: Abstaining) -> str:
    return (
        f"Below a largest probability of {a.threshold:.3f} the label is uncertain: where the risk-coverage "
        "curve of held-out windows of the fit part gains no more right labels than wrong ones. On the test "
        f"part, all conditions alike, {a.answered:.1%} of the windows are answered, {a.error:.3f} of these "
        "wrongly."
    )


def _fitting(page: Page) -> Iterator[Block]:
    fitted, calls = page.fitted, page.calls
    length = np.bincount(calls.call).max()
    yield Heading("How it was fitted")
    yield Bullets(
        (
            f"{fitted.data} {fitted.windows} windows: the calls as they are, and once more with every window "
            "under some failure (degraded, quiet, confidently wrong, missing).",
            f"Judged on: {calls.log.source} {len(calls)} windows in calls of {length}.",
            "No actor, dialogue, comment or group of near-duplicate faces is in both parts.",
        )
    )


def _moments(page: Page) -> Iterator[Block]:
    yield Heading("Real moments of one person")
    yield Paragraph(
        "1,200 clips of RAVDESS, 20 speakers: a voice model and two face models of other people, each asked "
        "about speakers it was not trained on (`ravdess-av-posteriors`), as they are, without calibration. "
        "The pool's weights are fitted anew for each of five folds without its speakers. In brackets the "
        f"95 % interval of {page.draws} draws of whole speakers; the last column is the most by which the "
        "fused confidence is above that of the surest modality."
    )
    head = (
        "face, and how it is fused",
        "accuracy",
        "NLL",
        "ECE",
        "accuracy above best single",
        "over surest",
    )
    yield Table(head, tuple(tables.moment(row) for row in page.judged))
