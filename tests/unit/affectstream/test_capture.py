"""The command `capture`: an address with a token that admits one call."""

import time

import pytest

from affectstream.capture import capture
from affectstream.producers.gateway.admission import Tokens
from affectstream.schemas.errors import InputError


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({"PUBLIC_URL": "wss://calls.example.com"}, "https://calls.example.com"),
        ({"PUBLIC_URL": "ws://calls.example.com"}, "http://calls.example.com"),
        ({"HOST": "0.0.0.0", "PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"HOST": "::1", "PORT": "9000"}, "http://[::1]:9000"),
    ],
)
def test_the_address_has_a_token_that_admits_once(settings, base, monkeypatch, capsys):
    for name, value in {**settings, "TOKEN": "a secret"}.items():
        monkeypatch.setenv(f"AFFECT_GATEWAY__{name}", value)
    capture("a call", 60)
    address, _, fields = capsys.readouterr().out.strip().partition("#")
    assert address == f"{base}/capture"
    call, token = (field.partition("=")[2] for field in fields.split("&"))
    assert call == "a+call"
    tokens = Tokens("a secret", time.time)
    assert tokens.spend(token) and not tokens.spend(token)


def test_on_this_machine_no_token_is_needed(capsys):
    capture(None, 60)
    assert capsys.readouterr().out == "http://127.0.0.1:8360/capture\n"


def test_a_public_page_without_a_token_is_refused(monkeypatch):
    monkeypatch.setenv("AFFECT_GATEWAY__PUBLIC_URL", "wss://calls.example.com")
    monkeypatch.setenv("AFFECT_GATEWAY__TWILIO_TOKEN", "an auth token")
    with pytest.raises(InputError, match=r"gateway\.token"):
        capture(None, 60)
