"""The page that captures a camera and a microphone in a browser, as its files are answered."""

from collections.abc import Mapping
from importlib.resources import files

from affectstream.producers.gateway.requests import Answer

CAPTURE = "/capture"
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
FILES = {
    CAPTURE: "capture.html",
    f"{CAPTURE}/capture.css": "capture.css",
    f"{CAPTURE}/capture.js": "capture.js",
    f"{CAPTURE}/recorder.js": "recorder.js",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), display-capture=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def pages() -> Mapping[str, Answer]:
    """Return the answer for each path of the page."""
    folder = files("affectstream.producers.gateway") / "page"
    return {path: _answer(name, (folder / name).read_bytes()) for path, name in FILES.items()}


def _answer(name: str, body: bytes) -> Answer:
    kind = KINDS[name.rpartition(".")[2]]
    return Answer(200, body, {"Content-Type": f"{kind}; charset=utf-8", **HEADERS})
