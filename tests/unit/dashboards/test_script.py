"""The words of a recorded call that goes on: what is new is read, and nothing twice."""

from pathlib import Path

import pytest
from support.recorded_calls import utterance

from affectstream.dashboards.sound import Script, find, script
from affectstream.runtime.recording.writer import RecordingWriter
from affectstream.schemas.codec import encode
from affectstream.schemas.topics import TRANSCRIPTS

START_MS = 1_700_000_000_000
TEXTS = ("Good morning.", "Where is my parcel?", "It never came.")


def say(writer: RecordingWriter, number: int) -> None:
    """Record one utterance."""
    said = utterance(
        "call", "customer", START_MS + 2000 * number, START_MS + 2000 * number + 1500, TEXTS[number]
    )
    writer.add(TRANSCRIPTS.name, said, encode(said), said.end_ms, number)
    writer.flush()


def read(folder: Path, before: Script | None = None) -> Script:
    """Read what was said, by what was read before."""
    found = find(folder, "call", "", before.recording if before else None)
    assert found is not None
    return script(found, before)


def texts(of: Script) -> list[str]:
    return [each.text for each in of.words]


def damage(of: Script) -> None:
    """Damage the messages that were read, so that they cannot be read again."""
    chunk = of.recording.written.summary.chunk_indexes[0]
    with of.recording.path.open("r+b") as file:
        file.seek(chunk.chunk_start_offset + chunk.chunk_length - 8)
        file.write(bytes(8))


@pytest.fixture
def writer(tmp_path: Path) -> RecordingWriter:
    """A call that is being recorded, in which one thing was said."""
    opened = RecordingWriter(tmp_path, "call", "")
    say(opened, 0)
    return opened


def test_only_what_was_added_is_read(writer: RecordingWriter, tmp_path: Path) -> None:
    first = read(tmp_path)
    damage(first)
    say(writer, 1)
    second = read(tmp_path, first)
    assert (texts(first), texts(second)) == (list(TEXTS[:1]), list(TEXTS[:2]))


def test_where_nothing_was_added_nothing_is_read(writer: RecordingWriter, tmp_path: Path) -> None:
    first = read(tmp_path)
    damage(first)
    assert read(tmp_path, first) is first


def test_the_last_words_are_read_from_the_file_that_is_whole(writer: RecordingWriter, tmp_path: Path) -> None:
    first = read(tmp_path)
    say(writer, 1)
    say(writer, 2)
    writer.finish()
    damage(read(tmp_path))
    last = read(tmp_path, first)
    assert (texts(last), last.recording.whole) == (list(TEXTS), True)


def test_a_recording_that_another_process_has_gone_on_with_is_read_anew(
    writer: RecordingWriter, tmp_path: Path
) -> None:
    first = read(tmp_path)
    taken_up = RecordingWriter(tmp_path, "call", "")
    say(taken_up, 1)
    taken_up.finish()
    assert texts(read(tmp_path, first)) == list(TEXTS[:2])


def test_another_run_has_words_of_its_own(writer: RecordingWriter, tmp_path: Path) -> None:
    first = read(tmp_path)
    other = RecordingWriter(tmp_path, "call", "again")
    say(other, 2)
    found = find(tmp_path, "call", "again", first.recording)
    assert found is not None
    assert texts(script(found, first)) == [TEXTS[2]]
