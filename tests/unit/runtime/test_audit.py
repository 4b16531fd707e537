"""The audit log: whatever is done to it afterwards is found, and a writer that is killed breaks nothing."""

import json
import multiprocessing
import os

import pytest
from typer.testing import CliRunner

from affectstream.audit import app
from affectstream.runtime.audit import AuditLog, audit_log
from affectstream.runtime.settings import load
from affectstream.schemas.errors import InputError, Unavailable


@pytest.fixture
def log(tmp_path):
    made = AuditLog(tmp_path / "deep" / "audit.jsonl", "key")
    for number in range(5):
        made.append("consent", f"call-{number}", "ana", {"state": "granted"})
    return made


def lines(log):
    return log.path.read_bytes().splitlines(keepends=True)


def test_entries_are_bound_to_one_another_and_read_back_in_order(log):
    assert [(e.seq, e.session, e.by, e.did) for e in log.entries()] == [
        (n, f"call-{n}", "ana", "consent") for n in range(5)
    ]
    verdict = log.verify()
    assert (verdict.entries, verdict.faults) == (5, ())
    assert verdict.last_hash == list(log.entries())[-1].hash
    assert log.path.stat().st_mode & 0o077 == 0


def edited(log):
    whole = lines(log)
    log.path.write_bytes(b"".join([*whole[:2], whole[2].replace(b"call-2", b"call-9"), *whole[3:]]))


def reordered(log):
    whole = lines(log)
    log.path.write_bytes(b"".join([whole[0], whole[2], whole[1], *whole[3:]]))


def without_a_line(log):
    whole = lines(log)
    log.path.write_bytes(b"".join([*whole[:1], *whole[2:]]))


def truncated(log):
    log.path.write_bytes(b"".join(lines(log)[:-2]))


def truncated_within_a_line(log):
    os.truncate(log.path, log.path.stat().st_size - 10)


def emptied(log):
    log.path.write_bytes(b"")


def deleted(log):
    log.path.unlink()


def without_a_head(log):
    log.path.with_name("audit.jsonl.head").unlink()
    truncated(log)


def written_anew_with_another_key(log):
    for each in log.path.parent.iterdir():
        each.unlink()
    AuditLog(log.path, "guessed").append("purge", "call-1")


def foreign(log):
    log.path.write_bytes(log.path.read_bytes() + b'{"seq": 5}\n')


CHANGES = [
    edited,
    reordered,
    without_a_line,
    truncated,
    truncated_within_a_line,
    emptied,
    deleted,
    without_a_head,
    written_anew_with_another_key,
    foreign,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found(log, change):
    change(log)
    assert log.verify().faults


@pytest.mark.parametrize("change", [truncated, emptied, without_a_head, foreign])
def test_nothing_is_added_to_a_log_that_is_not_as_it_was_written(log, change):
    change(log)
    with pytest.raises(InputError, match="audit verify"):
        log.append("purge", "call-1")


def test_an_older_copy_of_log_and_head_is_found_by_a_hash_that_was_kept_elsewhere(log, tmp_path):
    older = {path: path.read_bytes() for path in log.path.parent.iterdir()}
    log.append("purge", "call-1")
    kept = log.verify().last_hash
    assert not log.verify(kept).faults
    for path, data in older.items():
        path.write_bytes(data)
    assert not log.verify().faults
    assert "older one" in log.verify(kept).faults[0]


def test_a_torn_line_is_told_and_replaced_by_an_entry_about_it(log):
    with log.path.open("ab") as file:
        file.write(b'{"at_ms":17')
    verdict = log.verify()
    assert (verdict.entries, verdict.faults, verdict.torn_bytes) == (5, (), 11)
    log.append("purge", "call-1")
    assert [e.did for e in log.entries()][-2:] == ["recovered", "purge"]
    assert log.verify().faults == ()


def test_an_entry_whose_writer_was_killed_before_the_head_is_kept(log):
    head = log.path.with_name("audit.jsonl.head")
    before = head.read_bytes()
    log.append("purge", "call-1")
    head.write_bytes(before)
    assert (log.verify().faults, log.verify().uncounted) == ((), 1)
    log.append("purge", "call-2")
    assert [e.session for e in log.entries()][-2:] == ["call-1", "call-2"]
    assert log.verify().faults == ()


def _append(path, name):
    for number in range(20):
        AuditLog(path, "key").append("purge", f"{name}-{number}")


def test_processes_append_at_once_and_every_entry_is_there(tmp_path):
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("fork")
    working = [context.Process(target=_append, args=(path, name)) for name in "abc"]
    for process in working:
        process.start()
    for process in working:
        process.join(60)
    found = AuditLog(path, "key")
    assert sorted(e.session for e in found.entries()) == sorted(f"{n}-{k}" for n in "abc" for k in range(20))
    assert found.verify().faults == ()


def _append_for_ever(path, told):
    while True:
        AuditLog(path).append("purge", "call")
        told.send(None)


def test_a_writer_that_is_killed_loses_no_entry_that_was_acknowledged(tmp_path):
    path, acknowledged = tmp_path / "audit.jsonl", 0
    for _ in range(3):
        reading, telling = multiprocessing.Pipe(duplex=False)
        writer = multiprocessing.get_context("fork").Process(target=_append_for_ever, args=(path, telling))
        writer.start()
        telling.close()
        for _ in range(7):
            reading.recv()
        writer.kill()
        writer.join(60)
        acknowledged += 7
    log = AuditLog(path)
    log.append("purge", "last")
    assert log.verify().faults == ()
    assert sum(e.did == "purge" for e in log.entries()) > acknowledged


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=r"policy\.audit_log names another"):
        AuditLog(tmp_path / "file" / "audit.jsonl").append("purge")


def test_the_commands_show_and_check_the_log_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECT_POLICY__AUDIT_LOG", str(tmp_path / "audit.jsonl"))
    run = CliRunner().invoke
    assert "0 entries" in run(app, ["verify"]).output
    log = audit_log(load().policy)
    log.append("purge", "call-7", "ana", {"keys": 4})
    log.append("consent", "call-8", "bea", {"state": "withdrawn"})
    shown = run(app, ["show", "--session", "call-8"], env={"COLUMNS": "200"}).output
    assert "withdrawn" in shown
    assert "call-7" not in shown
    whole = run(app, ["verify"])
    assert whole.exit_code == 0
    assert json.loads(log.path.read_bytes().splitlines()[-1])["hash"] in whole.output.replace("\n", "")
    edited_text = log.path.read_bytes().replace(b"bea", b"eve")
    log.path.write_bytes(edited_text)
    broken = run(app, ["verify"])
    assert broken.exit_code == 1
    assert "line 2" in broken.output
