"""The command `consent set SESSION withdrawn`: what it deletes, what it leaves, and what it says of both."""

import subprocess
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.disks import small_disk
from support.mcap_files import made_up_call, recorded
from support.reference_runs import typed

from affectstream.runtime.audit import audit_log
from affectstream.runtime.settings import RedisSettings, load
from affectstream.schemas.errors import InputError, PolicyError

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(redis: RedisSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of recordings, in the settings of whoever types the command."""
    monkeypatch.setenv("AFFECT_REDIS__URL", redis.url)
    monkeypatch.setenv("AFFECT_POLICY__RECORDINGS", str(tmp_path / "kept"))
    monkeypatch.setenv("AFFECT_POLICY__AUDIT_LOG", str(tmp_path / "audit.jsonl"))
    return tmp_path / "kept"


def withdrawn() -> list[str]:
    """Withdraw the consent to call-7; returns the lines of the answer."""
    with capture_logs():  # which only the program itself keeps out of the answer
        done = typed("consent", "set", "call-7", "withdrawn", "--by", "ana")
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def audited() -> list[tuple[str, str, str]]:
    return [(entry.did, entry.session, entry.by) for entry in audit_log(load().policy).entries()]


def test_a_withdrawal_deletes_the_recordings_and_says_what_stays_until_a_purge(folder: Path) -> None:
    folder.mkdir()
    recorded(folder, made_up_call(session_id="call-7"), "call-7")
    other = recorded(folder, made_up_call(session_id="call-8"), "call-8")
    assert withdrawn() == [
        "the consent to session call-7 is withdrawn",
        "what else was made of it before stays until `affectstream purge call-7`",
    ]
    assert list(folder.iterdir()) == [other]
    assert audited() == [("consent", "call-7", "ana"), ("recording removed", "call-7", "ana")]
    assert typed("consent", "show", "call-7").output == "consent: withdrawn\n"


def test_a_withdrawal_without_recordings_is_answered_alike(folder: Path) -> None:
    assert len(withdrawn()) == 2
    assert audited() == [("consent", "call-7", "ana")]


def test_recordings_that_cannot_be_deleted_are_named_and_the_consent_is_withdrawn_all_the_same(
    folder: Path,
) -> None:
    with small_disk(folder, 256):
        path = recorded(folder, made_up_call(session_id="call-7"), "call-7")
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        with pytest.raises(
            InputError, match="could not be deleted; the consent is withdrawn all the same"
        ) as told:
            withdrawn()
        assert path.exists()
    assert "affectstream purge call-7" in str(told.value)
    assert typed("consent", "show", "call-7").output == "consent: withdrawn\n"


def test_a_withdrawal_is_final(folder: Path) -> None:
    withdrawn()
    with pytest.raises(PolicyError, match="withdrawn"):
        typed("consent", "set", "call-7", "granted")
