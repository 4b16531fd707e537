"""The request that opens an AudioHook connection: whose it is, at which address, signed by whom."""

import json
from base64 import b64encode

import pytest

from affectstream.producers.gateway.audiohook_client import Identity
from affectstream.producers.gateway.audiohook_client import headers as client_headers
from affectstream.producers.gateway.audiohook_request import AudioHookRequests, address
from affectstream.producers.gateway.http_signature import signed, values
from affectstream.runtime.settings import load
from affectstream.schemas.errors import SettingsError

KEY, SECRET = "an api key of nobody", b"a secret of nobody"
NOW_S = 1_700_000_000
IDS = {
    "audiohook-organization-id": "d7934305-0972-4844-938e-9060eef73d05",
    "audiohook-session-id": "30b0e395-84d3-4570-ac13-9a62d8f514c0",
    "audiohook-correlation-id": "e160e428-53e2-487c-977d-96989bf5c99d",
    "x-api-key": KEY,
}


def requests(purpose=None, **gateway):
    known = {"audiohook_key": KEY, "audiohook_secret": b64encode(SECRET).decode()} | gateway
    return AudioHookRequests(load(gateway=known, policy={"agent_purpose": purpose}), lambda: NOW_S)


def headers(target, authority, host):
    made = signed(values(IDS, target, authority), KEY, SECRET, "n" * 22, NOW_S)
    return {**IDS, "host": host, **{name.lower(): value for name, value in made.items()}}


@pytest.mark.parametrize(
    ("public_url", "host", "expected"),
    [
        (None, "127.0.0.1:8360", ("/audiohook", "127.0.0.1:8360")),
        (None, "calls.example.com", ("/audiohook", "calls.example.com")),
        (None, "calls.example.com:80", ("/audiohook", "calls.example.com")),
        (None, "[::1]:8360", ("/audiohook", "[::1]:8360")),
        ("wss://calls.example.com", "10.0.0.5:8360", ("/audiohook", "calls.example.com")),
        ("wss://calls.example.com:443", "10.0.0.5:8360", ("/audiohook", "calls.example.com")),
        ("wss://calls.example.com:8443", "10.0.0.5:8360", ("/audiohook", "calls.example.com:8443")),
        ("wss://calls.example.com/telephony", "10.0.0.5:8360", ("/telephony/audiohook", "calls.example.com")),
    ],
)
def test_the_address_is_the_one_that_the_client_knows(public_url, host, expected):
    assert address(public_url, host, "/audiohook") == expected
    known = requests(public_url=public_url)
    assert known.refusal(headers(*expected, host), "/audiohook") == ""


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"audiohook-session-id": "7"}, "bad_request"),
        ({"audiohook-organization-id": ""}, "bad_request"),
        ({"audiohook-correlation-id": "all"}, "bad_request"),
        ({"host": "calls.example.com:port"}, "bad_request"),
        ({"host": "other.example.com"}, "not_signed"),
        ({"signature": ""}, "not_signed"),
        ({"x-api-key": "another"}, "not_signed"),
    ],
)
def test_a_request_that_is_another_is_refused(changed, expected):
    sent = headers("/audiohook?a=b", "calls.example.com", "calls.example.com") | changed
    assert requests().refusal(sent, "/audiohook?a=b") == expected


def test_the_names_of_header_fields_may_be_in_any_case():
    sent = {name.title(): value for name, value in headers("/a", "c.example.com", "c.example.com").items()}
    assert requests().refusal(sent, "/a") == ""
    assert requests().protocol(sent)._upgrade.session_id == IDS["audiohook-session-id"]


def test_the_ids_are_known_in_any_case_and_sent_back_as_the_client_writes_them():
    names = [name for name in IDS if name.endswith("-id")]
    hook = requests().protocol(IDS | {name: IDS[name].upper() for name in names})
    sent = {"version": "2", "type": "ping", "seq": 1, "serverseq": 0, "position": "PT0S", "parameters": {}}
    for known in (IDS["audiohook-session-id"], IDS["audiohook-session-id"].upper()):
        (reply,) = hook.receive(json.dumps(sent | {"id": known}))
        assert json.loads(reply.data)["id"] == IDS["audiohook-session-id"].upper()
        sent["seq"] += 1


def test_a_header_field_that_is_repeated_is_another():
    class Repeated(dict):
        def items(self):
            return [*super().items(), ("Audiohook-Session-Id", IDS["audiohook-correlation-id"])]

    sent = Repeated(headers("/a", "c.example.com", "c.example.com"))
    assert requests().refusal(sent, "/a") == "bad_request"


def test_what_the_simulated_client_signs_is_admitted():
    identity, secret = Identity(IDS["audiohook-session-id"], ""), b64encode(SECRET).decode()
    sent = client_headers("wss://c.example.com:8443/audiohook?a=b", identity, KEY, secret, NOW_S)
    assert requests(public_url="wss://c.example.com:8443").refusal(sent, "/audiohook?a=b") == ""


def test_a_request_is_admitted_once():
    known, sent = requests(), headers("/audiohook", "calls.example.com", "calls.example.com")
    assert [known.refusal(sent, "/audiohook") for _ in range(2)] == ["", "not_signed"]


@pytest.mark.parametrize(
    ("purpose", "wanted"), [(None, ["external"]), ("synthetic", ["external", "internal"])]
)
def test_the_channel_of_the_agent_is_wanted_where_the_agent_may_be_heard(purpose, wanted):
    assert requests(purpose).protocol(IDS)._wanted == wanted


@pytest.mark.parametrize(
    ("gateway", "fault"),
    [
        ({"audiohook_key": KEY}, "belong together"),
        ({"audiohook_secret": "AAAA"}, "belong together"),
        ({"audiohook_key": KEY, "audiohook_secret": "no base64!"}, "base64"),
        ({"audiohook_external": "agent"}, "two parties"),
        ({"host": "0.0.0.0"}, "audiohook_key"),
    ],
)
def test_settings_that_do_not_fit_are_refused(gateway, fault):
    with pytest.raises(SettingsError, match=fault):
        load(gateway=gateway)


def test_the_secrets_come_from_files(tmp_path):
    for name, text in (("audiohook_key", KEY), ("audiohook_secret", "AAAA\n")):
        (tmp_path / name).write_text(text)
    files = {f"{path.name}_file": path for path in tmp_path.iterdir()}
    gateway = load(gateway={"host": "0.0.0.0", "public_url": "wss://c.example.com", **files}).gateway
    assert gateway.audiohook_key.get_secret_value() == KEY
    assert gateway.audiohook_secret.get_secret_value() == "AAAA"
