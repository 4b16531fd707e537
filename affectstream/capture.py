"""The command `capture`: the address of the gateway's page for a camera and a microphone."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import typer

from affectstream.schemas.errors import InputError

if TYPE_CHECKING:
    from affectstream.runtime.settings import GatewaySettings

app = typer.Typer()
EVERYWHERE = ("0.0.0.0", "::")


@app.command()
def capture(
    call_id: Annotated[
        str | None, typer.Option("--call", help="id of the call; default: drawn", show_default=False)
    ] = None,
    valid: Annotated[int, typer.Option(min=10, max=3600, help="seconds in which the call must begin")] = 600,
) -> None:
    """Print the address of the gateway's page for camera and microphone; it admits one call."""
    import time

    from affectstream.producers.gateway.admission import new_token
    from affectstream.runtime.settings import load

    gateway = load().gateway
    fields = {"call": call_id} if call_id else {}
    if gateway.token:
        fields["token"] = new_token(gateway.token.get_secret_value(), time.time(), valid)
    elif gateway.public_url:
        raise InputError("the page admits nobody without gateway.token; set it for the gateway and here")
    typer.echo(f"{_base(gateway)}/capture" + (f"#{urlencode(fields)}" if fields else ""))


def _base(gateway: "GatewaySettings") -> str:
    if gateway.public_url:
        return gateway.public_url.replace("ws", "http", 1)
    host = "127.0.0.1" if gateway.host in EVERYWHERE else gateway.host
    scheme = "https" if gateway.tls_certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{gateway.port}"
