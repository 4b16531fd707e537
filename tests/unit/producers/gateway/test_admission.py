"""Signatures, single-use tokens and places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.gateway.admission import (
    LONGEST_TOKEN_S,
    Places,
    Tokens,
    new_token,
    twilio_signature,
    twilio_signed,
)
from affectstream.runtime.settings import load
from affectstream.schemas.errors import SettingsError

URL = "wss://example.com/media"
SIGNATURE = "7PR3qMkpDyEJtMrVOY/LDyNq8J8="  # by Twilio's own library, of this URL under the token 12345
NOW_S = 1_700_000_000.0


def test_a_signature_is_that_of_twilios_library():
    assert twilio_signature("12345", URL) == SIGNATURE
    assert twilio_signed("12345", URL, SIGNATURE)
    assert twilio_signed("12345", "wss://example.com:443/media", SIGNATURE)


@pytest.mark.parametrize(
    ("token", "url", "signature"),
    [
        ("12346", URL, SIGNATURE),
        ("12345", "https://example.com/media", SIGNATURE),
        ("12345", "wss://example.com/media/", SIGNATURE),
        ("12345", "wss://example.org/media", SIGNATURE),
        ("12345", URL, ""),
        ("12345", URL, SIGNATURE.lower()),
        ("12345", URL, "\xff"),
    ],
)
def test_any_other_signature_is_wrong(token, url, signature):
    assert not twilio_signed(token, url, signature)


def test_a_token_admits_once_and_not_after_its_time():
    now = [NOW_S]
    tokens = Tokens("secret", lambda: now[0])
    token = new_token("secret", NOW_S, 60)
    assert tokens.spend(token)
    assert not tokens.spend(token)
    late = new_token("secret", NOW_S, 60)
    now[0] += 61
    assert not tokens.spend(late)
    assert not tokens.spend(token)
    assert tokens.spend(new_token("secret", now[0]))


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", new_token("other", NOW_S), new_token("secret", NOW_S, LONGEST_TOKEN_S + 1)],
)
def test_a_token_of_another_secret_or_for_too_long_admits_nobody(token):
    assert not Tokens("secret", lambda: NOW_S).spend(token)


@given(st.text(max_size=80))
def test_no_text_is_a_token_or_raises(text):
    assert not Tokens("secret", lambda: NOW_S).spend(text)


def test_places_are_counted_and_given_back():
    places = Places(1, iter("abc").__next__)
    with places.connected() as first, places.connected() as second:
        assert (first, second) == (True, False)
    with places.connected() as again:
        assert again
    with places.taken("s", ("customer",)) as first, places.taken("s", ("customer", "agent")) as second:
        assert (first, second) == ("a", None)
        with places.taken("s", ("agent",)) as other_party:
            assert other_party == "a"
    with places.taken("s", ("customer",)) as again:
        assert again not in (None, "a")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"host": "0.0.0.0"}, "lets anybody send calls"),
        ({"public_url": "wss://example.com"}, "lets anybody send calls"),
        ({"twilio_token": "t"}, "needs public_url"),
        ({"public_url": "https://example.com"}, "begins with wss://"),
        ({"tls_key": "key.pem"}, "belong together"),
        ({"outbound": "customer"}, "two parties"),
    ],
)
def test_settings_that_would_admit_a_stranger_are_refused(values, says):
    with pytest.raises(SettingsError, match=says):
        load(gateway=values)


def test_secrets_are_read_from_files(tmp_path):
    (tmp_path / "key").write_text("k\n")
    gateway = load(gateway={"session_key_file": str(tmp_path / "key")}).gateway
    assert gateway.session_key and gateway.session_key.get_secret_value() == "k"
