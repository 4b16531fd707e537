"""Capacity: the formula by hand, its laws, and that what it reads and what the documents say is the same."""

import json
import math
from dataclasses import asdict, replace
from itertools import pairwise

import pytest
from support.paths import ROOT
from typer.testing import CliRunner

from affectstream import cli
from affectstream.capacity import _rates
from affectstream.capacity.costs import read
from affectstream.capacity.plan import Need, Profile, needs, processor_s, rates, written
from affectstream.schemas import topics
from affectstream.schemas.errors import InputError

COSTS = read()
CALLS = (100, 1_000, 10_000, 100_000)
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "capacity.md").read_text(encoding="utf-8")
RUN = CliRunner()


def by_part(calls: int, profile: Profile | None = None) -> dict[str, Need]:
    return {need.part: need for need in needs(calls, profile or Profile(), COSTS)}


def test_a_thousand_calls_by_hand():
    its = rates(1_000, Profile())
    assert (its.frames, its.chunks, its.texts, its.utterances, its.finals) == (5000, 2000, 2000, 400, 2000)

    found = by_part(1_000)
    assert found["video"].count == math.ceil(5000 / 360.8 * 1.3 / 0.6) == 31
    assert found["audio"].count == math.ceil(2000 / 165.9 * 1.3 / 0.6) == 27
    assert found["gateway"].count == math.ceil(0.629 * 2 / 0.6) == 3
    assert found["partitions"].count == 48  # 31 processes and half as many again
    bytes_s = written(its, COSTS)
    assert bytes_s[topics.CHUNKS] == 2000 * (63_581 + 100)


def test_gpus_are_computed_from_the_rates_of_one_and_shared_by_the_modalities():
    command = ["capacity", "--calls", "10000", "--gpu-rates", "3000,2500,900", "--json"]
    found = {each["part"]: each for each in json.loads(RUN.invoke(cli.app, command).stdout)["needs"]}
    assert found["video"]["count"] == math.ceil(50_000 / 3000 * 1.3 / 0.6) == 37
    assert found["video"]["unit"] == "processes on a GPU"
    used = (50_000 / 3000 + 20_000 / 2500 + 4_000 / 900) * 1.3
    assert found["GPUs"]["count"] == math.ceil(used / 0.6) == 64
    assert found["fusion"] == asdict(by_part(10_000)["fusion"])


@pytest.mark.parametrize("text", ["3000", "3000,2500,0", "a,b,c", "1,2,3,4", "nan,1,1", "inf,1,1"])
def test_rates_that_are_none_are_refused(text: str):
    with pytest.raises(InputError, match="--gpu-rates"):
        _rates(text)


def test_more_calls_never_need_less():
    for fewer, more in pairwise(CALLS):
        pairs = zip(by_part(fewer).values(), by_part(more).values(), strict=True)
        assert all(a.count <= b.count and a.memory_gib <= b.memory_gib for a, b in pairs)


@pytest.mark.parametrize("calls", CALLS)
def test_there_is_a_partition_for_every_process(calls: int):
    found = by_part(calls)
    largest = max(found[part].count for part in ("video", "audio", "text", "fusion"))
    assert found["partitions"].count >= largest


def test_no_process_is_planned_beyond_the_headroom():
    used = processor_s(rates(5_000, Profile()), COSTS)
    found = by_part(5_000)
    for part, cores in used.items():
        assert cores <= found[part].count * COSTS.assumed.headroom < cores + COSTS.assumed.headroom


def test_finals_kept_for_less_time_need_less_of_redis():
    hour = by_part(10_000, replace(Profile(), redis_ttl_s=3600))["Redis"]
    assert hour.count == 1 < by_part(10_000)["Redis"].count
    finals = 20_000 * 3600 / 3  # a third of the day is busy
    assert hour.memory_gib == pytest.approx(finals * COSTS["final_in_redis"] / 2**30)


def test_every_measured_cost_that_the_readme_states_is_the_readmes():
    for name, cost in COSTS.measured.items():
        assert cost.value > 0 and cost.unit and "make bench" in cost.measured, name
        if cost.row:
            assert f"| {cost.row} | {cost.value:,g} |" in README, f"{name}: {cost.row}"
        else:
            assert f"| `{name}` | {cost.value:,g} |" in PAGE, name


def test_the_page_has_the_table_that_the_command_computes():
    for part in by_part(100):
        cells = " | ".join(f"{by_part(calls)[part].count:,}" for calls in CALLS)
        assert f"| {part} | {cells} |" in PAGE
    for name in vars(COSTS.assumed):
        assert f"`{name}`" in PAGE


def test_the_command_prints_a_table_and_json():
    printed = RUN.invoke(cli.app, ["capacity", "--calls", "10000"], env={"COLUMNS": "160"})
    assert printed.exit_code == 0 and "50,000 frames/s" in printed.stdout

    given = ["capacity", "--calls", "500", "--cameras", "0", "--voices", "1", "--keep-hours", "24", "--json"]
    whole = json.loads(RUN.invoke(cli.app, given).stdout)
    assert whole["profile"]["redis_ttl_s"] == 86_400
    assert {need["part"]: need["count"] for need in whole["needs"]}["video"] == 1


def test_no_calls_are_refused_in_one_line():
    refused = RUN.invoke(cli.app, ["capacity", "--calls", "0"])
    assert refused.exit_code == 2 and "Traceback" not in refused.output
