"""The page that tries the models on a photo, a recording, the microphone or a sentence."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from fastapi import FastAPI, HTTPException
from nicegui import events, ui

from affectstream.dashboards.limits import BODY_BYTES, UPLOAD_BYTES
from affectstream.dashboards.page import frame
from affectstream.dashboards.page.typed import texts, typed
from affectstream.dashboards.trials import Kind, Trials
from affectstream.schemas.conflict import WORDS
from affectstream.schemas.labels import EMOTIONS

MOST_BYTES = UPLOAD_BYTES - BODY_BYTES  # the form around a file counts as well
SCRIPT = '<script src="/page-assets/trial.js"></script>'
ABOUT = (
    "Choose a photo, a recording of sound or pictures of at most two minutes, or record with the microphone; "
    "write what is said, or only that. What you send is tried and dropped."
)
NOTHING = "Choose a file, record something, or write a sentence."
WORKING = "Trying. The first time takes longer: the models are loaded."
TOO_LARGE = f"The file is larger than {MOST_BYTES / 2**20:.0f} MiB."

Json = Mapping[str, Any]


class Page:
    """One visitor's trial."""

    def __init__(self, trials: Trials) -> None:
        self._trials = trials
        self._data, self._kind = b"", ""

    def build(self) -> None:
        """Lay the page out."""
        ui.label(ABOUT)
        upload = ui.upload(
            auto_upload=True,
            max_file_size=MOST_BYTES,
            on_upload=self._arrived,
            on_rejected=lambda: self._say(TOO_LARGE),
        ).classes("trial-upload")
        with ui.row().classes("trial-form"):
            ui.element("input").props(
                'type="file" accept="image/*,audio/*,video/*" aria-label="Photo or recording"'
            ).on("change", js_handler=f"(e) => affectTrial.choose({upload.id}, e.target.files[0])")
            microphone = ui.button("Microphone", icon="mic", color=None).props("outline no-caps")
            microphone.classes("plain-button").on(
                "click", js_handler=f"() => affectTrial.record({upload.id})"
            )
            self._file = ui.label().props('role="status"')
            self._drop = ui.button("Remove the file", on_click=self._removed, color=None)
            self._drop.props("flat no-caps").classes("plain-button")
            self._drop.visible = False
        ui.html('<p id="trial-microphone" role="status"></p>', sanitize=False)
        with ui.row().classes("trial-form"):
            words = ui.input("What is said, in English").classes("trial-words").props('maxlength="2000"')
            words.on("keydown.enter", self._try, js_handler=typed(words))
            self._button = ui.button("Try it").props("no-caps")
            self._button.on("click", self._try, js_handler=typed(words))
        self._notice = ui.label().classes("notice").props('role="alert"')
        ui.html('<div id="trial-preview"></div>', sanitize=False)
        self._result = ui.html("", sanitize=False).props('role="region" aria-label="Result"')
        self._upload = upload

    async def _arrived(self, event: events.UploadEventArguments) -> None:
        self._data = await event.file.read()
        self._kind = event.file.content_type.split("/")[0]
        self._file.text = f"{event.file.name}, {len(self._data) / 1000:.0f} kB"
        self._drop.visible = True
        self._upload.reset()
        self._say("")

    def _removed(self) -> None:
        self._data = b""
        self._file.text = ""
        self._drop.visible = False
        ui.run_javascript("affectTrial.clear()")

    def _say(self, text: str) -> None:
        self._notice.text = text

    async def _try(self, event: events.GenericEventArguments) -> None:
        (words,) = texts(event)
        if not (self._data or words):
            self._say(NOTHING)
            return
        if not self._button.enabled:
            return
        self._button.disable()
        self._result.content = f'<p role="status">{WORKING}</p>'
        self._say("")
        try:
            await self._show(kind(self._data, self._kind), words)
        except HTTPException as error:
            self._result.content = ""
            self._say(str(error.detail))
        finally:
            self._button.enable()

    async def _show(self, kind: Kind, words: str) -> None:
        answer = await self._trials.ask(kind, self._data, words)
        self._result.content = result(answer)
        ui.run_javascript(f"affectTrial.box({json.dumps(answer['face'])})")


def register(app: FastAPI) -> None:
    """Add the page to the site."""

    @ui.page("/try", response_timeout=frame.BUILT_S)
    async def tryit() -> None:
        ui.add_head_html(SCRIPT)
        with frame.page("Try it", "/try"):
            Page(app.state.trials).build()


def kind(data: bytes, media: str) -> Kind:
    """Return how an upload is tried: by its media type; without one there is a sentence only."""
    if not data:
        return "text"
    return "face" if media == "image" else "fused"


def result(trial: Json) -> str:
    """Return what the models make of an upload as markup: the reason in a sentence, and a table of bars."""
    columns = {"fused": trial} | {
        word: trial["modalities"][name] for name, word in WORDS.items() if name in trial["modalities"]
    }
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    rows = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(_cell(each, name) for each in columns.values())}</tr>'
        for name in EMOTIONS
    )
    weights = "".join(f"<td>{_weight(each)}</td>" for each in columns.values())
    return (
        f'<p class="trial-sentence">{escape(trial["sentence"])}</p><div class="trial-scroll" tabindex="0" '
        f'role="group" aria-label="Probabilities"><table class="trial-table"><thead><tr><td></td>{heads}'
        f'</tr></thead><tbody>{rows}</tbody><tfoot><tr><th scope="row">weight</th>{weights}</tr></tfoot>'
        f"</table></div><p>{escape(_about(trial))}</p>"
    )


def _cell(column: Json, name: str) -> str:
    p = (column["probabilities"] or {}).get(name)
    if p is None:
        return "<td>-</td>"
    top = ' class="trial-top"' if column["label"] == name else ""
    bar = f'<span class="cell-run run-{name}" style="width:{100 * p:.0f}%"></span>'
    return f'<td{top}><span class="trial-track">{bar}</span>{p:.2f}</td>'


def _weight(column: Json) -> str:
    """Return the weight of a modality, or why it has none; the fused column has no weight."""
    if "weight" not in column:
        return ""
    if column["reason"]:
        return escape(column["reason"].replace("_", " "))
    return f"{column['weight']:.2f}"


def _about(trial: Json) -> str:
    count = trial["windows"]
    windows = "one window" if count == 1 else f"{count} windows, of which these are means"
    face = ". The box shows the largest face" if trial["face"] and trial["kind"] == "face" else ""
    return f"From {windows}; disagreement {trial['disagreement']:.2f}; {', '.join(trial['models'])}{face}."
