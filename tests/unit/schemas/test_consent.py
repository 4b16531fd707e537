"""The consent to a session: withdrawal is final, and a pause hides what lies in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.schemas.consent import CONSENTS, PROCESSABLE, Pause, Standing, standing, withheld
from affectstream.schemas.errors import Malformed, PolicyError
from affectstream.schemas.messages import AudioChunk, Reason, Transcript, VideoFrame

BASE = {"session_id": "s", "party": "customer", "seq": 0, "watermark_ms": 3000}


def chunk(start_ms=1000, end_ms=2000):
    times = {"start_ms": start_ms, "end_ms": end_ms, "watermark_ms": end_ms}
    return AudioChunk(**BASE | times, expects=("audio",), pcm=b"\1\0", rate_hz=8000)


@pytest.mark.parametrize("consent", CONSENTS)
def test_a_setting_says_which_consents_may_be_processed(consent):
    found = Standing().with_consent(consent)
    assert found.refused(PROCESSABLE) == (consent == "withdrawn")
    assert found.refused(("granted",)) == (consent != "granted")
    assert found.withholds(chunk(), ("granted",)) == (None if consent == "granted" else Reason.NOT_PERMITTED)


@pytest.mark.parametrize("consent", PROCESSABLE)
def test_withdrawal_is_final(consent):
    gone = Standing().with_consent("withdrawn")
    with pytest.raises(PolicyError, match="final"):
        gone.with_consent(consent)
    assert gone.with_consent("withdrawn") == gone
    assert gone.refused((*PROCESSABLE, "withdrawn"))


# time      0    1000   2000   3000   4000
# pause          |-------------|
@pytest.mark.parametrize(
    ("start_ms", "end_ms", "hidden"),
    [
        (0, 999, False),
        (0, 1000, True),
        (500, 1500, True),
        (2000, 2000, True),
        (2900, 3900, True),
        (3000, 3000, False),
        (3000, 4000, False),
    ],
)
def test_what_a_pause_overlaps_is_hidden(start_ms, end_ms, hidden):
    found = Standing().with_pause(1000).resumed(3000)
    message = chunk(start_ms, end_ms).model_copy(update={"watermark_ms": end_ms})
    assert found.withholds(message, PROCESSABLE) == (Reason.PAUSED if hidden else None)
    paused_now = found.with_pause(10_000)
    assert paused_now.withholds(message, PROCESSABLE) == Reason.PAUSED


def test_a_pause_that_goes_on_is_not_begun_again_and_none_is_not_ended():
    paused = Standing().with_pause(1000)
    assert paused.with_pause(2000) == paused
    assert Standing().resumed(1000) == Standing()
    assert paused.resumed(500).pauses == (Pause(1000, 1001),)


def test_very_many_pauses_hide_no_less():
    found = Standing()
    for at_ms in range(0, 3_000_000, 1000):
        found = found.with_pause(at_ms).resumed(at_ms + 1)
    assert len(found.pauses) <= 1001
    assert found.withholds(chunk(5_000, 5_000), PROCESSABLE) == Reason.PAUSED


@given(st.lists(st.sampled_from(["pause", "resume", *CONSENTS]), max_size=12))
def test_a_standing_is_read_back_as_it_was_and_its_version_never_falls(steps):
    found = Standing()
    for at_ms, step in enumerate(steps):
        before = found
        try:
            found = {"pause": found.with_pause, "resume": found.resumed}.get(step, found.with_consent)(
                at_ms if step in ("pause", "resume") else step
            )
        except PolicyError:
            assert before.consent == "withdrawn"
        assert found.version == before.version + (found != before)
        assert standing(found.text()) == found


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"consent":"maybe","pauses":[],"version":1}'])
def test_what_something_else_wrote_is_no_consent(text):
    with pytest.raises(Malformed):
        standing(text)


def test_what_is_withheld_keeps_its_place_in_the_stream_and_nothing_else():
    frame = VideoFrame(**BASE, start_ms=5, end_ms=5, expects=("video",), jpeg=b"\xff\xd8")
    words = Transcript(
        **BASE, start_ms=5, end_ms=9, expects=("text",), text="hello", context=("a",), language="en"
    )
    for message in (chunk(), frame, words):
        empty = withheld(message, Reason.PAUSED)
        assert empty.envelope() == message.envelope()
        assert empty.withheld == Reason.PAUSED
        content = empty.model_dump(exclude=set(message.envelope()))
        assert not any(content.get(name) for name in ("pcm", "jpeg", "text", "context", "language"))
