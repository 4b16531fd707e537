"""The sections of the benchmarks that need no server, at tiny sizes: they measure, and on what they say."""

import json

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from affectstream.producers.media import probe
from affectstream.producers.session import estimated_ms, messages
from affectstream.runtime.settings import ProducerSettings
from affectstream.schemas import observations
from affectstream.session_file import SessionArguments, plan
from benchmarks import __main__ as bench
from benchmarks import long_call, stages, workload
from benchmarks.measure import Row, Run, ratio_of
from benchmarks.workload import Load


def test_a_log_holds_what_its_load_says_and_every_session_lies_in_one_partition():
    load = Load(6, 3, fps=5, per_record=4)
    log = workload.records(load)
    items = [item for _, _, value in log for item in observations.read([value])[0]]
    assert len(items) == load.observations == 6 * 3 * 7
    assert max(len(observations.read([value])[0]) for _, _, value in log) == 4
    partitions = {key: {number for number, other, _ in log if other == key} for _, key, _ in log}
    assert all(len(numbers) == 1 for numbers in partitions.values())
    assert len(partitions) == 6


@pytest.mark.parametrize("section", ["join", "hour"])
def test_a_section_without_servers_runs_at_a_tiny_size(section):
    rows, why = bench.measured(section, small=True, rounds=1, console=Console(quiet=True))
    assert not why
    assert all(row.value >= 0 for row in rows)
    assert {row.unit for row in rows} >= {"observations/s", "KiB"}
    assert any(row.ratio for row in rows)


def test_a_section_that_fails_does_not_end_the_others_and_the_command_says_so(monkeypatch, tmp_path):
    def broken(console, small, rounds):
        yield Row("before it", 1.0, "ms")
        raise RuntimeError("no broker")

    def sound(console, small, rounds):
        yield Row("after it", 2.0, "ms")

    monkeypatch.setattr(bench, "OUT", tmp_path)
    monkeypatch.setattr(bench, "SECTIONS", {"broken": broken, "sound": sound})
    command = typer.Typer()
    command.command()(bench.main)
    done = CliRunner().invoke(command, [])
    assert done.exit_code == 1
    assert "failed: broken: RuntimeError: no broker" in done.output
    written = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert [row["what"] for row in written] == ["before it", "after it"]


def test_a_ratio_is_the_median_of_the_rounds():
    ours = [Run(100, 1, 1), Run(100, 2, 2), Run(100, 4, 4)]
    theirs = [Run(100, 2, 2), Run(100, 2, 2), Run(100, 2, 2)]
    assert ratio_of(ours, theirs, "per_wall_s") == 1


def test_a_long_call_is_the_demo_call_over_and_over(tmp_path):
    call = plan(SessionArguments([long_call.write(tmp_path, 2)]), ProducerSettings(), 0, None)
    assert estimated_ms(call) > 2 * 59_000
    said = [turn for turn in messages(call) if turn.modality == "text" and getattr(turn, "text", "")]
    once, again = said[: len(said) // 2], said[len(said) // 2 :]
    assert [m.text for m in once] == [m.text for m in again]
    assert {b.start_ms - a.start_ms for a, b in zip(once, again, strict=True)} == {60_000}
    assert 2_900 <= probe(long_call.clip(tmp_path)).duration_ms <= 3_200


def test_a_window_is_passed_when_the_last_modality_has_come_to_its_end():
    """Video passes 1000 at 1010, audio at 1200; nothing of audio reaches 2000."""
    times = [("video", 900, 905), ("video", 1001, 1010), ("audio", 1000, 1200), ("video", 2001, 2010)]
    assert stages.passed(times, 1000, ("video", "audio")) == 1200
    assert stages.passed(times, 1000, ("video",)) == 1010
    assert stages.passed(times, 2000, ("video", "audio")) == float("inf")


def test_a_percentile_says_of_how_many_windows_it_is_and_the_slowest_is_taken_apart():
    """Three windows; in the last one the words were in an utterance that ended 900 ms after it."""
    at = [(1000, 1010, 1040), (2000, 2015, 2060), (3000, 3900, 3950)]  # end, floor, in Redis
    windows = [stages.Window(e, e, floor, floor, floor, floor, done, done) for e, floor, done in at]
    rows = {row.what: row.value for row in stages.figures(windows)}
    assert rows["live, final pane, p99 of 3 windows (floor 900)"] == 950
    assert rows["live, final pane, nobody in an utterance, p99 of 2 windows (floor 15)"] == 60
    assert rows["live, windows of these slower than 500 ms"] == 0
    assert rows["live, the slowest of these: fused to in Redis"] == 45
