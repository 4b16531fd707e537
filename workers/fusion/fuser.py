"""The rule in force and how far each modality is trusted in a window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from affectstream.models.fusion import trust
from affectstream.models.fusion.evidence import Array, Evidence, Rule
from affectstream.models.fusion.exported import NetworkRule
from affectstream.schemas.messages import MODALITIES, Modality
from affectstream.workers.fusion.display import PLAIN, Display
from affectstream.workers.fusion.reduce import Summary

Override = Mapping[Modality, float]  # an operator's trust


@dataclass(frozen=True, eq=False)
class Fuser:
    """What turns a window into a fused message, apart from the window and the final before it."""

    rule: Rule
    reliabilities: Array  # (modalities, 7)
    online: bool = False  # whether agreement of late counts
    hold_ms: Mapping[Modality, int] = field(default_factory=dict)  # 0 where nothing is said
    display: Display = PLAIN
    operator: Override = field(default_factory=dict)

    def name(self, evidence: Evidence) -> str:
        """Return what a window's message says about how it was fused; a network says what it lacked."""
        said = self.rule.name_of(evidence) if isinstance(self.rule, NetworkRule) else self.rule.name
        return f"{said}+override" if self.operator else said

    def override(self, operator: Override) -> "Fuser":
        """Return this fuser under an operator's trust; where there is any, finals depend on when."""
        return replace(self, operator=dict(operator))

    def trust(self, p: Array, begun: Sequence[float] | None) -> list[float]:
        """Return the trust per modality, were all of the window: an operator's, or what is known.

        ``p`` is (1, modalities, 7), uniform where a modality says nothing; ``begun`` are the running
        agreements at the start of the window, None where they do not count.
        """
        known = trust.reliability(p, self.reliabilities)[0].tolist()
        if begun is not None:
            known = [value * trust.factor(a) for value, a in zip(known, begun, strict=True)]
        if self.operator:
            known = [self.operator.get(m, value) for m, value in zip(MODALITIES, known, strict=True)]
        return [trust.bounded(value) for value in known]


def faded(full: Sequence[float], summaries: Sequence[Summary]) -> list[float]:
    """Return the trust per modality, less for what is held; an operator's too, for age is not his to say."""
    return [
        value * trust.freshness(summary.age_ms) if summary.age_ms else value
        for value, summary in zip(full, summaries, strict=True)
    ]
