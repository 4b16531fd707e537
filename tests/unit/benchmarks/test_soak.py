"""The soak's sessions come and go as its report says, and a leak is seen in its samples."""

from collections import defaultdict

import pytest

from affectstream.schemas.messages import MODALITIES, EndOfStream
from benchmarks.servers import Servers
from benchmarks.soak import LASTS_S, Sample, Soak, report, seconds
from benchmarks.workload import rates


def test_sessions_begin_one_after_the_other_and_end_with_all_their_streams():
    sent = defaultdict(list)
    over = 0
    for second in seconds(0.04, at_once=12):  # 144 seconds of event time
        over, step = second
        assert len(step) <= 12
        for number, items in step:
            sent[number] += items

    assert over == pytest.approx(12 * (144 - LASTS_S) / LASTS_S, abs=2)
    whole = [items for items in sent.values() if isinstance(items[-1], EndOfStream)]
    assert len(whole) >= over
    for items in whole:
        assert {item.modality for item in items if isinstance(item, EndOfStream)} == set(MODALITIES)
        assert len(items) == LASTS_S * sum(rates(5).values()) + len(MODALITIES)
        for modality in MODALITIES:
            numbers = [item.seq for item in items if item.modality == modality]
            assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("leak_bytes", [0, 10_000])
def test_a_leak_is_the_slope_of_the_second_half(leak_bytes: int):
    soak = Soak(Servers("", "", {}), {})
    for step in range(41):
        warm = min(step, 10) * 5.0  # the process fills its caches first
        leaked = step * 100 * leak_bytes / 2**20
        soak.samples.append(Sample(5.0 * step, 100 * step, {"fusion": 80 + warm + leaked}))

    assert soak.growth_bytes("fusion") == pytest.approx(leak_bytes, abs=1)
    text = report(soak, 1.0, 200)
    assert "4,000 sessions ended" in text and f"fusion {leak_bytes:,} bytes" in text
