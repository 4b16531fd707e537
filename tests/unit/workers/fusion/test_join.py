"""When windows become early and final, on timelines; one party unless said otherwise, windows of a second."""

import pytest
from support.timelines import HOUR_MS, Feed, brief, engine

from affectstream.schemas.messages import Reason


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
