"""When a member counts as stuck, and how a process ends whose event loop is blocked."""

import json
import subprocess
import sys

import pytest

from affectstream.runtime import retry
from affectstream.runtime.kafka.lag import ConsumerProgress
from affectstream.runtime.process import RESTART
from affectstream.runtime.watchdog import Stalls

BLOCKED = """
import time
from affectstream.runtime import watchdog
from affectstream.runtime.process import run
from affectstream.runtime.settings import KafkaSettings

watchdog.ANSWER_S = 0.1

async def main(stop):
    kafka = KafkaSettings(bootstrap="127.0.0.1:1", stuck_s=1)
    async with watchdog.Watchdog(kafka, ["topic"], "group", dict):
        {work}

run(main, worker="video")
"""


def at(*progress: tuple[int, int]) -> dict[int, ConsumerProgress]:
    """Partitions 0, 1, ... by how far they were read and where they end."""
    return {number: ConsumerProgress(end, reached) for number, (reached, end) in enumerate(progress)}


def stalled(*samples: tuple[float, dict, dict]) -> list[float]:
    stalls = Stalls()
    return [stalls.stalled_s(now_s, found, held) for now_s, found, held in samples]


def test_a_partition_that_waits_and_does_not_move_is_stalled_since_it_was_first_seen_so():
    held = {0: None}
    assert stalled((0, at((5, 9)), held), (3, at((5, 9)), held), (7, at((5, 12)), held)) == [0, 3, 7]


def test_progress_and_an_empty_log_begin_anew():
    held = {0: None}
    moving = (0, at((5, 9)), held), (3, at((6, 9)), held), (5, at((6, 9)), held)
    assert stalled(*moving) == [0, 0, 2]
    assert stalled((0, at((5, 9)), held), (3, at((9, 9)), held), (9, at((9, 10)), held)) == [0, 0, 0]


def test_one_stuck_partition_is_not_hidden_by_others_that_move():
    held = {0: None, 1: None}
    assert stalled((0, at((5, 9), (1, 9)), held), (4, at((5, 9), (2, 9)), held)) == [0, 4]


def test_what_was_dealt_with_and_cannot_be_committed_yet_is_progress():
    """As in fusion, where open windows hold the commit back."""
    assert stalled((0, at((5, 9)), {0: 9}), (4, at((5, 9)), {0: 9}), (6, at((5, 20)), {0: 20})) == [0, 0, 0]
    assert stalled((0, at((5, 30)), {0: 20}), (4, at((5, 30)), {0: 20})) == [0, 4]


def test_partitions_of_other_members_do_not_count():
    assert stalled((0, at((5, 9), (9, 9)), {1: None}), (4, at((5, 9), (9, 9)), {1: None})) == [0, 0]


def test_a_member_without_partitions_is_stuck_where_the_whole_group_is():
    assert stalled((0, at((5, 9), (1, 9)), {}), (4, at((5, 9), (2, 9)), {})) == [0, 0]
    assert stalled((0, at((5, 9), (1, 9)), {}), (4, at((5, 9), (1, 9)), {})) == [0, 4]


def test_what_was_away_lately_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch):
    assert not retry.unavailable_within(60)
    monkeypatch.setattr(retry, "_last_s", float("-inf"))  # put back afterwards
    retry.note_unavailable()
    assert retry.unavailable_within(60)
    assert not retry.unavailable_within(0)


@pytest.mark.parametrize(
    ("work", "code"),
    [("time.sleep(60)", RESTART), ("import asyncio; await asyncio.sleep(3)", 0)],
    ids=["blocked", "a broker that is away is no stall"],
)
def test_a_process_whose_loop_is_blocked_ends_with_the_code_for_a_restart(work: str, code: int):
    env = {"PATH": "", "AFFECT_LOG__FORMAT": "json"}
    source = BLOCKED.replace("{work}", work)
    done = subprocess.run(
        [sys.executable, "-c", source], env=env, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == code, done.stderr
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert ("event_loop_blocked" in events) == (code == RESTART)
