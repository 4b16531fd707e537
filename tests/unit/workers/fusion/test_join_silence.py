"""Modalities and parties that fall silent or lag, on timelines; windows of a second."""

from support.timelines import Feed, brief, engine, quiet_until


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
