"""Windows as they come, as a table in the terminal."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from affectstream.schemas.conflict import conflict
from affectstream.schemas.labels import COLOURS, EMOTIONS, MODALITY_COLOURS
from affectstream.schemas.messages import MODALITIES, FusedEmotion, ModalityState

BLOCKS = " ▁▂▃▄▅▆▇█"
BAR = 5  # characters


class LiveTable:
    """The newest windows of a session, newest last; an early one is dim until its final replaces it.

    "emotion" is the label to show, a question mark where it is uncertain. "sure" is the confidence, "all" the
    seven probabilities in the order of the labels, "split" how far the modalities contradict each other; what
    they say in the newest window that has such a conflict stands below. A modality's cell holds its own label
    and its weight in per cent, dim where that is held from an earlier window.
    """

    def __init__(self, title: str, origin_ms: int, rows: int = 16) -> None:
        self.title = title
        self.origin_ms = origin_ms
        self._most = rows
        self._rows: dict[tuple[int, str], FusedEmotion] = {}

    def add(self, windows: Iterable[FusedEmotion]) -> None:
        """Take in windows in any order; one that is there already is replaced, the newest are kept."""
        self._rows |= {(fused.end_ms, fused.party): fused for fused in windows}
        self._rows = dict(sorted(self._rows.items())[-self._most :])

    @property
    def newest_ms(self) -> int:
        """The end of the newest window shown."""
        return max((end_ms for end_ms, _ in self._rows), default=0)

    def __rich__(self) -> Table:
        table = Table(
            title=self.title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
        )
        for name in ("time", "party", "emotion", "sure", "all", *MODALITIES, "split"):
            width = {"sure": BAR, "all": len(EMOTIONS), "split": 5}.get(name)
            table.add_column(
                name, justify="right" if name == "time" else "left", min_width=width, no_wrap=True
            )
        for fused in self._rows.values():
            table.add_row(*cells(fused, self.origin_ms), style="dim" if fused.pane == "early" else None)
        table.caption = self._conflict()
        table.caption_justify = "left"
        return table

    def _conflict(self) -> str | None:
        """Return the newest conflict of modalities that is shown, in words."""
        for fused in reversed(self._rows.values()):
            if sentence := conflict(fused):
                return f"{seconds(fused, self.origin_ms)}, {fused.party}: {sentence}"
        return None


def cells(fused: FusedEmotion, origin_ms: int) -> list[Text | str]:
    """Return one window as the cells of a table's row."""
    by_name = {s.modality: s for s in fused.modalities}
    label = emotion(fused)
    filled = round(fused.confidence * BAR)
    bar = Text("█" * filled + "·" * (BAR - filled), style=label.style)
    return [
        seconds(fused, origin_ms),
        fused.party,
        label,
        bar,
        profile(fused.p),
        *(modality_cell(by_name.get(m)) for m in MODALITIES),
        f"{fused.disagreement:.2f}",
    ]


def seconds(fused: FusedEmotion, origin_ms: int) -> str:
    """Return when the window begins, from the origin."""
    return f"{(fused.start_ms - origin_ms) / 1000:.0f} s"


def emotion(fused: FusedEmotion) -> Text:
    """Return the label to show; a question mark where that is uncertain, a dash without evidence."""
    name = fused.shown or fused.label
    if name is None:
        return Text("-", style="dim")
    uncertain = fused.shown is None and fused.steady is not None  # a window from before display has neither
    return Text("?" if uncertain else name, style="dim" if uncertain else COLOURS[name])


def profile(p: tuple[float, ...] | None) -> Text:
    """Return seven coloured blocks, as high as the probabilities, in the order of the labels."""
    text = Text()
    for name, value in zip(EMOTIONS, p or (0.0,) * len(EMOTIONS), strict=True):
        text.append(BLOCKS[round(value * (len(BLOCKS) - 1))], style=COLOURS[name])
    return text


def modality_cell(state: ModalityState | None) -> Text:
    """Return what one modality brought: its own label and weight, or why it had nothing to say."""
    if state is None:
        return Text("")
    if state.p is None:
        return Text(state.reason or state.state, style="dim italic")
    own = EMOTIONS[max(range(len(EMOTIONS)), key=lambda i: (state.p or ())[i])]
    said = Text.assemble(
        (own, COLOURS[own]), (f" {100 * state.weight:.0f}", MODALITY_COLOURS[state.modality])
    )
    if state.state == "held":
        said.stylize("dim italic")
    return said
