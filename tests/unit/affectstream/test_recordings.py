"""Recordings of a session in the folder of the settings: found by name, deleted, and reads of them noted."""

import pytest

from affectstream.producers.session import PartySource, SessionPlan
from affectstream.recordings import note_reading
from affectstream.runtime.audit import audit_log
from affectstream.runtime.recordings import delete
from affectstream.runtime.settings import PolicySettings


@pytest.fixture
def policy(tmp_path):
    (tmp_path / "kept").mkdir()
    return PolicySettings(recordings=tmp_path / "kept", audit_log=tmp_path / "audit.jsonl")


def test_what_is_named_after_a_session_is_deleted_and_nothing_else(policy, tmp_path):
    outside = tmp_path / "precious"
    outside.mkdir()
    (outside / "file").touch()
    for name in ("call-7.wav", "call-7.vtt", "call-70.wav", "other-call-7.wav"):
        (policy.recordings / name).touch()
    (policy.recordings / "2026").mkdir()
    (policy.recordings / "2026" / "call-7.agent.wav").touch()
    (policy.recordings / "2026" / "call-7").symlink_to(outside, target_is_directory=True)
    assert delete(policy.recordings, "call-7") == 4
    left = sorted(path.name for path in policy.recordings.rglob("*"))
    assert left == ["2026", "call-70.wav", "other-call-7.wav"]
    assert (outside / "file").exists()


def test_a_read_of_a_kept_recording_is_noted_without_its_name(policy, tmp_path):
    inside, elsewhere = policy.recordings / "+491511234567.wav", tmp_path / "mine.wav"
    for media in (inside, elsewhere):
        media.touch()
        note_reading(SessionPlan("call-7", 0, (PartySource("customer", media),)), policy)
    noted = [(e.did, e.session, dict(e.detail)) for e in audit_log(policy).entries()]
    assert noted == [("recording read", "call-7", {"files": 1})]
    assert "1511234567" not in audit_log(policy).path.read_text()


def test_without_a_folder_nothing_is_noted(tmp_path):
    policy = PolicySettings(audit_log=tmp_path / "audit.jsonl")
    note_reading(SessionPlan("s", 0, (PartySource("customer", tmp_path / "a.wav"),)), policy)
    assert not (tmp_path / "audit.jsonl").exists()
