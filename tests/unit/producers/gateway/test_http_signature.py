"""HTTP message signatures: the example of AudioHook's documentation, and what of a request is refused."""

import re
from base64 import b64decode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.gateway.http_signature import (
    LONGEST_S,
    REQUIRED,
    SKEW_S,
    BadSignature,
    Nonces,
    parsed,
    signed,
    values,
    verify,
)

KEY = "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh"
SECRET = b64decode("TXlTdXBlclNlY3JldEtleVRlbGxOby0xITJAMyM0JDU=")
NONCE = "VGhpc0lzQVVuaXF1ZU5vbmNl"
NOW_S = 1_641_013_200
IDS = {
    "audiohook-organization-id": "d7934305-0972-4844-938e-9060eef73d05",
    "audiohook-session-id": "30b0e395-84d3-4570-ac13-9a62d8f514c0",
    "audiohook-correlation-id": "e160e428-53e2-487c-977d-96989bf5c99d",
    "x-api-key": KEY,
}
TARGET, AUTHORITY = "/api/v1/voicebiometrics/ws", "audiohook.example.com"


def request(now_s=NOW_S, nonce=NONCE, secret=SECRET, **changed):
    """Headers of a signed request, changed after it was signed."""
    made = signed(values(IDS, TARGET, AUTHORITY), KEY, secret, nonce, now_s)
    headers = {**IDS, **{name.lower(): value for name, value in made.items()}}
    return headers | {name.replace("_", "-"): value for name, value in changed.items()}


def refusal(headers, target=TARGET, authority=AUTHORITY, now_s=NOW_S, nonces=None):
    """Why a request is refused, "" where it is not."""
    try:
        components = values(headers, target, authority)
        verify(components, headers, KEY, SECRET, now_s, nonces or Nonces())
    except BadSignature as bad:
        return bad.reason
    return ""


def test_the_example_of_the_documentation_is_verified():
    covered = " ".join(f'"{name}"' for name in REQUIRED)
    parameters = f'keyid="{KEY}";nonce="{NONCE}";alg="hmac-sha256";created=1641013200;expires=3282026430'
    headers = {
        **IDS,
        "signature-input": f"sig1=({covered});{parameters}",
        "signature": "sig1=:NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:",
    }
    assert refusal(headers) == ""


def test_what_is_signed_as_genesys_does_is_verified():
    assert refusal(request()) == ""


@pytest.mark.parametrize(
    ("after_s", "expected"),
    [
        (-SKEW_S - 1, "created"),
        (-SKEW_S, ""),
        (0, ""),
        (LONGEST_S + SKEW_S, ""),
        (LONGEST_S + SKEW_S + 1, "expired"),
        (3600, "expired"),
    ],
)
def test_a_signature_is_valid_for_seconds_and_the_skew_of_the_clocks(after_s, expected):
    assert refusal(request(), now_s=NOW_S + after_s) == expected


def test_a_request_is_admitted_once():
    nonces = Nonces()
    assert [refusal(request(), nonces=nonces) for _ in range(3)] == ["", "replayed", "replayed"]
    assert refusal(request(nonce="another" * 4), nonces=nonces) == ""


def test_a_nonce_is_forgotten_once_its_signature_has_expired():
    nonces = Nonces()
    for second in range(0, 1_000, 5):
        assert nonces.use(f"nonce {second}", second)
    assert len(nonces._used) <= (LONGEST_S + 2 * SKEW_S) / 5 + 2


@pytest.mark.parametrize("name", [name for name in IDS if name != "x-api-key"])
def test_every_header_is_covered(name):
    assert refusal({**request(), name: "d7934305-0972-4844-938e-9060eef73d06"}) == "signature"


def test_the_address_is_covered():
    assert refusal(request(), target="/audiohook") == "signature"
    assert refusal(request(), authority="audiohook.example.com:8443") == "signature"
    assert refusal(request(), authority="AudioHook.example.com") == ""


def without(name):
    return re.sub(rf' ?"{name}" ?', " ", request()["signature-input"]).replace("( ", "(").replace(" )", ")")


@pytest.mark.parametrize("name", REQUIRED)
def test_a_signature_has_to_cover_all_six_components(name):
    assert refusal(request(signature_input=without(name))) == "not_covered"


def edited(old, new):
    return request(signature_input=request()["signature-input"].replace(old, new))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (IDS, "unsigned"),
        ({**request(), "signature": ""}, "unsigned"),
        ({**request(), "signature-input": ""}, "unsigned"),
        ({**request(), "x-api-key": "another"}, "api_key"),
        (edited(f'keyid="{KEY}"', 'keyid="another"'), "api_key"),
        (edited(f'keyid="{KEY}";', ""), "api_key"),
        (edited(f'nonce="{NONCE}"', 'nonce="short"'), "nonce"),
        (edited(f'nonce="{NONCE}";', ""), "nonce"),
        (edited("hmac-sha256", "rsa-v1_5-sha256"), "algorithm"),
        (edited("created=1641013200", "created=1641013201"), "signature"),
        (edited(";created=1641013200", ""), "created"),
        (edited("created=", "other="), "malformed"),
        (edited("created=1641013200", 'created="1641013200"'), "malformed"),
        (edited(";created", ";created=1641013200;created"), "malformed"),
        (edited('"x-api-key"', '"x-api-key" "x-api-key"'), "not_covered"),
        (edited('"x-api-key"', '"x-api-key" "x-other"'), "not_present"),
        (edited('"x-api-key"', '"x-api-key";sf'), "malformed"),
        (edited("sig1=", "sig2="), "malformed"),
        ({**request(), "signature": "sig1=:!:"}, "malformed"),
        ({**request(), "signature": "sig1=:AAA:"}, "malformed"),
        ({**request(), "signature": "sig1=:" + "A" * 44 + ":"}, "signature"),
        (request(secret=b"another"), "signature"),
        ({**request(), "signature-input": "(" * 5_000}, "malformed"),
    ],
)
def test_what_is_refused(headers, expected):
    assert refusal(headers) == expected


@given(st.text(), st.text())
def test_any_header_fields_are_read_or_refused(signature_input, signature):
    with suppress(BadSignature):
        parsed(signature_input, signature)


def test_a_second_signature_beside_the_first_does_no_harm():
    headers = request()
    both = headers["signature-input"] + ', proxy=("host");keyid="p"'
    made = headers["signature"] + ", proxy=:AAAA:"
    assert refusal(headers | {"signature-input": both, "signature": made}) == ""
