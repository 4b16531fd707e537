"""The committed demo call: it is what its README says, and small."""

import json
from collections import defaultdict

import cv2
import numpy as np
import pytest
from support.paths import ROOT

from affectstream.analyze import finals
from affectstream.models.face.detect import Detector
from affectstream.producers.session import PartySource, SessionPlan, estimated_ms, messages
from affectstream.runtime.settings import load
from affectstream.schemas.labels import EMOTIONS, INDEX
from affectstream.schemas.messages import AudioChunk, EndOfStream, Transcript, VideoFrame
from affectstream.session_file import events

FOLDER = ROOT / "affectstream" / "demo_call"
SESSION = json.loads((FOLDER / "session.json").read_text())
EVENTS = {event["event"]: (event["start_s"] * 1000, event["end_s"] * 1000) for event in SESSION["events"]}


def plan():
    sources = tuple(
        PartySource(p["party"], FOLDER / p["media"], FOLDER / p["transcript"]) for p in SESSION["parties"]
    )
    return SessionPlan(SESSION["session"], 0, sources, agent_purpose=SESSION["agent_purpose"])


@pytest.fixture(scope="module")
def streams():
    by = defaultdict(list)
    for message in messages(plan()):
        by[message.party, type(message)].append(message)
    return by


def inside(message, event, margin_ms=0):
    start, end = EVENTS[event]
    return start + margin_ms <= message.start_ms and message.end_ms <= end - margin_ms


def test_it_is_a_minute_of_two_parties_and_small():
    assert 45_000 <= estimated_ms(plan()) <= 60_000
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_500_000


def test_every_kind_of_input_is_there_to_the_end(streams):
    assert set(streams) == {
        ("customer", VideoFrame),
        ("customer", AudioChunk),
        ("customer", Transcript),
        ("customer", EndOfStream),
        ("agent", AudioChunk),
        ("agent", Transcript),
        ("agent", EndOfStream),
    }
    assert len(streams["customer", EndOfStream]) == 3


def test_the_face_is_found_but_where_it_is_hidden(streams):
    detector = Detector(most=1)
    found = {}
    for frame in streams["customer", VideoFrame][::2]:
        picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
        found[frame] = len(detector.detect(picture)) == 1
    hidden = [found[f] for f in found if inside(f, "face hidden")]
    start, end = EVENTS["face hidden"]
    seen = [found[f] for f in found if not start - 1000 < f.start_ms < end + 1000]
    assert len(hidden) >= 8 and not any(hidden)
    assert np.mean(seen) > 0.95


def hop(chunk):
    """The samples of the interval that a chunk states, without the context before it."""
    n = (chunk.end_ms - chunk.start_ms) * chunk.rate_hz // 1000
    return np.frombuffer(chunk.pcm, "<i2")[-n:]


def test_a_blurred_picture_and_silence_are_what_they_say(streams):
    def sharpness(frame):
        gray = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        return cv2.Laplacian(gray, cv2.CV_64F).var()

    frames = streams["customer", VideoFrame]
    blurred = np.median([sharpness(f) for f in frames if inside(f, "out of focus")])
    assert blurred < 0.2 * np.median([sharpness(f) for f in frames[:30]])
    for party in ("customer", "agent"):
        quiet = [c for c in streams[party, AudioChunk] if inside(c, "silence")]
        assert len(quiet) >= 3
        assert all(np.abs(hop(c)).max() < 100 for c in quiet)


def test_the_customer_speaks_louder_when_angry(streams):
    def level(event):
        chunks = [c for c in streams["customer", AudioChunk] if inside(c, event, -500)]
        return max(hop(c).astype(float).std() for c in chunks)

    greeting = [c for c in streams["customer", AudioChunk] if c.end_ms <= 8000]
    assert level("words against voice") > 2 * max(hop(c).astype(float).std() for c in greeting)


def test_the_events_that_a_plot_marks_lie_within_the_call():
    marked = events(FOLDER / "session.json")
    assert {event.text for event in marked} == set(EVENTS)
    assert all(0 < event.start_s < event.end_s < 60 for event in marked)


def test_words_are_missing_only_where_it_says_so(streams):
    words = [t for party in ("customer", "agent") for t in streams[party, Transcript] if t.text]
    start, end = EVENTS["transcript missing"]
    assert len(words) == 13
    assert not [t for t in words if t.end_ms > start and t.start_ms < end]
    heard = [c for c in streams["agent", AudioChunk] if c.start_ms < end and c.end_ms > start and any(hop(c))]
    assert heard
    assert max(t.end_ms - t.start_ms for t in words) < 8000


@pytest.fixture(scope="module")
def course():
    """The fused probabilities of the customer (seconds, 7), as `analyze` gives them; NaN without evidence."""
    found = finals(messages(plan()), load(policy={"agent_purpose": "synthetic"}))
    return np.array([w.p or (np.nan,) * len(EMOTIONS) for w in found if w.party == "customer"])


@pytest.mark.parametrize(
    ("first_s", "last_s", "emotion"),
    [
        pytest.param(0, 8, "neutral", id="it begins as any call"),
        pytest.param(11, 36, "angry", id="the customer is annoyed, whatever is hidden or said"),
        pytest.param(48, 56, "happy", id="and ends relieved"),
    ],
)
def test_the_story_is_read_in_the_fused_line(course, first_s, last_s, emotion):
    assert EMOTIONS[np.nanmean(course[first_s:last_s], axis=0).argmax()] == emotion


def test_nobody_sees_a_happy_customer_while_the_call_is_angry(course):
    happy = course[:, INDEX["happy"]]
    assert np.nanmean(happy[11:36]) < 0.2
    assert np.nanmax(happy[11:36]) < 0.5 < np.nanmean(happy[48:56])
