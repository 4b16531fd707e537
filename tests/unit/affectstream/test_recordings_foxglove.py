"""A recording exported for Foxglove, read back by the `mcap` package."""

import json
from base64 import b64decode

import jsonschema
import pytest
from mcap.reader import make_reader
from support.mcap_files import START_MS, made_up_call, recorded
from support.reference_runs import typed

from affectstream.runtime.audit import audit_log
from affectstream.runtime.recording import open_recording
from affectstream.runtime.settings import load
from affectstream.schemas.messages import AudioChunk, VideoFrame
from affectstream.schemas.topics import FUSED

SENT = made_up_call()


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """The messages of the exported file by channel, each with its schema, and the recording."""
    monkeypatch.setenv("AFFECT_POLICY__RECORDINGS", str(tmp_path))
    monkeypatch.setenv("AFFECT_POLICY__AUDIT_LOG", str(tmp_path / "audit.jsonl"))
    path = recorded(tmp_path, SENT)
    done = typed("recordings", "export", path, "-o", tmp_path / "out", "--foxglove")
    assert done.exit_code == 0, done.output
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["foxglove.mcap"]
    found = {}
    with (tmp_path / "out" / "foxglove.mcap").open("rb") as file:
        for schema, channel, message in make_reader(file, validate_crcs=True).iter_messages():
            assert (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
            jsonschema.Draft202012Validator(json.loads(schema.data)).validate(json.loads(message.data))
            found.setdefault(channel.topic, []).append((schema.name, message))
    return found, open_recording(path)


def test_pictures_are_compressed_images_at_the_time_of_their_capture(exported):
    shown = exported[0]["video/customer"]
    assert {name for name, _ in shown} == {"foxglove.CompressedImage"}
    rows = [json.loads(message.data) for _, message in shown]
    frames = [message for message in SENT if isinstance(message, VideoFrame)]
    assert [b64decode(row["data"]) for row in rows] == [frame.jpeg for frame in frames]
    assert {(row["format"], row["frame_id"]) for row in rows} == {("jpeg", "customer")}
    stamps = [row["timestamp"]["sec"] * 1000 + row["timestamp"]["nsec"] // 10**6 for row in rows]
    assert stamps == [frame.start_ms for frame in frames]
    assert [message.log_time // 10**6 for _, message in shown] == stamps


def test_sound_is_raw_audio_without_gaps(exported):
    heard = exported[0]["audio/customer"]
    assert {name for name, _ in heard} == {"foxglove.RawAudio"}
    rows = [json.loads(message.data) for _, message in heard]
    pcm = b"".join(b64decode(row["data"]) for row in rows)
    assert pcm == b"".join(chunk.pcm for chunk in SENT if isinstance(chunk, AudioChunk))
    assert rows[0] | {"data": ""} == {
        "timestamp": {"sec": START_MS // 1000, "nsec": 0},
        "data": "",
        "format": "pcm-s16",
        "sample_rate": 8000,
        "number_of_channels": 1,
    }


def test_results_lie_beside_them_as_they_were_recorded_and_the_export_is_audited(exported):
    found, recording = exported
    kept = [(raw.log_time, raw.data) for _, raw in recording.raw([FUSED.name])]
    shown = found[f"{FUSED.name}/customer"]
    assert [(message.log_time, message.data) for _, message in shown] == kept
    noted = [(entry.did, entry.session) for entry in audit_log(load().policy).entries()]
    assert noted == [("recording read", "call"), ("export", "call")]
