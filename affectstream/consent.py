"""The commands `consent set`, `show`, `pause` and `resume`: whether a session may be processed."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from affectstream.schemas.consent import Consent
from affectstream.schemas.errors import InputError

if TYPE_CHECKING:
    from affectstream.schemas.consent import Standing

app = typer.Typer(no_args_is_help=True)
out = Console()

SessionId = Annotated[str, typer.Argument(help="session id")]
By = Annotated[
    str | None, typer.Option(help="name for the audit log; default: your user name", show_default=False)
]


@app.command("set")
def set_(
    session: SessionId,
    consent: Annotated[Consent, typer.Argument(help="what the person was told, or has said")],
    by: By = None,
) -> None:
    """Set the consent to a session; withdrawn is final, and takes effect at once."""
    asyncio.run(_done(session, consent, by))
    out.print(f"the consent to session {session} is {consent}", highlight=False)
    if consent == "withdrawn":
        _require_removed(session)
        out.print(
            f"what else was made of it before stays until `affectstream purge {session}`", highlight=False
        )


@app.command()
def pause(session: SessionId, by: By = None) -> None:
    """Analyse nothing of a session from now on, until it is resumed."""
    asyncio.run(_done(session, "pause", by))
    out.print(f"session {session} is paused", highlight=False)


@app.command()
def resume(session: SessionId, by: By = None) -> None:
    """Go on with a session that was paused."""
    asyncio.run(_done(session, "resume", by))
    out.print(f"session {session} goes on", highlight=False)


@app.command()
def show(session: SessionId) -> None:
    """Show the consent to a session and its pauses."""
    from affectstream.tables import utc

    found = asyncio.run(_done(session, "show", None))
    out.print(f"consent: {found.consent}", highlight=False)
    for span in found.pauses:
        until = "now" if span.to_ms is None else utc(span.to_ms)
        out.print(f"paused:  {utc(span.from_ms)} to {until} (UTC)", highlight=False)


@app.command()
def restore() -> None:
    """Withdraw again what the audit log says was withdrawn, in a Redis that has lost its data."""
    from affectstream.runtime.consent_store import restore as restored
    from affectstream.runtime.settings import load

    settings = load()
    count = asyncio.run(restored(settings.redis, settings.policy))
    out.print(f"{count} sessions withdrawn again", highlight=False)


@app.command("id")
def id_(call_id: Annotated[str, typer.Argument(help="your platform's id of the call")]) -> None:
    """Print the session id of a platform's call id: its hash under gateway.session_key."""
    from affectstream.producers.session_ids import pseudonym
    from affectstream.runtime.settings import load

    print(pseudonym(call_id, load().gateway.session_key))


def _require_removed(session: str) -> None:
    """Raise InputError where recordings of a session are left, as in a folder that may not be written to."""
    from affectstream.runtime.recordings import of_session
    from affectstream.runtime.settings import load

    folder = load().policy.recordings
    if folder is not None and any(of_session(folder, session)):
        raise InputError(
            f"recordings of {session} in {folder} could not be deleted; the consent is withdrawn "
            f"all the same. Delete them as a user who may: `affectstream purge {session}`"
        )


async def _done(session: str, what: str, by: str | None) -> "Standing":
    from affectstream.producers.plan import check_session_id
    from affectstream.runtime.audit import user
    from affectstream.runtime.consent_store import ConsentStore
    from affectstream.runtime.settings import load
    from affectstream.schemas.consent import CONSENTS

    check_session_id(session)
    settings, name = load(), by or user()
    async with ConsentStore(settings.redis, settings.policy) as store:
        if what in CONSENTS:
            return await store.set(session, what, name)
        steps = {"pause": store.pause, "resume": store.resume}
        return await steps[what](session, name) if what in steps else await store.standing(session)
