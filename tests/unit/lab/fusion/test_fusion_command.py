"""`affectstream fusion` as a user types it: fit, compare, explain, and mistakes in one clear line."""

import json
from functools import partial
from pathlib import Path

import pytest
from support import moments
from support.paired_logs import written
from typer.testing import CliRunner

from affectstream import cli
from affectstream.lab.fusion import page
from affectstream.lab.fusion.pairs import CAVEAT, paired
from affectstream.models.fusion import parameters
from affectstream.schemas.errors import AffectError
from affectstream.schemas.labels import EMOTIONS

FEW = partial(paired, per_actor=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs and what was fitted on them by the command."""
    place = written(tmp_path_factory.mktemp("logs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page.pairs, "paired", FEW)
        patch.setattr("affectstream.lab.fusion.fit.FOLDS", 2)
        data = moments.written(place / "corpora")
        said = _run("fit", "--logs", str(place), "--data", str(data), "-o", str(place / "fusion.json"))
    assert "720 windows" in said
    return place


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page.pairs, "paired", FEW)


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(
        cli.app, ["fusion", *arguments], env={"COLUMNS": "200"}, catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.output


def test_fit_writes_a_file_that_the_stream_reads_and_that_says_how_it_was_made(folder: Path) -> None:
    found = parameters.read(folder / "fusion.json")
    assert "generator fitted to 210 clips" in found.data and CAVEAT not in found.data
    assert found.windows == 720  # six actors, sixty windows, clean and corrupted


@pytest.mark.proof
def test_compare_prints_the_rules_and_writes_the_page(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "fusion.md"
    files = (
        "--logs",
        str(folder),
        "--fitted",
        str(folder / "fusion.json"),
        "--data",
        str(folder / "corpora"),
    )
    said = _run("compare", *files, "--draws", "20", "-o", str(page), "--card", str(tmp_path / "card.md"))
    assert "gated_log_pool" in said and "It chooses" in " ".join(said.split())
    text = page.read_text()
    for part in ("## The laws", "## Real moments", "## Limits", "| swapped person |", CAVEAT):
        assert part in text, part
    assert "nan" not in text
    assert "1,200 acted clips" in (tmp_path / "card.md").read_text()


def test_explain_says_what_a_modality_is_worth(folder: Path) -> None:
    files = ("--logs", str(folder), "--fitted", str(folder / "fusion.json"))
    said = _run("explain", *files, "--rule", "learned_log_pool")
    assert "learned_log_pool: audio" in said and "Shapley" in said


def test_explain_of_a_window_says_who_said_what_and_what_they_changed(tmp_path: Path) -> None:
    def state(label: str | None, quality: float) -> dict:
        p = {e: 0.01 + 0.93 * (e == label) for e in EMOTIONS} if label else None
        known = {"state": "present" if label else "abstained", "reason": None if label else "silence"}
        return {**known, "quality": quality, "weight": 0.5, "probabilities": p}

    row = {
        **{"session": "s", "party": "customer", "start_ms": 0, "end_ms": 1000, "label": "happy"},
        **{"rule": "entropy_trust", "modalities": {"video": state("happy", 0.9), "audio": state(None, 0.0)}},
    }
    row["modalities"]["text"] = state("sad", 0.3)
    path = tmp_path / "out.jsonl"
    path.write_text(json.dumps(row) + "\n")
    said = _run("explain", str(path), "--rule", "entropy_trust")
    assert "abstained silence" in said
    lines = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert lines["video"].rstrip().endswith("sad 0.940")  # without the face only the words are left
    assert lines["text"].rstrip().endswith("happy 0.940")
    assert lines["fused"].split()[1] == "happy"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("compare", "--logs", "nowhere"), "nowhere lacks video-ferplus-valid.npz"),
        (("compare", "--aligned", "nowhere.npz"), "no aligned log at nowhere.npz"),
        (("log", "meld"), "name the folder of the clips"),
        (("explain", "nowhere.jsonl", "--rule", "uniform"), "cannot read nowhere.jsonl"),
        (("explain", "--rule", "magic"), "magic"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments: tuple[str, ...], reason: str, folder: Path) -> None:
    extra = ("--logs", str(folder), "--fitted", str(folder / "fusion.json")) if "magic" in arguments else ()
    with pytest.raises(AffectError, match=reason) as caught:
        _run(*arguments, *extra)
    assert "\n" not in str(caught.value)


def test_a_line_that_is_no_window_is_named(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text('{"session": "s"}\n')
    with pytest.raises(AffectError, match=r"line 1 is no window"):
        _run("explain", str(path), "--rule", "uniform")
    with pytest.raises(AffectError, match="has no window 3"):
        _run("explain", str(path), "--at", "3", "--rule", "uniform")
