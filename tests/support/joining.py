"""A join driven one observation at a time, with everything that follows from it in one list."""

from affectstream.models.fusion.rules import rule_named
from affectstream.models.fusion.trust import table
from affectstream.schemas.observations import record
from affectstream.workers.fusion.config import Fusion
from affectstream.workers.fusion.fuse import Fuser
from affectstream.workers.fusion.offline import OfflineJoin
from affectstream.workers.fusion.window import ResumePoint

SURE = {"video": 1.0, "audio": 1.0, "text": 1.0}


def fusion(rule=None, trust=SURE, **config):
    """Return a fusion of windows of a second, by entropy and trust unless said otherwise."""
    rule = rule_named("entropy_trust") if rule is None else rule
    return Fusion(
        Fuser(rule, table(SURE | trust, trust.get("audio", 1.0)), config.get("window_ms", 1000)), **config
    )


class Driven:
    """Returns what every step brings about: refused, finals, keys of parties that are over, early panes."""

    def __init__(self, of_fusion):
        self.offline = OfflineJoin(of_fusion)
        self.join = self.offline.join
        self.offset = -1

    def push(self, item):
        self.offset += 1
        self.join.add(self.offset, [record(item)])
        return self.outputs()

    def tick(self, now_ms, has_lag):
        self.join.tick(now_ms, has_lag)
        return self.outputs()

    def finish(self):
        self.join.finish()
        return self.outputs()

    def resume(self, key, end_ms, final=None):
        self.join.admit(key[0], "", "current", "")
        self.join.resume(key, ResumePoint.after(end_ms, final))

    def outputs(self):
        effects = self.join.take_effects()
        panes = list(self.offline.fused(effects))
        finals = [pane for pane in panes if pane.pane == "final"]
        return [*effects.refused, *finals, *effects.closed, *(pane for pane in panes if pane.pane == "early")]
