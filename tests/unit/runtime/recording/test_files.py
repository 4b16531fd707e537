"""A recording on disk: what is read is what was written, whole, cut off, taken up or damaged."""

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import make_reader
from support.mcap_files import record_into, recorded
from support.observations import abstained, ended, envelope, final, observed
from support.paths import ROOT

from affectstream.runtime.recording import open_recording
from affectstream.runtime.recording.record import BINARY, json_schema, to_json, value_of
from affectstream.runtime.recording.writer import RecordingWriter
from affectstream.runtime.recordings import session_of
from affectstream.schemas.codec import TYPES, VERSIONS, encode
from affectstream.schemas.errors import InputError, Malformed
from affectstream.schemas.messages import AudioChunk, Observations, Transcript, VideoFrame
from affectstream.schemas.topics import CHUNKS, FRAMES, FUSED, PROBABILITIES, TRANSCRIPTS

GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.hex"))
START = 1_700_000_000_000


def frame(seq, at_ms, size=400):
    pixels = bytes((seq * 7 + k * k) % 256 for k in range(size))
    return VideoFrame(**envelope("video", seq, START + at_ms), jpeg=b"\xff\xd8" + pixels)


def chunk(seq, start_ms):
    at = envelope("audio", seq, START + start_ms, START + start_ms + 1000)
    return AudioChunk(**at, pcm=b"\x00\x01" * 80, rate_hz=8000)


def words(seq, start_ms, end_ms):
    return Transcript(**envelope("text", seq, START + start_ms, START + end_ms), text="so it is")


def call(seconds=3):
    """Everything that the topics carry of a short call, in the order in which it was sent."""
    sent = []
    for second in range(seconds):
        at = 1000 * second
        sent += [
            frame(2 * second, at),
            frame(2 * second + 1, at + 500),
            chunk(second, at),
            words(second, at, at + 900),
        ]
        made = [
            observed("video", 2 * second, START + at),
            abstained("audio", second, START + at, START + at + 1000),
        ]
        sent += [Observations(items=tuple(made)), final(START + at + 1000)]
    return [*sent, ended("video", 2 * seconds, START + 1000 * seconds)]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_bytes_of_every_message_come_back_and_fit_their_schema(path):
    value = bytes.fromhex(path.read_text().strip())
    data = to_json(value)
    assert value_of(data) == value
    fields = json.loads(data)
    schema = json.loads(json_schema(fields["type"]))
    assert schema["type"] == "object"
    if fields["v"] == VERSIONS[fields["type"]]:  # others are read, and are not written any more
        jsonschema.Draft202012Validator(schema).validate(fields)


def test_every_field_of_bytes_is_known_to_be_one():
    def fields(schema):
        if isinstance(schema, dict):
            for name, part in schema.get("properties", {}).items():
                if "base64" in json.dumps(part):
                    yield name
            for part in schema.values():
                yield from fields(part)
        elif isinstance(schema, list):
            for part in schema:
                yield from fields(part)

    assert {name for kind in TYPES for name in fields(json.loads(json_schema(kind)))} == BINARY


@given(st.floats(0, 1), st.binary(max_size=40))
def test_numbers_and_bytes_come_back_to_the_last_bit(quality, embedding):
    value = encode(Observations(items=(observed("audio", 0, START, quality=quality, embedding=embedding),)))
    assert value_of(to_json(value)) == value


@pytest.mark.parametrize("data", [b"", b"{", b"[1,", b'{"jpeg": "?"}', b"\xff"])
def test_what_is_no_json_of_a_message_is_refused(data):
    with pytest.raises(Malformed, match="JSON"):
        value_of(data)


def test_messages_come_back_by_topic_and_time_in_the_order_in_which_they_were_due(tmp_path):
    sent = call()
    found = open_recording(recorded(tmp_path, sent))
    assert (found.session_id, found.whole) == ("call", True)
    assert (found.start_ms - START, found.end_ms - START) == (0, 3000)
    every = list(found.messages())
    assert sorted(map(encode, sent)) == sorted(encode(each.message) for each in every)
    assert [each.at_ms for each in every] == sorted(each.at_ms for each in every)
    frames = [each.message.seq for each in found.messages([FRAMES], START + 500, START + 2500)]
    assert frames == [1, 2, 3, 4]
    assert {each.topic for each in found.messages([CHUNKS, FUSED])} == {CHUNKS.name, FUSED.name}
    counts = {(stream.topic, stream.kind): stream.messages for stream in found.streams}
    assert counts[FRAMES.name, "frame"] == 6
    assert counts[FRAMES.name, "eos"] == 1
    assert found.holds(PROBABILITIES)


def test_a_final_that_is_on_its_topic_twice_counts_once(tmp_path):
    """As after a crash of the fusion between its topic and its commit."""
    sent = call()
    finals = [message for message in sent if message.type == "fused"]
    found = open_recording(recorded(tmp_path, [*sent, *finals]))
    assert len(list(found.messages([FUSED]))) == 2 * len(finals) > 0
    assert found.finals() == finals


def test_a_stream_stays_in_the_order_of_its_topic_whatever_its_times(tmp_path):
    """An utterance of 20 s is sent 8 s after its start; the one after it was due before."""
    sent = [words(0, 0, 20_000), words(1, 1000, 2000), words(2, 30_000, 31_000)]
    found = open_recording(recorded(tmp_path, sent))
    assert [each.message.seq for each in found.messages([TRANSCRIPTS])] == [0, 1, 2]
    assert [each.at_ms - START for each in found.messages()] == [8000, 8000, 31_000]


def test_other_tools_read_the_file_and_the_schemas_in_it(tmp_path):
    path = recorded(tmp_path, call())
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert {index.compression for index in summary.chunk_indexes} == {"zstd"}
        read = list(reader.iter_messages())
    assert len(read) == len(call())
    for schema, channel, message in read:
        assert (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
        jsonschema.Draft202012Validator(json.loads(schema.data)).validate(json.loads(message.data))


def cut_file(tmp_path, chunks=4):
    """A file whose chunks end at known places: position, and how many messages lie before it."""
    writer, ends = RecordingWriter(tmp_path, "call", ""), []
    part = tmp_path / "call.mcap.part"
    for n in range(chunks):
        record_into(writer, [frame(10 * n + k, 1000 * n + 100 * k, 3000) for k in range(10)], 10 * n)
        writer.flush()
        ends.append(part.stat().st_size)
    writer.finish()
    return tmp_path / "call.mcap", ends


def test_a_truncated_recording_is_readable_to_its_last_whole_chunk(tmp_path):
    path, ends = cut_file(tmp_path)
    data = path.read_bytes()
    for size in [*range(ends[0] - 40, len(data) - 1, 997), *ends, *(end - 1 for end in ends), len(data) - 1]:
        path.write_bytes(data[:size])
        found = open_recording(path)
        assert not found.whole
        messages = [each.message.seq for each in found.messages()]
        whole = len(messages) // 10
        assert messages == list(range(10 * whole))
        # the messages' index follows a chunk, so a chunk is whole a little before its end
        assert whole >= sum(end <= size for end in ends)
        assert size >= found.written.readable_bytes


def test_nothing_of_a_damaged_chunk_is_handed_out(tmp_path):
    path, ends = cut_file(tmp_path)
    data = bytearray(path.read_bytes())
    data[(ends[0] + ends[1]) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        list(open_recording(path).messages())
    path.write_bytes(data[:-20])  # without its index the rest cannot be found either
    assert len(list(open_recording(path).messages())) == 10


@pytest.mark.parametrize("content", [b"", b"RIFF", b"\x89MCAP0\r\n", b"\x89MCAP0\r\n" + b"\xff" * 4000])
def test_what_is_no_recording_is_refused_in_one_line(content, tmp_path):
    path = tmp_path / "other.mcap"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a"):
        open_recording(path)


def test_a_part_of_a_killed_process_is_taken_up_without_what_was_not_flushed(tmp_path):
    sent = call(4)
    killed = RecordingWriter(tmp_path, "call", "r1")
    record_into(killed, sent[:10])
    killed.flush()
    record_into(killed, sent[10:15], 10)  # and then nothing more of this process
    assert not open_recording(tmp_path / "call.mcap.part").whole
    again = RecordingWriter(tmp_path, "call", "r1")
    assert not again.is_new
    assert record_into(again, sent[8:], 8) == len(sent) - 10
    again.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["call.mcap"]
    assert sorted(encode(each.message) for each in open_recording(again.path).messages()) == sorted(
        map(encode, sent)
    )


def test_a_session_that_goes_on_is_recorded_into_its_file_and_another_run_apart(tmp_path):
    first = recorded(tmp_path, call(2), run="r1")
    more = RecordingWriter(tmp_path, "call", "r1")
    record_into(more, [frame(9, 9000)], 100)
    more.finish()
    assert more.path == first
    assert len(list(open_recording(first).messages())) == len(call(2)) + 1
    other = recorded(tmp_path, call(1), run="r2")
    assert other.name == "call~2.mcap"
    assert (open_recording(first).run, open_recording(other).run) == ("r1", "r2")


@pytest.mark.parametrize(
    ("name", "session"),
    [
        ("call-7.mcap", "call-7"),
        ("call-7~2.mcap", "call-7"),
        ("call-7.2.mcap", "call-7.2"),
        ("call-7.mcap.part", "call-7"),
        ("call-7.mcap.part.copy", "call-7"),
        ("call-7.wav", None),
        ("call-7.mcap.txt", None),
    ],
)
def test_the_session_of_a_file_is_told_by_its_name(name, session):
    assert session_of(name) == session


def test_recordings_are_their_owners_alone(tmp_path):
    assert recorded(tmp_path, call(1)).stat().st_mode & 0o077 == 0
