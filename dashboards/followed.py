"""What the list of calls knows of each session and of its parties."""

from dataclasses import dataclass, field

from affectstream.analytics.label import DisplayedLabel
from affectstream.dashboards.convert import Newest
from affectstream.dashboards.responses import PartyRow
from affectstream.runtime.live import Mark
from affectstream.runtime.store import Span
from affectstream.schemas.alert import Alert
from affectstream.schemas.messages import FusedEmotion, Party

Shown = tuple[FusedEmotion, DisplayedLabel]


@dataclass
class Member:
    """What is known of one party."""

    span: Span
    mark: Mark | None = None
    changed_s: float = 0.0
    ended: bool = False  # its newest final says so, or nothing has come for IDLE_S
    early: Shown | None = None  # the newest pane, where that is early
    newest: Newest | None = None
    row: PartyRow | None = None


@dataclass
class Call:
    """What is known of one session."""

    score_ms: int = -1  # in the index
    moved_s: float = 0.0  # when that was found to have changed
    parties: dict[Party, Member] = field(default_factory=dict)
    alert_count: int = 0
    edges: list[Alert] = field(default_factory=list)  # begins and ends of all its alerts
    alerts: dict[Party, list[Alert]] = field(default_factory=dict)  # that are active

    @property
    def at_rest(self) -> bool:
        """Whether no party's call goes on."""
        return all(member.ended for member in self.parties.values())
