"""What every page shares: header, navigation, theme, colours, the footer that says what the numbers mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

from nicegui import ui

from affectstream.schemas.labels import COLOURS

ASSETS = Path(__file__).parent / "static"
PAGES = (("Live", "/"), ("Try it", "/try"), ("System", "/system"))
MEANING = "/meaning"  # of what the numbers mean
ACCENT = "#0550ae"  # 7.6:1 on white
HEAD = '<link rel="stylesheet" href="/page-assets/page.css"><script src="/page-assets/cells.js"></script>'
OPENING = '<main class="frame-opening"><b>affectstream</b> <span role="status">{title} ...</span></main>'
BUILT_S = 30.0  # a page of a thousand calls may take a while on a busy machine
CUES = "Cues consistent with an emotion, with their probability; never a statement about a person."


@contextmanager
def page(title: str, path: str) -> Iterator[None]:
    """Lay out a page: header, its content within the context, footer."""
    ui.page_title(f"{title} - affectstream")
    ui.add_head_html(f"{HEAD}<style>{_colours()}</style>")
    ui.add_body_html(OPENING.format(title=escape(title)))
    ui.colors(primary=ACCENT)
    dark = ui.dark_mode(None)
    with ui.header().classes("frame-header"), ui.element("nav").props('aria-label="Pages"'):
        ui.label("affectstream").classes("frame-name")
        for name, target in PAGES:
            ui.link(name, target).classes("frame-link").props('aria-current="page"' if target == path else "")
        ui.button(icon="contrast", on_click=dark.toggle, color=None).props(
            'flat dense aria-label="Dark or light"'
        )
    with ui.element("div").classes("frame-main"):
        ui.html(f"<h1>{title}</h1>", sanitize=False)
        yield
    with ui.footer().classes("frame-footer"):
        ui.label(CUES)
        ui.link("What the numbers mean", MEANING).classes("frame-link")


def _colours() -> str:
    """Return the emotions' colours as CSS variables, from the one table."""
    return ":root{" + ";".join(f"--{name}:{colour}" for name, colour in COLOURS.items()) + "}"
