"""The audit of the locked packages, as `make check` runs it."""

import importlib.util
from types import ModuleType

import pytest
from support.paths import ROOT

EMPTY = {"dependencies": [{"name": "msgpack", "skip_reason": "Dependency not found"}], "fixes": []}


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / "scripts" / "audit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_package_with_a_known_vulnerability_is_found_offline(audit: ModuleType):
    how, found = audit.looked_up({"django": "1.10", "msgpack": "1.1.2"})

    assert "2 packages held against safety-db" in how and "2021" in how
    assert found and all(line.startswith("django 1.10: ") for line in found)


def test_an_index_that_skips_every_package_has_not_audited(audit: ModuleType):
    sound = {"name": "a", "version": "1", "vulns": []}
    bad = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1"}]}

    assert audit.vulnerabilities(EMPTY) is None
    assert audit.vulnerabilities({"dependencies": [sound, *EMPTY["dependencies"]]}) == []
    assert audit.vulnerabilities({"dependencies": [sound, bad]}) == ["b 2: PYSEC-1"]


def test_the_exit_code_says_whether_something_was_found_and_the_last_line_where_it_was_looked_for(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(audit, "write_bill", lambda packages: None)  # `make check` writes and checks it
    monkeypatch.setattr(audit, "asked", lambda locked, limit_s: None)

    assert audit.main() == 0
    assert "skipped online" in capsys.readouterr().out

    monkeypatch.setattr(audit, "asked", lambda locked, limit_s: ["b 2: PYSEC-1"])

    assert audit.main() == 1
    assert "PYSEC-1" in capsys.readouterr().err
