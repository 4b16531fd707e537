"""When windows become early and final, on timelines; one party unless said otherwise, windows of a second."""

import math

import pytest
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


# 0         1000      2000      3000
# |---------|---------|---------|
# v    v    v                          video alone: a window is final once a frame lies beyond it
def test_a_window_is_final_once_the_watermark_reaches_its_end():
    feed, join = Feed("video"), engine()
    assert join.push(feed.video(0)) == []
    assert join.push(feed.video(500)) == []
    assert brief(join.push(feed.video(1000))) == [("final", 0, "v")]


# |---------|---------|
#          v                           settled at 1000, the end of the window
def test_the_last_millisecond_of_a_window_closes_it():
    feed, join = Feed("video"), engine()
    assert brief(join.push(feed.video(999))) == [("final", 0, "v")]


# 0         1000      2000      3000
# |---------|---------|---------|
# v         v         v
# [-------a---------]
#           [--------a--------]        overlapping chunks: settled by the hop, not by the end
# [..t..........]
#               [..t..]
def test_a_final_waits_for_every_modality_that_is_expected():
    feed, join = Feed(), engine(early=())
    assert join.push(feed.video(0)) == []
    assert join.push(feed.audio(0)) == []
    assert join.push(feed.video(1000)) == []
    assert brief(join.push(feed.silence(0, 1400))) == [("final", 0, "vaT")]
    assert join.push(feed.video(2000)) == []
    assert join.push(feed.silence(1400, 2000)) == []
    assert brief(join.push(feed.audio(1000))) == [("final", 1000, "vaT")]


# 0         1000      2000      3000
# |---------|---------|---------|
# v         v         v         v
# [...............t...................]   text comes last and settles three windows at once
def test_finals_come_in_window_order():
    feed, join = Feed("video", "text"), engine(early=())
    for at_ms in (0, 1000, 2000, 3000):
        assert join.push(feed.video(at_ms)) == []
    finals = brief(join.push(feed.text(0, 3600)))
    assert finals == [("final", 0, "vt"), ("final", 1000, "vt"), ("final", 2000, "vt")]


# 0         1000      2000      3000      4000
# |---------|---------|---------|---------|
# v                             v              two windows that nothing overlaps
def test_there_are_no_holes_between_the_first_window_and_the_last():
    feed, join = Feed("video"), engine()
    join.push(feed.video(0))
    assert brief(join.push(feed.video(3000))) == [
        ("final", 0, "v"),
        ("final", 1000, "-"),
        ("final", 2000, "-"),
    ]


# |---------|---   ...   ---|---------|
# v              5 h            v              an hour of it is written, the rest is no window of anybody's
def test_a_hole_of_hours_is_written_for_an_hour_only():
    feed, join = Feed("video"), engine()
    join.push(feed.video(0))
    for at_ms in (0, 100, 200):  # a leap is believed once three more have followed it
        assert join.push(feed.video(5 * HOUR_MS + at_ms)) == []
    starts = [output.start_ms for output in join.push(feed.video(5 * HOUR_MS + 300))]
    assert starts == list(range(0, HOUR_MS + 1000, 1000))
    assert brief(join.push(feed.video(5 * HOUR_MS + 1000))) == [("final", 5 * HOUR_MS, "v")]


# 0         1000      2000
# |---------|---------|
#      v    v         v
#    [-t----]                          text started first, and is heard last
def test_the_first_window_holds_the_smallest_start_of_all_modalities():
    feed, join = Feed("video", "text"), engine(early=())
    join.push(feed.video(5500))
    join.push(feed.video(6000))
    finals = brief(join.push(feed.text(3300, 6000)))
    assert finals == [("final", 3000, "-t"), ("final", 4000, "-t"), ("final", 5000, "vt")]


# 0         1000      2000      3000
# |---------|---------|---------|
# v         v    |end
# [...t........]       |end at 2700    flushed up to the largest end seen
def test_the_end_of_all_streams_flushes_and_closes():
    feed, join = Feed("video", "text"), engine(early=())
    join.push(feed.video(0))
    join.push(feed.video(1000))
    assert join.push(feed.end("video", 1500)) == []
    assert brief(join.push(feed.text(0, 1300))) == [("final", 0, "vt")]
    flushed = brief(join.push(feed.end("text", 2700)))
    assert flushed == [("final", 1000, "vt"), ("final", 2000, "--"), ("closed",)]


# |---------|---------|
# v         v    |end                  the text stream ends without a word
def test_a_modality_that_only_ends_does_not_hold_back():
    feed, join = Feed("video", "text"), engine(early=())
    join.push(feed.video(0))
    join.push(feed.end("text", 0))
    assert brief(join.push(feed.video(1000))) == [("final", 0, "v-")]


def test_a_party_that_ends_without_an_observation_has_no_window():
    feed, join = Feed("video"), engine()
    assert join.push(feed.end("video", 9000)) == [("call", "customer")]
    assert not join.join.is_open(("call", "customer"))


# 0         1000      2000      3000
# |---------|---------|---------|
# v         v         v
# [---a-------------]
#           [---a-------------]
# [......t...............]             slow: it comes last; a chunk reaches the ends of two windows
def test_an_early_pane_comes_once_the_fast_modalities_reach_its_end():
    feed, join = Feed(), engine()
    join.push(feed.video(0))
    join.push(feed.video(1000))
    assert brief(join.push(feed.audio(0))) == [("early", 0, "va-")]
    assert brief(join.push(feed.video(2000))) == [("early", 1000, "va-")]
    assert join.push(feed.audio(1000)) == []
    assert join.push(feed.video(2300)) == []
    assert brief(join.push(feed.text(0, 2300))) == [("final", 0, "vat"), ("final", 1000, "vat")]


# |---------|
# [.....t...]                          text was here first
# v         v
def test_there_is_no_early_pane_where_the_final_is_ready_at_the_same_time():
    feed, join = Feed("video", "text"), engine()
    join.push(feed.text(0, 1000))
    join.push(feed.video(0))
    assert brief(join.push(feed.video(1000))) == [("final", 0, "vt")]


@pytest.mark.parametrize("expects", [("video",), ("audio",), ("video", "audio")])
def test_a_party_of_fast_modalities_only_has_no_early_panes(expects):
    feed, join = Feed(*expects), engine()
    items = [getattr(feed, modality)(at_ms) for at_ms in (0, 1000, 2000) for modality in expects]
    panes = {output.pane for item in items for output in join.push(item)}
    assert panes == {"final"}


def test_a_party_without_a_fast_modality_has_no_early_panes():
    feed, join = Feed("text"), engine()
    assert brief(join.push(feed.text(0, 1000))) == [("final", 0, "t")]


# |---------|---------|
# v         v                          parties and sessions do not wait for each other
# x
def test_parties_are_joined_apart():
    join = engine()
    one, other = Feed("video"), Feed("video", party="agent")
    third = Feed("video", session_id="call-2")
    join.push(other.video(0))
    join.push(third.video(0))
    join.push(one.video(0))
    (final,) = join.push(one.video(1000))
    assert (final.session_id, final.party) == ("call", "customer")


# |---------|---------|---------|
# v    v    v                          the second frame comes twice
def test_a_duplicate_counts_once():
    feed, join = Feed("video"), engine()
    join.push(feed.video(0))
    twice = feed.video(500)
    join.push(twice)
    assert join.push(twice) == []
    (final,) = join.push(feed.video(1000))
    assert final.modalities[0].count == 2
    assert join.push(twice) == []  # no news after its window has closed either: it is not late
    assert join.join.duplicates["video"] == 2


def test_duplicates_of_a_party_that_is_over_do_not_open_it_again():
    feed, join = Feed("video"), engine()
    items = [feed.video(0), feed.video(1000), feed.end("video", 2000)]
    for item in items:
        join.push(item)
    assert [join.push(item) for item in items] == [[], [], []]
    assert not join.join.is_open(("call", "customer"))


# |---------|---------|---------|      closed      |---------|
# v         v    |end                              v            the same session goes on, numbered anew
def test_a_party_may_go_on_after_its_end():
    feed, join = Feed("video"), engine()
    for item in (feed.video(0), feed.video(1000), feed.end("video", 1500)):
        join.push(item)
    again = Feed("video")
    assert brief(join.push(again.video(3000))) == [("final", 2000, "-")]
    assert brief(join.push(again.video(4000))) == [("final", 3000, "v")]


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        pytest.param([Reason.NO_FACE, Reason.SHED, Reason.SHED], Reason.SHED, id="the most frequent"),
        pytest.param([Reason.SHED, Reason.NO_FACE], Reason.NO_FACE, id="of equals the first of the list"),
    ],
)
def test_an_abstaining_modality_says_why(reasons, expected):
    feed, join = Feed("video"), engine()
    for at_ms, reason in enumerate(reasons):
        join.push(feed.silence(at_ms, at_ms, "video", reason))
    (final,) = join.push(feed.video(1000))
    assert (final.modalities[0].state, final.modalities[0].reason) == ("abstained", expected)
    assert (final.p, final.label, final.confidence, final.uncertainty) == (None, None, 0.0, 1.0)


# 0         1000      2000      3000
# |---------|---------|---------|
# v         v         v          video goes on, text does not
# [.t.......]
def test_a_stalled_modality_lets_go_and_is_marked_missing():
    feed, join = Feed("video", "text"), engine(early=(), stall_ms=5000)
    join.push(feed.video(0))
    join.push(feed.text(0, 1000))
    join.push(feed.video(1000))
    join.push(feed.video(2000))
    assert quiet_until(join, 100_000) == []
    join.push(feed.video(2500))
    assert quiet_until(join, 104_999) == []
    assert quiet_until(join, 105_000) == [("final", 1000, "v-")]
    assert brief(join.push(feed.video(3000))) == [("final", 2000, "v-")]


def test_a_modality_whose_input_lags_is_never_stalled():
    feed, join = Feed("video", "text"), engine(early=(), stall_ms=5000)
    join.push(feed.video(0))
    join.push(feed.video(1000))
    assert quiet_until(join, 0, 6000, 6000, 6000, has_lag=lambda m: m == "text") == []
    assert quiet_until(join, 22_999) == []  # the lag is gone; what it held up may be on its way
    assert quiet_until(join, 23_000) == [("final", 0, "v-"), ("final", 1000, "v-"), ("closed",)]


# 0         1000      2000
# |---------|---------|---------|
# v         v         .         v      the producer is held up by audio's lag, so video is silent too
# [---a-------------] .
#           [---a-------------]
# |end of text
def test_a_modality_is_not_stalled_while_another_that_is_awaited_lags():
    feed, join = Feed(), engine(early=(), stall_ms=5000)
    for item in (feed.end("text", 0), feed.video(0), feed.video(1000), feed.audio(0)):
        join.push(item)
    assert quiet_until(join, 0, 6000, 6000, 6000, has_lag=lambda m: m == "audio") == []
    assert join.push(feed.audio(1000)) == []
    assert brief(join.push(feed.video(2000))) == [("final", 1000, "va-")]


# customer  v         v         .         the worker of the frames lags, so the one producer of both waits
#           [---a-------------] .
# agent     [---a-------------] .         and the agent's words are silent, though nothing of them lies unread
# |end of the customer's words
def test_a_modality_is_not_stalled_while_another_party_of_its_session_lags():
    customer, agent = Feed(), Feed("audio", "text", party="agent")
    join = engine(early=(), stall_ms=5000)
    for item in (customer.end("text", 0), customer.video(0), customer.audio(0), customer.audio(1000)):
        join.push(item)
    join.push(agent.audio(0))
    assert quiet_until(join, 0, 6000, 6000, 6000, has_lag=lambda m: m == "video") == []
    assert brief(join.push(agent.text(0, 1000))) == [("final", 0, "at")]
    other = Feed("audio", "text", session_id="another")
    join.push(other.audio(0))
    join.push(other.audio(1000))
    looks = quiet_until(join, 20_000, 26_000, 26_000, has_lag=lambda m: m == "video")
    assert ("final", 0, "a-") in looks  # one session's lag holds no other session back


# 0         1000      2000      3000      4000      5000
# |---------|---------|---------|---------|---------|
# v         v         v         v         v         v
# [.t.......]   stalled                [.t]  [.t..............]   back: late for what is closed
def test_a_stalled_modality_joins_again_when_it_speaks():
    feed, join = Feed("video", "text"), engine(early=(), stall_ms=5000)
    join.push(feed.text(0, 1000))
    for at_ms in (0, 1000, 2000):
        join.push(feed.video(at_ms))
    assert quiet_until(join, 0) == []
    join.push(feed.video(3000))
    assert quiet_until(join, 5000) == [("final", 1000, "v-"), ("final", 2000, "v-")]
    assert brief(join.push(feed.text(1000, 2000))) == [("late", 1000)]
    assert brief(join.push(feed.text(2500, 3400))) == [("late", 2500)]  # its open part counts all the same
    assert join.push(feed.video(4000)) == []  # and it is waited for again
    assert join.push(feed.video(5000)) == []
    finals = join.push(feed.text(3400, 5000))
    assert brief(finals) == [("final", 3000, "vt"), ("final", 4000, "vt")]
    assert finals[0].modalities[1].count == 2


def test_a_modality_never_heard_of_stalls_like_any_other():
    feed, join = Feed("video", "text"), engine(early=(), stall_ms=5000)
    join.push(feed.video(0))
    assert quiet_until(join, 0) == []
    join.push(feed.video(1000))
    assert quiet_until(join, 4999, 5000) == [("final", 0, "v-"), ("final", 1000, "v-"), ("closed",)]


# |---------|---------|
# v         v   ...                    no end of stream, and nothing more
def test_a_party_that_falls_silent_is_flushed_and_forgotten():
    feed, join = Feed("video"), engine(stall_ms=5000)
    join.push(feed.video(0))
    join.push(feed.video(1200))
    assert quiet_until(join, 0, 5000) == [("final", 1000, "v"), ("closed",)]
    assert join.join.silence_ms(5000) == 0
    assert brief(join.push(feed.video(1500))) == [("late", 1500)]


def test_a_party_that_is_held_up_by_lag_is_not_given_up():
    feed, join = Feed("video"), engine(stall_ms=5000)
    join.push(feed.video(0))
    assert quiet_until(join, 0, 6000, 6000, has_lag=lambda _: True) == []


def test_a_party_that_resumes_writes_nothing_twice_and_calls_nothing_late():
    feed, join = Feed("video"), engine()
    join.resume(("call", "customer"), 2000)
    for at_ms in (0, 1000, 1999):
        assert join.push(feed.video(at_ms)) == []
    assert not join.join.is_open(("call", "customer"))
    join.push(feed.video(2000))
    assert brief(join.push(feed.video(3000))) == [("final", 2000, "v")]


# 0         1000      2000      3000      4000
# |------written------|---------|---------|
# v    v    v    v    v
# [...............t..............]          half of it lies in windows that are written
def test_an_observation_across_the_place_of_resumption_counts_in_its_open_part():
    feed, join = Feed("video", "text"), engine(early=())
    join.resume(("call", "customer"), 2000)
    assert join.push(feed.text(0, 3000)) == []
    join.push(feed.video(2500))
    assert brief(join.push(feed.video(3000))) == [("final", 2000, "vt")]


def test_an_observation_that_claims_to_last_for_ever_is_refused():
    feed, join = Feed("text"), engine()
    assert brief(join.push(feed.text(0, 7 * HOUR_MS))) == [("implausible", 0)]


def test_the_end_of_all_input_flushes_every_party():
    join = engine(early=())
    one, other = Feed("video", "text"), Feed("audio", party="agent")
    join.push(one.video(0))
    join.push(other.audio(0))
    outputs = brief(join.finish())
    assert outputs == [("final", 0, "v-"), ("final", 1000, "a"), ("closed",), ("closed",)]


def test_an_endless_watermark_opens_no_endless_windows():
    feed, join = Feed("video"), engine()
    item = feed.video(0).model_copy(update={"watermark_ms": (1 << 53) - 1})
    assert brief(join.push(item)) == [("final", 0, "v")]
    assert math.isfinite(item.watermark_ms)
