"""What the page of a call has of its recording: the sound with a cursor that goes along, and the words."""

from collections.abc import Sequence
from contextlib import suppress

from fastapi import HTTPException
from nicegui import ui
from nicegui.events import GenericEventArguments

from affectstream.analytics.turns import Words
from affectstream.dashboards.listening import Listening
from affectstream.dashboards.page.marking import NAME
from affectstream.dashboards.page.typed import texts, typed
from affectstream.dashboards.sound import Script
from affectstream.schemas.errors import AffectError

SCRIPT = '<script src="/page-assets/growing.js"></script><script src="/page-assets/listen.js"></script>'
ABOUT = "Every time is noted in the audit log with your name. A click into a chart goes there."
AUDIO = """<audio id="call-sound" controls data-ticket="{url}" aria-label="The call"></audio>
<span id="call-sound-note" role="status"></span>"""
WRONG_NAME = "Write your name: letters, digits, spaces, dots, dashes."


class Player:
    """The player of one call, where policy permits one."""

    def __init__(self, sid: str, listening: Listening) -> None:
        self._sid, self._listening = sid, listening
        self.origin_ms = 0  # from which the charts count
        self._begun = False

    def build(self) -> None:
        """Lay it out."""
        if not self._listening.permitted:
            return
        ui.add_head_html(SCRIPT)
        with ui.element("section").props('aria-label="Listen along"').classes("listening"):
            ui.label(ABOUT)
            with ui.row().classes("call-bar"):
                by = ui.input("Your name to listen")
                by.on("keydown.enter", self._listen, js_handler=typed(by))
                ui.button("Listen along").props("no-caps").on("click", self._listen, js_handler=typed(by))
                self._audio = ui.html("", sanitize=False)
            self._answer = ui.label().props('role="status"')

    def jump(self, at_ms: int) -> None:
        """Go to a time, where the sound is being played."""
        if self._begun:
            ui.run_javascript(f"affectListen.seek({at_ms})")

    async def _listen(self, event: GenericEventArguments) -> None:
        (name,) = texts(event)
        if not NAME.fullmatch(name):
            self._answer.text = WRONG_NAME
            return
        try:
            ticket = await self._listening.begin(self._sid, name)
        except HTTPException as error:
            self._answer.text = str(error.detail)
            return
        except AffectError:
            self._answer.text = "It cannot be heard: the store or the audit log does not answer."
            return
        self._answer.text = ""
        self._begun = True
        self._audio.content = AUDIO.format(url=ticket.url)
        ui.run_javascript(f"affectListen.begin({ticket.model_dump_json()}, {self.origin_ms})")


class Spoken:
    """The words of a recorded call, where policy permits them."""

    def __init__(self, sid: str, listening: Listening) -> None:
        self._sid, self._listening = sid, listening
        self._script: Script | None = None
        self._asked = False

    @property
    def words(self) -> Sequence[Words]:
        """What is known to have been said."""
        return self._script.words if self._script else []

    async def refresh(self, live: bool) -> bool:
        """Read what is new; return whether there are other words than before.

        A call that is over is looked at again only where it was recorded: its last words may come late.
        """
        if self._asked and self._script is None and not live:
            return False
        before, self._asked = self.words, True
        with suppress(AffectError):  # a damaged file, or an audit log that does not answer
            self._script = await self._listening.script(self._sid, self._script)
        return self.words != before
