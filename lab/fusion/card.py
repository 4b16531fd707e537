"""The card of the fitted file, made from the comparison's page."""

from collections.abc import Iterator

from affectstream.lab.evaluation.document import Block, Bullets, Command, Heading, Paragraph, Table
from affectstream.lab.fusion import document_tables as tables
from affectstream.lab.fusion import experiment
from affectstream.lab.fusion.document import Page
from affectstream.lab.fusion.pairs import CAVEAT
from affectstream.models.fusion.parameters import LICENCE
from affectstream.schemas.messages import MODALITIES

COMMANDS = (
    "affectstream fusion log",
    "affectstream fusion fit -o models/weights/fusion.json",
    "affectstream fusion compare --fitted models/weights/fusion.json -o docs/fusion.md "
    "--card models/weights/fusion.md",
)


def blocks(page: Page) -> Iterator[Block]:
    """Yield the card."""
    fitted, comparison = page.fitted, page.comparison
    yield Heading("fusion: what the fitted rules know", 1)
    yield Table(
        ("", ""),
        (
            ("file", f"`fusion.json`, {fitted.short} by its own hash"),
            ("holds", "temperatures, reliability by class, gates and biases of the pools, thresholds"),
            ("the rule chosen", f"`{page.choice}`, by the criterion in lab/fusion/experiment.py"),
            ("fitted on", f"{fitted.windows} windows, clean and corrupted; {fitted.data}"),
            ("judged on", f"{comparison.windows} windows of {comparison.groups} other actors"),
            ("licence", LICENCE),
            ("made for", "the shipped face, voice and text models: fit again where one of them changes"),
        ),
    )
    yield Paragraph(f"**{CAVEAT}**")
    yield Heading("Figures")
    yield Paragraph(
        f"The test part under {len(comparison.bars)} conditions, in brackets the 95 % interval over actors. "
        "All rules, conditions and limits: [docs/fusion.md](../../docs/fusion.md)."
    )
    yield _figures(page)
    yield _experts(page)
    yield Bullets(_choice(page))
    yield Heading("Made and measured by")
    yield Command("\n".join(COMMANDS))


def _choice(page: Page) -> tuple[str, ...]:
    comparison, a = page.comparison, page.abstaining
    nll, clearly = (
        experiment.mean_nll(comparison, page.choice),
        experiment.clearly_worse(comparison, page.choice),
    )
    return (
        f"Mean NLL over the conditions {nll:.3f}; clearly below the accuracy of the best single modality "
        f"under {clearly} of {len(comparison.bars)}.",
        f"Below a largest probability of {a.threshold:.3f} the label is uncertain: over all conditions it "
        f"answers {a.answered:.1%} of the windows, {a.error:.3f} of these wrongly.",
    )


def _figures(page: Page) -> Table:
    rows = []
    for score, bar in zip(page.comparison.of(page.choice), page.comparison.bars, strict=True):
        found = (tables.shown(score.figures[name]) for name in tables.TITLES)
        rows.append(
            (score.condition, *found, f"{bar.figures['accuracy'].value:.3f} ({bar.best['accuracy']})")
        )
    head = ("condition", *tables.TITLES.values(), "accuracy of the best single modality")
    return Table(head, tuple(rows))


def _experts(page: Page) -> Table:
    experts = page.fitted.experts
    return Table(
        ("modality", "temperature", "accuracy while fitting", "usual trust"),
        tuple(
            (m, *tables.three((experts[m].temperature, experts[m].accuracy, experts[m].trust)))
            for m in MODALITIES
        ),
    )
