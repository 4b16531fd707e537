"""Parties side by side, over, resumed and without an end, on timelines; windows of a second."""

import math

from support.timelines import HOUR_MS, Feed, brief, engine

import affectstream.workers.fusion.join as join_module
from affectstream.schemas.observations import record
from affectstream.workers.fusion.partition import Partition


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


def test_of_more_parties_than_are_remembered_none_is_forgotten_before_it_has_gone_on(monkeypatch):
    monkeypatch.setattr(join_module, "OVER", 3)
    join, sessions = engine(), [f"call-{i}" for i in range(10)]
    for session in sessions:  # as after a restart: the store is asked about all of a fetch at once
        join.resume((session, "customer"), 2000)
    join.outputs()  # what followed before is taken meanwhile
    written = [Feed("video", session_id=session).video(1000) for session in sessions]
    join.join.add(0, map(record, written))
    assert join.outputs() == []
    assert not any(join.join.is_open((session, "customer")) for session in sessions)


def test_of_sessions_that_are_over_only_the_last_are_remembered(monkeypatch):
    monkeypatch.setattr(join_module, "OVER", 3)
    join, sessions = engine(), [f"call-{i}" for i in range(10)]
    for session in sessions:
        feed = Feed("video", session_id=session)
        join.push(feed.video(0))
        join.push(feed.end("video", 1000))
    Partition(join.join).asks({})  # as before every fetch
    known = [s for s in sessions if join.join.knows((s, "customer"))]
    assert known == [s for s in sessions if join.join.runs.knows(s, "")] == sessions[-3:]
