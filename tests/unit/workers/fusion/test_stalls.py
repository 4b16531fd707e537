"""When a reader counts as keeping up."""

import pytest

from affectstream.workers.fusion.stalls import LagHistory, Sample

MOMENT = 1000
NOW = 10_000


def lags(*samples):
    history = LagHistory(MOMENT)
    for at_ms, end, stand in samples:
        history.add("worker", Sample(at_ms, {0: end}, {0: stand}))
    return history.lags("worker", NOW)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([], True, id="nothing is known"),
        pytest.param([(9500, 7, 7)], True, id="its last results may not have arrived yet"),
        pytest.param([(9000, 7, 7)], False, id="it stood at the end a moment ago"),
        pytest.param([(9000, 7, 6)], True, id="it stood before the end"),
        pytest.param([(8000, 100, 90), (9000, 150, 100)], False, id="it is a moment behind a busy topic"),
        pytest.param([(8000, 100, 90), (9000, 150, 99)], True, id="it is more than a moment behind"),
        pytest.param([(7000, 90, 80), (9000, 150, 99)], True, id="an end of long ago does not count"),
        pytest.param([(8000, 100, 90), (9000, 150, 90)], True, id="it stands still"),
        pytest.param([(1000, 7, 7)], True, id="what was known is too old"),
        pytest.param([(9000, 0, 0)], False, id="an empty topic has no lag"),
    ],
)
def test_a_reader_keeps_up_if_it_stood_a_moment_ago_where_the_log_ended_before_that(samples, expected):
    assert lags(*samples) is expected


def test_one_partition_that_lags_is_lag():
    history = LagHistory(MOMENT)
    history.add("worker", Sample(9000, {0: 5, 1: 5}, {0: 5, 1: 4}))
    assert history.lags("worker", NOW)


def test_readers_are_told_apart():
    history = LagHistory(MOMENT)
    history.add("worker", Sample(9000, {0: 5}, {0: 5}))
    assert history.lags("another", NOW)
