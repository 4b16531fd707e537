"""One party's sound to transcripts: time goes on in silence, words lie where they were spoken; restarts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.asr import FAINT, LOUD, RATE_HZ, START_MS, Lengths, Loudness, chunks, sound

from affectstream.models.asr.segments import AFTER_MS, BEFORE_MS, CUT_MS
from affectstream.schemas.messages import AudioChunk, EndOfStream, Transcript
from affectstream.workers.asr.listener import NUMBERS, Listener
from affectstream.workers.asr.offline import with_words
from affectstream.workers.asr.partitions import Partition


def listener(recogniser=None, **other):
    return Listener(Loudness(), recogniser or Lengths(), **other)


def answers(messages, one=None):
    one = one or listener()
    found = []
    for message in messages:
        found += one.end(message) if isinstance(message, EndOfStream) else one.hear(message)
    return found


def words(found):
    return [
        (t.start_ms - START_MS, t.end_ms - START_MS, t.text)
        for t in found
        if isinstance(t, Transcript) and t.text
    ]


def test_silence_moves_time_on_with_every_chunk():
    found = answers(chunks(sound((3, 0.0))))
    assert [(type(m).__name__, m.start_ms - START_MS, m.watermark_ms - START_MS) for m in found] == [
        ("Transcript", 0, 1000),
        ("Transcript", 1000, 2000),
        ("Transcript", 2000, 3000),
        ("EndOfStream", 3000, 3000),
    ]
    assert words(found) == []
    assert found[0].seq == 0


def test_words_lie_where_they_were_spoken_and_are_sent_after_the_pause():
    found = answers(chunks(sound((1.5, 0), (1.0, LOUD), (2.5, 0))))
    ((start_ms, end_ms, text),) = words(found)
    assert abs(start_ms - 1500) <= 40
    assert abs(end_ms - 2500) <= 40
    assert text == "10 tenths"
    (sent,) = [n for n, m in enumerate(found) if isinstance(m, Transcript) and m.text]
    assert found[sent].seq // NUMBERS == 3  # the chunk from 3 to 4 s shows half a second of silence


def test_time_waits_at_the_start_of_an_utterance_and_every_chunk_is_answered():
    found = answers(chunks(sound((0.5, 0), (5.0, LOUD), (1.5, 0))))
    assert {m.seq // NUMBERS for m in found[:-1]} == set(range(7))
    waiting = [m for m in found if isinstance(m, Transcript) and m.start_ms == m.end_ms]
    assert len(waiting) == 5
    assert len({m.watermark_ms for m in waiting}) == 1


def test_words_come_after_those_of_two_utterances_before_of_this_half_minute_or_the_last():
    spoken = [(1.0, LOUD), (2.0, 0), (1.2, LOUD), (2.0, 0), (1.4, LOUD), (2.0, 0), (1.6, LOUD)]
    later = [(49.8, 0), (1.0, LOUD), (2.0, 0)]  # ends in the half minute after the next
    found = [t for t in answers(chunks(sound((1.0, 0), *spoken, *later))) if isinstance(t, Transcript)]
    assert [(t.text, t.context) for t in found if t.text] == [
        ("10 tenths", ()),
        ("12 tenths", ("10 tenths",)),
        ("14 tenths", ("10 tenths", "12 tenths")),
        ("16 tenths", ("12 tenths", "14 tenths")),
        ("10 tenths", ()),
    ]
    assert all(t.context == () for t in found if not t.text)


def test_words_of_the_half_minute_before_are_still_context():
    found = answers(chunks(sound((2.0, 0), (1.0, LOUD), (53.0, 0), (1.2, LOUD), (2.0, 0))))
    assert [t.context for t in found if isinstance(t, Transcript) and t.text] == [(), ("10 tenths",)]


def test_an_utterance_that_is_open_at_the_end_is_sent():
    found = answers(chunks(sound((1.0, 0), (1.0, LOUD))))
    assert [text for *_, text in words(found)] == ["10 tenths"]
    assert isinstance(found[-1], EndOfStream)
    assert found[-1].modality == "text"


def test_a_gap_ends_an_utterance_and_is_silence():
    first = chunks(sound((1.0, 0), (1.0, LOUD)))[:-1]
    second = chunks(sound((2.0, 0)), start_ms=START_MS + 10_000)
    later = [m.model_copy(update={"seq": m.seq + 2}) for m in second]
    found = answers([*first, *later])
    assert [text for *_, text in words(found)] == ["10 tenths"]
    assert [a.watermark_ms for a in found] == sorted(a.watermark_ms for a in found)


def test_sound_that_is_not_listened_to_moves_time_on_and_reaches_no_model():
    recogniser = Lengths()
    one = listener(recogniser)
    found = [t for chunk in chunks(sound((3, LOUD)))[:-1] for t in one.hear(chunk, listens=False)]
    assert [t.watermark_ms - START_MS for t in found] == [1000, 2000, 3000]
    assert recogniser.heard == []


def test_what_was_said_before_it_may_not_listen_any_more_is_dropped():
    recogniser = Lengths()
    one, stream = listener(recogniser), chunks(sound((1, 0), (3, LOUD)))
    found = [t for chunk in stream[:3] for t in one.hear(chunk)]
    found += one.hear(stream[3], listens=False)
    assert words(found) == []
    assert recogniser.heard == []
    assert found[-1].watermark_ms == stream[3].end_ms


@pytest.mark.parametrize("pcm", [b"", b"\0"])
def test_sound_that_is_none_is_silence(pcm):
    (chunk, *_) = chunks(sound((1, 0)))
    (found,) = listener().hear(chunk.model_copy(update={"pcm": pcm}))
    assert (found.text, found.watermark_ms) == ("", chunk.end_ms)


def test_a_chunk_that_comes_twice_is_heard_once():
    one = listener()
    (chunk, *_) = chunks(sound((1, 0)))
    assert one.hear(chunk)
    assert one.hear(chunk) == []


def test_what_identifies_is_taken_out_before_anything_is_sent():
    class Card:
        model_id = "card"

        def transcribe(self, samples):
            return "it is four one one one one one one one one one one one one one one one"

    stream = chunks(sound((1, 0), (1, LOUD), (1, 0)))
    assert all("one one" not in text for *_, text in words(answers(stream, listener(Card()))))
    assert any("one one" in text for *_, text in words(answers(stream, listener(Card(), redact=False))))


def test_the_language_of_the_setting_is_stated_with_the_words():
    found = answers(chunks(sound((1, 0), (1, LOUD), (1, 0))), listener(language="en"))
    assert {t.language for t in found if isinstance(t, Transcript)} == {None, "en"}


def test_the_recogniser_hears_a_little_before_and_after_at_its_own_rate():
    recogniser = Lengths()
    answers(chunks(sound((2, 0), (1.0, LOUD), (2, 0))), listener(recogniser))
    (samples,) = recogniser.heard
    assert abs(samples / 16 - (BEFORE_MS + 1000 + AFTER_MS)) < 100


@pytest.mark.parametrize("shift_ms", [0, 10, 500])
def test_what_goes_on_over_a_half_minute_is_heard_from_a_little_before_it_and_not_twice(shift_ms):
    recogniser = Lengths()
    stream = chunks(sound((25, 0), (8, LOUD), (2, 0)), start_ms=START_MS + shift_ms)
    (_, end_ms, _), _ = words(answers(stream, listener(recogniser)))
    assert end_ms == pytest.approx(30_000, abs=40)
    first, second = (samples / 16 for samples in recogniser.heard)
    assert second == pytest.approx(3_000 + shift_ms + CUT_MS + AFTER_MS, abs=60)
    assert first <= 5_000 - shift_ms + BEFORE_MS + AFTER_MS + 60


def test_the_frames_of_speech_leave_no_time_out():
    class Frames(Loudness):
        def probabilities(self, samples, rate_hz):
            return np.ones_like(super().probabilities(samples, rate_hz))

    found = words(answers(chunks(sound((4, LOUD))), Listener(Frames(), Lengths())))
    assert [(start_ms, end_ms) for start_ms, end_ms, _ in found] == [(0, 4000)]


PARTS = st.lists(
    st.tuples(st.integers(1, 25).map(lambda n: n / 10), st.sampled_from([0.0, FAINT, LOUD])), max_size=25
)


@settings(max_examples=60, deadline=None)
@given(PARTS)
def test_numbers_and_times_rise_and_the_texts_leave_no_time_out(parts):
    samples = sound((0.3, 0.0), *parts)
    found = answers(chunks(samples))
    seqs = [m.seq for m in found]
    assert seqs == sorted(set(seqs))
    assert seqs[0] == 0
    reached = START_MS
    for message in found:
        assert message.start_ms == reached
        reached = max(reached, message.end_ms)
        assert message.watermark_ms >= message.start_ms
    assert reached == START_MS + len(samples) * 1000 // RATE_HZ


class Choosy(Lengths):
    """Knows no words of what is long or even: a piece may have words where the whole has none."""

    def transcribe(self, samples):
        found = super().transcribe(samples)
        tenths = int(found.split()[0])
        return found if tenths < 12 and tenths % 2 else ""


@settings(max_examples=150, deadline=None)
@given(PARTS, st.integers(0, 100), st.integers(0, 29_999), st.sampled_from([Lengths, Choosy]))
def test_a_listener_that_begins_where_the_offsets_say_sends_what_one_from_the_start_sends(
    parts, at, shift_ms, recogniser
):
    stream = chunks(sound((0.3, 0.0), *parts * 2), start_ms=START_MS + shift_ms)
    at = min(at, len(stream) - 1)
    whole, first, second = Partition(), Partition(), Partition()

    def read(partition, begin, end):
        found = []
        for offset in range(begin, end):
            partition.reached = offset + 1
            found += partition.answers(stream[offset], offset, lambda: listener(recogniser()), True, 0.0)
        return found

    expected = read(whole, 0, len(stream))
    before = read(first, 0, at)
    after = read(second, first.commit, len(stream))
    sent = {(m.start_ms, m.seq): m for m in before}
    newest = max(sent, default=(-1, -1))
    for message in after:  # as the join takes them: what is not newer is a duplicate
        if (message.start_ms, message.seq) > newest:
            sent[message.start_ms, message.seq] = message
    assert list(sent.values()) == expected


def test_a_session_without_a_broker_has_the_words_beside_its_sound():
    stream = chunks(sound((1, 0), (1, LOUD), (1, 0)))
    assert [m for m in with_words(stream, lambda: listener) if not isinstance(m, AudioChunk)][
        -1
    ].modality in (
        "audio",
        "text",
    )
    assert words(with_words(stream, lambda: listener)) == words(answers(stream))


def test_a_session_whose_words_are_not_wanted_is_as_it_was():
    stream = chunks(sound((1, 0), (1, LOUD), (1, 0)), transcribe=False)

    def load():
        raise AssertionError("nothing is loaded")

    assert list(with_words(stream, load)) == stream


def test_the_sound_that_is_kept_is_that_of_an_utterance():
    one = listener()
    for chunk in chunks(np.full(60 * RATE_HZ, LOUD, np.float32))[:-1]:
        one.hear(chunk)
    assert len(one._sound) < 12 * RATE_HZ
