"""The read-only JSON API as one application."""

from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline
from pydantic import SecretStr

from affectstream.analytics.label import Display
from affectstream.dashboards import guard, routes
from affectstream.dashboards import limits as limiting
from affectstream.dashboards.feed import Feed, streams
from affectstream.dashboards.listing import across, listing
from affectstream.dashboards.moods import Moods
from affectstream.dashboards.panels import panels
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.roster import Roster
from affectstream.dashboards.trials import Trials, trying
from affectstream.runtime.store import FusedStore

ABOUT = """
How each party of a call comes across, window by window: cues consistent with seven emotions, the evidence of
each modality, and how far to rely on it. Only these numbers are kept: no picture, no sound, no words.

Times are milliseconds since the Unix epoch. Lists of windows come in pages by time. Errors are
`{"detail": "..."}`.
"""

PLAIN = Display()
UNLIMITED = limiting.Limits()


def create_app(
    store: FusedStore,
    token: SecretStr | None = None,
    display: Display = PLAIN,
    limits: limiting.Limits = UNLIMITED,
) -> FastAPI:
    """Return the application over an open ``store``; with ``token``, data needs it as a bearer token."""
    app = FastAPIOffline(  # /docs brings its own scripts
        title="affectstream",
        summary="Fused emotions of calls, read-only",
        description=ABOUT,
        version=routes.VERSION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        redoc_url=None,
        static_url=guard.ASSETS,
        max_body_size=limiting.UPLOAD_BYTES,
    )
    app.state.reader = reader = Reader(store, display)
    app.state.roster = roster = Roster(store, reader)
    app.state.moods = Moods(reader)
    app.state.feed = Feed(roster, reader)
    app.state.trials = Trials()
    guard.install(app)
    limiting.allow_origins(app, limits.cors_origins)
    admitted = [Depends(guard.require_token(token))]
    if limits.requests_per_minute:
        admitted.insert(0, Depends(limiting.RateLimit(limits.requests_per_minute)))
    if token and limits.token_requests_per_minute:  # after the token: others use up nothing of its rate
        admitted.append(Depends(limiting.RateLimit(limits.token_requests_per_minute, "token")))
    app.include_router(routes.health)
    for guarded in (streams, across, listing, routes.data, panels, trying):
        app.include_router(guarded, dependencies=admitted, max_body_size=limiting.BODY_BYTES)
    return app
