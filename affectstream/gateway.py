"""The command `gateway`: the process that takes in calls that telephony platforms stream."""

import typer

app = typer.Typer()


@app.command()
def gateway() -> None:
    """Take in calls that telephony platforms stream: Twilio, Genesys, Asterisk (docs/call-centre.md)."""
    from affectstream.producers.gateway.__main__ import main

    main()
