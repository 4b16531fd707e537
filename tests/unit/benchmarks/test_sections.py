"""The sections of the benchmarks that need no server, at tiny sizes: they measure, and on what they say."""

import pytest
from rich.console import Console

from affectstream.schemas import observations
from benchmarks import __main__ as bench
from benchmarks import workload
from benchmarks.measure import Run, ratio_of
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
    rows = bench.measured([section], small=True, rounds=1, console=Console(quiet=True))
    assert all(row.value >= 0 for row in rows)
    assert {row.unit for row in rows} >= {"observations/s", "KiB"}
    assert any(row.ratio for row in rows)


def test_a_ratio_is_the_median_of_the_rounds():
    ours = [Run(100, 1, 1), Run(100, 2, 2), Run(100, 4, 4)]
    theirs = [Run(100, 2, 2), Run(100, 2, 2), Run(100, 2, 2)]
    assert ratio_of(ours, theirs, "per_wall_s") == 1
