"""Which offsets a restart needs, and parties whose sound stops without an end."""

from support.asr import LOUD, Lengths, Loudness, chunks, sound

from affectstream.workers.asr.listener import Listener
from affectstream.workers.asr.partitions import FORGET_S, IDLE_S, Partition


def listener():
    return Listener(Loudness(), Lengths())


def read(partition, messages, offset=0, now_s=0.0):
    """Read messages one after the other; returns what is committed after each."""
    committed = []
    for message in messages:
        partition.reached = offset + 1
        partition.answers(message, offset, listener, True, now_s)
        committed.append(partition.commit)
        offset += 1
    return committed


def test_the_newest_chunk_is_kept_in_silence_and_nothing_after_the_end():
    assert read(Partition(), chunks(sound((3, 0)))) == [0, 1, 2, 4]


def test_what_was_said_is_kept_until_the_end_of_the_next_half_minute():
    stream = chunks(sound((1.5, 0), (3, LOUD), (58, 0)))
    assert read(Partition(), stream) == [0] * 60 + [30, 61, 62, 64]


def test_of_somebody_who_goes_on_speaking_the_half_minute_before_is_kept():
    stream = chunks(sound((2, 0), *[(1, LOUD), (1, 0)] * 50))[:-1]
    assert read(Partition(), stream) == [0, *[1] * 59, *[30] * 30, *[60] * 12]


def test_a_sound_without_words_holds_nothing_back():
    class Nothing(Lengths):
        def transcribe(self, samples):
            return ""

    partition = Partition()
    for offset, message in enumerate(chunks(sound((1, 0), (1, LOUD), (3, 0)))[:-1]):
        partition.reached = offset + 1
        partition.answers(message, offset, lambda: Listener(Loudness(), Nothing()), True, 0.0)
    assert partition.commit == 4


def test_what_one_party_needs_is_kept_for_the_partition():
    partition = Partition()
    speaking = chunks(sound((4, LOUD)), session="a")[:-1]
    silent = chunks(sound((4, 0)), session="b")[:-1]
    mixed = [message for pair in zip(speaking, silent, strict=True) for message in pair]
    assert set(read(partition, mixed)) == {0}


def test_sound_whose_words_are_not_wanted_holds_nothing_back():
    assert read(Partition(), chunks(sound((3, LOUD)), transcribe=False)) == [1, 2, 3, 4]


def test_a_party_that_stops_without_an_end_is_given_up_with_its_words():
    partition = Partition()
    read(partition, chunks(sound((1, 0), (2, LOUD)))[:-1], now_s=5.0)
    assert not partition.waits_in_vain(5.0 + IDLE_S - 1)
    assert partition.waits_in_vain(5.0 + IDLE_S)
    (words,) = partition.give_up(5.0 + IDLE_S)
    assert words.text == "20 tenths"
    assert partition.commit == partition.reached
    assert not partition.waits_in_vain(5.0 + IDLE_S)


def test_its_end_is_still_answered_for_some_hours_and_then_it_is_forgotten():
    stream = chunks(sound((1, 0), (2, LOUD)))
    partition = Partition()
    read(partition, stream[:-1])
    partition.give_up(IDLE_S)
    assert [m.type for m in partition.answers(stream[-1], 9, listener, True, IDLE_S)] == ["eos"]
    read(partition, stream[:-1])
    for now_s in (IDLE_S, FORGET_S):
        partition.give_up(now_s)
    assert partition.answers(stream[-1], 9, listener, True, FORGET_S) == []
