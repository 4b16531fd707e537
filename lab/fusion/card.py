"""The card of the fitted file, made from the comparison's page."""

from collections.abc import Iterator

from affectstream.lab.evaluation.document import Block, Bullets, Command, Heading, Paragraph, Table
from affectstream.lab.fusion import document_tables as tables
from affectstream.lab.fusion import experiment
from affectstream.lab.fusion.document import Page
from affectstream.lab.fusion.judged import RULE
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
            ("holds", "temperatures, weights, gates and biases of the pools, thresholds"),
            ("the rule chosen", f"`{page.choice}`, by the criterion in lab/fusion/experiment.py"),
            ("fitted on", f"{fitted.windows} windows, clean and corrupted; {fitted.data}"),
            ("judged on", f"{comparison.windows} windows of {comparison.groups} other actors"),
            ("real moments", _real(page)),
            ("licence", LICENCE),
            ("made for", "the shipped face, voice and text models: fit again where one of them changes"),
        ),
    )
    yield Paragraph(
        "The windows are put together from three corpora by a generator of how modalities co-occur: their "
        "level "
        "is not that of a call. Pairs by label, which have no conflicts, are in the document as a stress "
        "test."
    )
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


def _real(page: Page) -> str:
    rows = [row for row in page.judged if row.name == RULE]
    if not rows:
        return "none"
    said = "; ".join(
        f"{row.face}: accuracy {tables.shown(row.figures['accuracy'])}, NLL "
        f"{tables.shown(row.figures['nll'])}, "
        f"ECE {tables.shown(row.figures['ece'])}"
        for row in rows
    )
    return (
        "the form of the rule, its weights fitted without the speaker, on 1,200 acted clips of 20 "
        "speakers read by "
        f"other people's models, by the face models taken: {said}. The shipped weights are judged on four "
        f"clips "
        "of MEAD (docs/models/clips.md): too few to say more than that nothing is broken"
    )


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
