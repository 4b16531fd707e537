"""The command `gateway`, and how the commands that call one reach it: its address, and what it admits by."""

import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pydantic import SecretStr

    from affectstream.runtime.settings import GatewaySettings

app = typer.Typer()
EVERYWHERE = ("0.0.0.0", "::")
VALID_S = 60  # of a token


@app.command()
def gateway() -> None:
    """Take in calls that telephony platforms stream: Twilio, Genesys, Asterisk (docs/call-centre.md)."""
    from affectstream.producers.gateway.__main__ import main

    main()


def address(own: "GatewaySettings", path: str) -> str:
    """Return where this machine reaches ``path`` of the gateway of the settings, as a WebSocket."""
    host = "127.0.0.1" if own.host in EVERYWHERE else own.host
    scheme = "wss" if own.tls_certificate else "ws"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{own.port}{path}"


def token(own: "GatewaySettings", valid_s: int = VALID_S) -> str:
    """Return a token that admits one call; "" where the gateway asks for none."""
    from affectstream.producers.gateway.admission import new_token

    return new_token(own.token.get_secret_value(), time.time(), valid_s) if own.token else ""


def twilio_headers(own: "GatewaySettings", path: str) -> dict[str, str]:
    """Return the signature of a request, as Twilio signs it; nothing where no token of Twilio's is set."""
    from affectstream.producers.gateway.admission import twilio_signature

    if own.twilio_token is None:
        return {}
    signed = twilio_signature(own.twilio_token.get_secret_value(), f"{own.public_url}{path}")
    return {"X-Twilio-Signature": signed}


def text(secret: "SecretStr | None") -> str:
    """Return a secret, "" where there is none."""
    return secret.get_secret_value() if secret else ""
