"""Sessions that are played again: parts, shifts, loops, seeks, several beside each other."""

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.joining import Driven, fusion
from support.observations import ended, envelope, observed

from affectstream.producers.playback import Control, Play, Player, Source, beside
from affectstream.schemas.due import due_ms
from affectstream.schemas.messages import EndOfStream, FusedEmotion, Observations, Transcript, VideoFrame

START, SECONDS = 1_700_000_000_000, 12
TWO = ("video", "text")
LONG = (3_400, 9_700)  # an utterance of several windows


def emotion(n):
    """A distribution that tells its observation from its neighbours."""
    share = (n * 37 % 50) / 100
    return (share, 1 - share, 0.0, 0.0, 0.0, 0.0, 0.0)


def call():
    """Observations of a call: five pictures a second, and words with one long utterance."""
    rows = [
        observed("video", n, START + 200 * n, p=emotion(n), expects=TWO, watermark_ms=START + 200 * n + 1)
        for n in range(5 * SECONDS)
    ]
    spans = [(0, 1200), (1200, 3400), LONG, (9700, 12_000)]
    for n, (start, end) in enumerate(spans):
        at = {"end_ms": START + end, "watermark_ms": START + end}
        rows.append(observed("text", n, START + start, p=emotion(n + 9), expects=TWO, **at))
    rows.sort(key=lambda row: due_ms(Observations(items=(row,))))
    ends = [
        ended("video", 5 * SECONDS, START + 12_000, expects=TWO),
        ended("text", 4, START + 12_000, expects=TWO),
    ]
    return [*rows, *ends]


def read(start_ms, end_ms):
    for row in call():
        at_ms = due_ms(Observations(items=(row,)))
        if start_ms <= at_ms and (end_ms is None or at_ms < end_ms):
            yield Observations(items=(row,))


SOURCE = Source("call", START, read, results=True)


def play(from_s=0, to_s=None, start_ms=START, name="call", run="r"):
    until = SECONDS if to_s is None else to_s
    return Play(SOURCE, name, run, start_ms, START + 1000 * from_s, START + 1000 * until, to_s is not None)


def played(*plays, control=None):
    return [item for message in Player(plays, 1000, control).messages() for item in message.items]


def windows(items):
    """The finals of observations, as numbers by the end of their windows; nothing may be refused."""
    driven = Driven(fusion())
    found = [out for item in items for out in driven.push(item.model_copy(update={"run": ""}))]
    found += driven.finish()
    assert not [out for out in found if type(out).__name__ == "Refused"]
    return {out.end_ms: out.p for out in found if isinstance(out, FusedEmotion) and out.pane == "final"}


def by_stream(items):
    streams = defaultdict(list)
    for item in items:
        streams[item.session_id, item.party, item.modality].append(item)
    return streams


def test_all_of_a_session_is_played_as_it_is_under_its_id_and_run():
    expected = [item.model_copy(update={"session_id": "again", "run": "r9"}) for item in call()]
    assert played(play(name="again", run="r9")) == expected


def test_a_session_is_moved_by_whole_windows_and_its_finals_with_it():
    moved = windows(played(play(start_ms=START + 60_000)))
    assert {end - 60_000: p for end, p in moved.items()} == windows(call())


@settings(max_examples=20)
@given(st.integers(0, SECONDS - 1), st.integers(1, SECONDS))
def test_a_part_gives_the_finals_that_the_source_has_there(from_s, length):
    to_s = min(SECONDS, from_s + length)
    part = played(play(from_s, to_s, START + 1000 * from_s))
    whole = windows(call())
    assert windows(part) == {end: p for end, p in whole.items() if from_s < (end - START) / 1000 <= to_s}
    for stream in by_stream(part).values():
        assert [item.seq for item in stream] == list(range(len(stream)))
        assert [isinstance(item, EndOfStream) for item in stream] == [False] * (len(stream) - 1) + [True]


def test_a_frame_and_words_are_cut_as_their_kinds_are():
    """What is an instant is in a part or not; an utterance is cut at its borders, and is not said anew."""
    frames = [VideoFrame(**envelope("video", n, START + 400 * n), jpeg=b"x") for n in range(5)]
    said = Transcript(**envelope("text", 0, START, START + 1900), text="so it is")
    source = Source("call", START, lambda *_: iter([*frames, said]))
    part = Player([Play(source, "call", "", START + 1000, START + 1000, START + 2000, True)], 1000)
    placed = [(m.modality, m.start_ms - START, m.end_ms - START, m.type) for m in part.messages()]
    assert placed[:3] == [
        ("video", 1200, 1200, "frame"),
        ("video", 1600, 1600, "frame"),
        ("text", 1000, 1900, "transcript"),
    ]
    assert {row[3] for row in placed[3:]} == {"eos"}
    assert {row[1] for row in placed[3:]} == {2000}


def test_loops_follow_each_other_at_the_starts_of_windows_each_as_a_session_of_its_own():
    items = played(play(name="a"), play(name="b"), play(2, 5, name="c"))
    starts = {}
    for item in items:
        starts.setdefault(item.session_id, item.start_ms - START)
    assert starts == {"a": 0, "b": 12_000, "c": 24_000}
    assert len(windows([item for item in items if item.session_id == "c"])) == 3


@pytest.mark.parametrize("seek_s", [-4, 3, -60, 4])
def test_a_seek_goes_on_in_the_recording_and_never_back_in_time(seek_s):
    control, items = Control(), []
    for message in Player([play()], 1000, control).messages():
        items += message.items
        if len(items) == 30:
            control.seeks.append(1000 * seek_s)
    for stream in by_stream(items).values():
        assert [item.seq for item in stream] == list(range(len(stream)))
        assert isinstance(stream[-1], EndOfStream)
        assert all(a.start_ms <= b.start_ms for a, b in pairwise(stream))
    ends = sorted(windows(items))
    assert all(b - a == 1000 for a, b in pairwise(ends))
    assert (len(ends) > SECONDS) is (seek_s < 0)


def test_a_seek_beyond_the_end_ends_the_session():
    control = Control()
    player = Player([play()], 1000, control)
    messages = player.messages()
    items = [*next(messages).items]
    control.seeks.append(10**7)
    items += [item for message in messages for item in message.items]
    assert {type(item) for item in items[1:]} == {EndOfStream}


def test_a_stop_ends_all_streams():
    control, items = Control(), []
    for message in Player([play(), play(name="never")], 1000, control).messages():
        items += message.items
        control.stopped = len(items) >= 20
    assert {item.session_id for item in items} == {"call"}
    assert all(isinstance(stream[-1], EndOfStream) for stream in by_stream(items).values())


def test_several_are_played_beside_each_other_in_the_order_in_which_they_are_due():
    players = [Player([play(name=f"c{n}", start_ms=START + 3000 * n)], 1000) for n in range(3)]
    messages = list(beside(players))
    dues = [due_ms(message) for message in messages]
    assert dues == sorted(dues)
    assert (
        len(
            {
                windowed
                for windowed in (
                    tuple(
                        sorted(
                            windows(
                                [i for m in messages for i in m.items if i.session_id == f"c{n}"]
                            ).values()
                        )
                    )
                    for n in range(3)
                )
            }
        )
        == 1
    )
