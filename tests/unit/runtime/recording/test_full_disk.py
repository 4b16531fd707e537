"""A recording whose disk is full, and one that another process goes on with."""

import errno
import os
import shutil

import pytest
from support.mcap_files import made_up_call, record_into

from affectstream.runtime.recording import open_recording
from affectstream.runtime.recording.writer import RecordingWriter, TakenOver
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import Observations
from affectstream.schemas.topics import PROBABILITIES

SENT = made_up_call(6)


@pytest.fixture
def full(monkeypatch):
    """A disk that takes half of what is written to it, and then nothing; ``undo`` gives it room."""
    write = os.pwrite

    def half(file, data, at):
        if len(data) > 1:
            return write(file, data[: len(data) // 2], at)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", half)
        yield disk


@pytest.fixture
def writer(tmp_path):
    """A recording with ten messages on disk, and all others in memory."""
    made = RecordingWriter(tmp_path, "call", "r1")
    record_into(made, SENT[:10])
    made.flush()
    record_into(made, SENT[10:], 10)
    return made


@pytest.fixture
def part(writer, tmp_path):
    return tmp_path / "call.mcap.part"


def stored(path):
    return sorted(encode(each.message) for each in open_recording(path).messages())


@pytest.mark.parametrize("step", [RecordingWriter.flush, RecordingWriter.finish])
def test_a_full_disk_leaves_what_was_flushed_before_and_the_rest_is_written_later(writer, part, full, step):
    before = part.read_bytes()
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            step(writer)
        assert part.read_bytes() == before
    assert stored(part) == sorted(map(encode, SENT[:10]))
    full.undo()
    writer.finish()
    writer.finish()  # as where another file of the same step found no room
    assert open_recording(writer.path).whole
    assert stored(writer.path) == sorted(map(encode, SENT))
    assert not part.exists()


def test_a_file_that_is_taken_up_is_copied_in_portions_and_is_as_before_where_there_is_no_room(
    writer, part, tmp_path, full, monkeypatch
):
    full.undo()
    writer.flush()
    before, portions, write = part.read_bytes(), [], os.pwrite
    monkeypatch.setattr("affectstream.runtime.recording.writer.TAIL_BYTES", 200)
    monkeypatch.setattr("affectstream.runtime.recording.writer.CHUNK_BYTES", 200)

    def short(file, data, at):
        if len(portions) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        portions.append(len(data))
        return write(file, data, at)

    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", short)
        with pytest.raises(OSError, match="No space"):
            RecordingWriter(tmp_path, "call", "r1")
    assert sum(portions) < len(before)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]
    RecordingWriter(tmp_path, "call", "r1").finish()
    assert stored(tmp_path / "call.mcap") == sorted(map(encode, SENT))


def test_a_file_that_cannot_be_copied_is_not_begun(writer, part, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=open_recording(part).written.readable_bytes - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="No space"):
        RecordingWriter(tmp_path, "call", "r1")
    assert list(tmp_path.iterdir()) == [part]


def test_a_record_of_two_parties_whose_second_half_was_not_written_is_completed(tmp_path, monkeypatch):
    monkeypatch.setattr("affectstream.runtime.recording.writer.CHUNK_BYTES", 1)  # a chunk for each message
    (first, *_) = (message for message in SENT if isinstance(message, Observations))
    item = first.items[0].model_copy(update={"party": "agent"})
    halves = [first, Observations(items=(item,))]
    killed = RecordingWriter(tmp_path, "call", "r1")
    killed.add(PROBABILITIES.name, halves[0], encode(halves[0]), 1, 7)
    killed.flush()  # and then nothing more of this process
    again = RecordingWriter(tmp_path, "call", "r1")
    assert [again.add(PROBABILITIES.name, half, encode(half), 1, 7) for half in halves] == [False, True]
    again.finish()
    assert stored(again.path) == sorted(map(encode, halves))


def test_who_has_lost_a_file_to_another_process_writes_nothing_into_it(writer, part, tmp_path):
    """As a recorder that stood still, and does not know that its partitions are another's."""
    other = RecordingWriter(tmp_path, "call", "r1")
    record_into(other, SENT, 0)
    other.flush()
    taken = part.read_bytes()
    for step in (writer.flush, writer.finish):
        with pytest.raises(TakenOver, match="another recorder"):
            step()
    assert part.read_bytes() == taken
    other.finish()
    assert stored(other.path) == sorted(map(encode, SENT))
