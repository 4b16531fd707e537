"""Session ids of calls, and what they show of the calls' own ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from affectstream.producers.session_ids import FIT, SessionIds, pseudonym
from affectstream.schemas.errors import SettingsError


@given(st.text(min_size=1, max_size=200))
def test_every_call_id_gives_a_session_id_and_under_a_key_never_itself(call_id):
    keyed, unkeyed = SessionIds("key"), SessionIds(None)
    assert FIT.fullmatch(keyed.of(call_id)) and FIT.fullmatch(unkeyed.of(call_id))
    assert keyed.of(call_id) == SessionIds("key").of(call_id) != SessionIds("other").of(call_id)
    assert call_id not in keyed.of(call_id) or len(call_id) < 5


def test_without_a_key_an_id_is_kept_but_never_a_telephone_number():
    ids = SessionIds(None)
    assert ids.of("CA0123") == "CA0123"
    for number in ("+491701234567", "00491701234567", "4917-01234567"):
        assert ids.of(number).startswith("call-") and number not in ids.of(number)
        assert SessionIds(None).of(number) != ids.of(number)


def test_a_call_id_becomes_the_same_session_everywhere_and_shows_nothing_of_itself():
    made = pseudonym("+49 151 1234567", SecretStr("key"))
    assert made == pseudonym("+49 151 1234567", SecretStr("key"))
    assert made != pseudonym("+49 151 1234567", SecretStr("other"))
    assert "1234567" not in made
    with pytest.raises(SettingsError, match="session_key"):
        pseudonym("call", None)
