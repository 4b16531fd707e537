"""The sound of a recorded call: both parties at their times, and any range of its bytes by itself."""

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from support.recorded_calls import Samples, chunk, recorded, utterance

from affectstream.dashboards.sound import BLOCK_MS, HEADER, LATE_MS, Sound, find, mp4, script, sound
from affectstream.runtime.recording import open_recording
from affectstream.runtime.recording.writer import RecordingWriter
from affectstream.schemas.codec import encode
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import Party
from affectstream.schemas.topics import CHUNKS

START_MS = 1_700_000_000_000
SECONDS = 23  # three blocks, the last of which is not full
GAP = range(12, 15)  # seconds of which nothing was recorded
RATE_HZ = 8000


def second(value: int, rate_hz: int = RATE_HZ) -> Samples:
    """A second of sound by whose value it is recognised."""
    return np.full(rate_hz, value, np.int16)


@pytest.fixture
def heard(tmp_path: Path) -> Sound:
    """The customer's seconds are 1, 2, 3 ...; the agent says 1000 in the second of number 3, at 16 kHz."""
    customer = [
        chunk("call", "customer", i, START_MS + 1000 * i, second(i + 1))
        for i in range(SECONDS)
        if i not in GAP
    ]
    agent = chunk("call", "agent", 0, START_MS + 3000, second(1000, 16_000), 16_000)
    found = sound(recorded(tmp_path, "call", [*customer[:4], agent, *customer[4:]]))
    assert found is not None
    return found


def whole(of: Sound) -> bytes:
    return b"".join(of.read(0, of.size - 1))


def test_it_is_a_wav_of_the_call_with_silence_in_a_gap(heard: Sound) -> None:
    with wave.open(io.BytesIO(whole(heard))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(SECONDS, 16_000)
    expected = [0 if i in GAP else i + 1 + (1000 if i == 3 else 0) for i in range(SECONDS)]
    assert pcm[:, 8000].tolist() == expected
    assert (heard.start_ms, heard.end_ms) == (START_MS, START_MS + 1000 * SECONDS)


BLOCK_BYTES = 2 * 16 * BLOCK_MS


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (0, 0),
        (0, 1),
        (10, HEADER.size + 5),
        (HEADER.size, HEADER.size),
        (HEADER.size + 101, HEADER.size + 90_000),
        (HEADER.size + BLOCK_BYTES - 3, HEADER.size + BLOCK_BYTES + 3),
        (HEADER.size + BLOCK_BYTES, HEADER.size + 2 * BLOCK_BYTES - 1),
        (HEADER.size + 2 * BLOCK_BYTES + 1, HEADER.size + 32_000 * SECONDS - 1),
    ],
)
def test_a_range_is_a_part_of_the_whole(heard: Sound, first: int, last: int) -> None:
    assert b"".join(heard.read(first, last)) == whole(heard)[first : last + 1]


def test_a_loud_mixture_is_clipped_and_never_wraps(tmp_path: Path) -> None:
    both = [chunk("call", party, 0, START_MS, second(30_000)) for party in ("customer", "agent")]
    found = sound(recorded(tmp_path, "call", both))
    assert found is not None
    assert set(found.block(START_MS).tolist()) == {32767}


def test_a_recording_without_sound_has_words_and_nothing_to_hear(tmp_path: Path) -> None:
    said = utterance("call", "customer", START_MS, START_MS + 2000, "Good morning.")
    found = recorded(tmp_path, "call", [said])
    assert sound(found) is None
    assert [(each.party, each.start_ms, each.text) for each in script(found).words] == [
        ("customer", START_MS, "Good morning.")
    ]


def test_the_recording_of_the_run_that_is_kept_is_found_also_while_it_is_written(tmp_path: Path) -> None:
    hop = chunk("call", "customer", 0, START_MS, second(1))
    recorded(tmp_path, "call", [hop], run="first")
    recorded(tmp_path, "call", [hop], run="second")
    recorded(tmp_path, "call-2", [hop], run="third")
    RecordingWriter(tmp_path, "call", "fourth").flush()
    (tmp_path / "call.mcap.txt").write_text("notes")
    runs = [found.run for run in ("first", "second", "fourth") if (found := find(tmp_path, "call", run))]
    assert runs == ["first", "second", "fourth"]
    assert find(tmp_path, "call", "third") is None


def write(writer: RecordingWriter, party: Party, *seconds: int) -> None:
    """Write these seconds of a party to disk."""
    for i in seconds:
        hop = chunk("call", party, i, START_MS + 1000 * i, second(i + 1))
        writer.add(CHUNKS.name, hop, encode(hop), hop.end_ms, i)
    writer.flush()


def heard_so_far(folder: Path) -> Sound:
    found = sound(open_recording(folder / "call.mcap.part"))
    assert found is not None
    return found


def seconds_of(found: Sound) -> float:
    return (found.end_ms - found.start_ms) / 1000


def test_what_is_being_recorded_grows_to_the_last_chunk_that_every_party_has(tmp_path: Path) -> None:
    #  customer 0 1 2 3 4 5 6 7 8 9
    #  agent    0 1 2 3                 then 4 5 6 7
    writer = RecordingWriter(tmp_path, "call", "")
    write(writer, "agent", *range(4))
    write(writer, "customer", *range(4))
    at_first = heard_so_far(tmp_path)
    assert (at_first.grows, seconds_of(at_first)) == (True, 4)
    write(writer, "customer", *range(4, 8))
    behind = at_first.grown()
    assert seconds_of(behind) == 4
    write(writer, "agent", *range(4, 7))
    later = behind.grown()
    assert seconds_of(later) == 7
    assert later.grown() is later
    assert whole(later)[HEADER.size :] == whole(heard_so_far(tmp_path))[HEADER.size :]
    assert whole(later.until(at_first.end_ms)) == whole(at_first)


def test_a_party_that_falls_silent_holds_the_others_back_for_a_while_only(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path, "call", "")
    write(writer, "agent", *range(2))
    write(writer, "customer", *range(20))
    assert seconds_of(heard_so_far(tmp_path)) == 20 - LATE_MS / 1000
    writer.finish()
    over = sound(open_recording(tmp_path / "call.mcap"))
    assert over is not None
    assert (over.grows, seconds_of(over)) == (False, 20)


def test_a_recording_that_a_new_recorder_took_up_is_read_anew(tmp_path: Path) -> None:
    write(RecordingWriter(tmp_path, "call", ""), "customer", *range(3))
    before = heard_so_far(tmp_path)
    writer = RecordingWriter(tmp_path, "call", "")
    write(writer, "customer", *range(3, 6))
    assert seconds_of(before.grown()) == 6
    assert whole(before.grown()) == whole(heard_so_far(tmp_path))
    writer.finish()
    with pytest.raises(InputError):
        before.grown()


def test_what_was_open_is_read_on_when_the_recording_is_whole_and_no_more_when_it_is_deleted(
    tmp_path: Path,
) -> None:
    writer = RecordingWriter(tmp_path, "call", "")
    write(writer, "customer", *range(3))
    found = heard_so_far(tmp_path)
    before = whole(found)
    writer.finish()
    assert whole(found) == before
    (tmp_path / "call.mcap").unlink()
    with pytest.raises(InputError, match="No such file"):
        whole(found)


def test_the_recording_of_another_run_does_not_go_on_the_one_before(tmp_path: Path) -> None:
    write(RecordingWriter(tmp_path, "call", "first"), "customer", *range(3))
    before = heard_so_far(tmp_path)
    (tmp_path / "call.mcap.part").unlink()
    write(RecordingWriter(tmp_path, "call", "second"), "customer", *range(3))
    with pytest.raises(InputError, match="another recording"):
        before.grown()


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 44_100])
def test_a_part_for_the_browser_has_the_samples_to_the_bit(rate_hz: int) -> None:
    noise = np.random.default_rng(0).integers(-32768, 32767, 3 * rate_hz + 7).astype(np.int16)
    with av.open(io.BytesIO(mp4(noise, rate_hz))) as file:
        decoded = [frame.to_ndarray().ravel() for frame in file.decode(audio=0)]
    np.testing.assert_array_equal(np.concatenate(decoded), noise)
