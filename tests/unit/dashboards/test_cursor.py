"""The ids of events: what a client resumes by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.dashboards.cursor import Cursor, read
from affectstream.schemas.messages import PARTIES

ENDS = st.dictionaries(st.sampled_from(PARTIES), st.integers(-1, 1 << 50))


@given(st.from_regex(r"[A-Za-z0-9._-]{0,32}", fullmatch=True), ENDS, ENDS)
def test_an_id_gives_back_how_far_the_client_had_come(run, finals, alerts):
    places = {party: (end_ms, 1) for party, end_ms in alerts.items() if party in finals}
    there = Cursor(run, finals, places, started=True)
    found = read(there.id)
    if not there.id:
        return
    assert (found.run, found.finals, found.started) == (run, finals, True)
    assert {party: found.alerts[party] for party in places} == places


@pytest.mark.parametrize("text", [None, "", "a~c1", "run~c1.2.x", "run~z1.2.3\n", "x" * 33])
def test_what_is_no_id_begins_anew(text: str | None):
    assert read(text, 7) == Cursor(from_ms=7)
