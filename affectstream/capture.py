"""The command `capture`: the address of the gateway's page for a camera and a microphone."""

from typing import Annotated
from urllib.parse import urlencode

import typer

from affectstream.gateway import address, token
from affectstream.schemas.errors import InputError

app = typer.Typer()


@app.command()
def capture(
    call_id: Annotated[
        str | None, typer.Option("--call", help="id of the call; default: drawn", show_default=False)
    ] = None,
    valid: Annotated[int, typer.Option(min=10, max=3600, help="seconds in which the call must begin")] = 600,
) -> None:
    """Print the address of the gateway's page for camera and microphone; it admits one call."""
    from affectstream.runtime.settings import load

    gateway = load().gateway
    fields = {"call": call_id} if call_id else {}
    if gateway.token:
        fields["token"] = token(gateway, valid)
    elif gateway.public_url:
        raise InputError("the page admits nobody without gateway.token; set it for the gateway and here")
    base = gateway.public_url or address(gateway, "")
    typer.echo(f"{base.replace('ws', 'http', 1)}/capture" + (f"#{urlencode(fields)}" if fields else ""))
