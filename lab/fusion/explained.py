"""What `affectstream fusion explain` shows, as blocks: a rule's modalities, or one window."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from affectstream.lab.evaluation.document import Block, Heading, Paragraph, Table
from affectstream.lab.fusion import document_tables
from affectstream.lab.fusion import page as work
from affectstream.lab.fusion.pairs import CAVEAT
from affectstream.models.fusion import parameters, rules
from affectstream.models.fusion.evidence import Array, Pooled
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import MODALITIES


def of_rule(logs: Path, name: str, given: Path | None) -> list[Block]:
    """Return leave-one-out and Shapley values of one rule; raises InputError, SettingsError."""
    found = work.worth(logs, name, given)
    return [Paragraph(CAVEAT), *document_tables.worth({name: found})]


def of_window(path: Path, at: int, name: str, given: Path | None) -> list[Block]:
    """Return who said what in a stored window, and what would change without each; raises InputError."""
    row = work.window(path, at)
    known = None if name in rules.UNFITTED and given is None else parameters.read(given)
    pooled, without = work.explained(row, rules.rule_named(name, known))
    changed = {each.modality: each.pooled for each in without}
    title = f"{row['session']}, {row['party']}, {row['start_ms']} to {row['end_ms']} ms, by {name}"
    return [
        Heading(title),
        Table(
            ("modality", "state", "weight", "quality", "says", *EMOTIONS, "without it"),
            tuple(_modality(row, m, pooled, changed.get(m), i) for i, m in enumerate(MODALITIES)),
        ),
        Table(("together", "", *EMOTIONS), (("fused", _said(pooled.p[0]), *_shares(pooled.p[0])),)),
        *_stored(row),
    ]


def _modality(
    row: Mapping[str, Any], modality: str, pooled: Pooled, without: Pooled | None, i: int
) -> tuple[str, ...]:
    state = row["modalities"].get(modality)
    if not state or state["probabilities"] is None:
        why = (state or {}).get("reason") or ""
        said = f"{state['state']} {why}".strip() if state else "not expected"
        return (modality, said, *[""] * (len(EMOTIONS) + 4))
    p = [float(state["probabilities"][e]) for e in EMOTIONS]
    told = max(zip(p, EMOTIONS, strict=True))[1]
    left = "nothing is left" if without is None or not without.weights.any() else _said(without.p[0])
    weight, quality = f"{pooled.weights[0, i]:.3f}", f"{float(state['quality']):.3f}"
    return (modality, state["state"], weight, quality, told, *(f"{x:.3f}" for x in p), left)


def _stored(row: Mapping[str, Any]) -> Iterator[Block]:
    stored = f"The window was stored with the rule {row['rule']}, label {row['label']}."
    yield Paragraph(f"{stored} Trust is that of the window, 1 where it does not carry any.")


def _said(p: Array) -> str:
    return f"{EMOTIONS[int(p.argmax())]} {p.max():.3f}"


def _shares(p: Array) -> list[str]:
    return [f"{x:.3f}" for x in p]
