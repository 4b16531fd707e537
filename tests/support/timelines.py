"""The observations of a party on a timeline, and what a join makes of them in short tuples."""

from support.joining import Driven, fusion
from support.observations import abstained, ended, observed

from affectstream.schemas.messages import FusedEmotion, Reason
from affectstream.workers.fusion.admission import Refused

ALL = ("video", "audio", "text")
HOUR_MS = 3_600_000


class Feed:
    """Builds the observations of one party, numbered per modality as a worker would."""

    def __init__(self, *expects, session_id="call", party="customer"):
        self.whose = {"session_id": session_id, "party": party, "expects": expects or ALL}
        self.seqs = dict.fromkeys(ALL, -1)

    def video(self, at_ms, **fields):
        return self._observed("video", at_ms, at_ms, at_ms + 1, **fields)

    def audio(self, start_ms, end_ms=None, **fields):
        end_ms = start_ms + 2000 if end_ms is None else end_ms
        return self._observed("audio", start_ms, end_ms, start_ms + 1000, **fields)

    def text(self, start_ms, end_ms, **fields):
        return self._observed("text", start_ms, end_ms, end_ms, **fields)

    def silence(self, start_ms, end_ms, modality="text", reason=Reason.NO_SPEECH):
        fields = self.whose | {"watermark_ms": end_ms, "reason": reason}
        return abstained(*self._next(modality), start_ms, end_ms, **fields)

    def end(self, modality, at_ms):
        return ended(*self._next(modality), at_ms, **self.whose)

    def _observed(self, modality, start_ms, end_ms, watermark_ms, **fields):
        fields |= self.whose | {"watermark_ms": watermark_ms}
        return observed(*self._next(modality), start_ms, end_ms, **fields)

    def _next(self, modality):
        self.seqs[modality] += 1
        return modality, self.seqs[modality]


def engine(**config):
    return Driven(fusion(**config))


def brief(outputs):
    """Return outputs as short tuples: ("final", start, "vat"), with a dash for one that is missing."""
    return [_brief(output) for output in outputs]


def _brief(output):
    if isinstance(output, FusedEmotion):
        marks = {"present": str.lower, "abstained": str.upper, "missing": lambda _: "-"}
        states = "".join(marks[m.state](m.modality[0]) for m in output.modalities)
        return output.pane, output.start_ms, states
    if isinstance(output, Refused):
        return output.reason, output.item.start_ms
    return ("closed",)


def no_lag(_modality):
    return False


def quiet_until(join, now_ms, *steps_ms, has_lag=no_lag):
    """Look at ``now_ms`` and after each step; return what the looks brought about."""
    outputs = join.tick(now_ms, has_lag)
    for step_ms in steps_ms:
        now_ms += step_ms
        outputs += join.tick(now_ms, has_lag)
    return brief(outputs)
