"""The contiguous prefix that may be committed."""

from hypothesis import given
from hypothesis import strategies as st

from affectstream.workers.offsets import Lease


@given(st.permutations(range(8)), st.lists(st.integers(1, 5), min_size=8, max_size=8))
def test_nothing_is_committed_past_an_unfinished_record(order, steps):
    offsets = [sum(steps[: n + 1]) for n in range(8)]  # rising, with holes as in a compacted log
    lease = Lease()
    for offset in offsets:
        lease.arrived(offset)
    finished, committed = set(), 0
    for n in order:
        finished.add(offsets[n])
        committed = lease.finished(offsets[n]) or committed
        assert all(offset in finished for offset in offsets if offset < committed)
    assert committed == offsets[-1] + 1
    assert lease.unfinished == 0


def test_the_prefix_moves_only_when_its_first_record_is_finished():
    lease = Lease()
    for offset in (5, 6, 7):
        lease.arrived(offset)
    assert lease.finished(6) is None
    assert lease.finished(5) == 7
    assert lease.finished(7) == 8
