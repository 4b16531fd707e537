"""How the tests reach the AudioHook of a gateway on real servers."""

from affectstream.producers.gateway.audiohook_client import headers
from affectstream.producers.session_ids import SessionIds

PUBLIC = "wss://calls.example.com/audiohook"


def url(gateway):
    """Where AudioHook is."""
    return f"ws://127.0.0.1:{gateway.settings.gateway.port}/audiohook"


def signed(gateway, identity):
    """The headers of a request that Genesys signed."""
    known = gateway.settings.gateway
    return headers(
        PUBLIC, identity, known.audiohook_key.get_secret_value(), known.audiohook_secret.get_secret_value()
    )


def session_of(call_id):
    """The session of a call."""
    return SessionIds("a key of nobody").of(call_id)
