"""Windows as they come, as a table in the terminal; imports rich and schemas."""

from collections import deque
from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from schemas.labels import COLOURS, EMOTIONS, MODALITY_COLOURS
from schemas.messages import MODALITIES, FusedEmotion, ModalityState

BLOCKS = " ▁▂▃▄▅▆▇█"
WIDTH = 14


class LiveTable:
    """The newest windows of a session, newest last; an early one is replaced by its final."""

    def __init__(self, title: str, origin_ms: int, rows: int = 16) -> None:
        self.title = title
        self.origin_ms = origin_ms
        self._rows: deque[FusedEmotion] = deque(maxlen=rows)

    def add(self, windows: Iterable[FusedEmotion]) -> None:
        """Take in new windows; a window that is there already is replaced."""
        for fused in windows:
            same = [i for i, old in enumerate(self._rows) if _place(old) == _place(fused)]
            if same:
                self._rows[same[0]] = fused
            else:
                self._rows.append(fused)

    @property
    def newest_ms(self) -> int:
        """The end of the newest window shown."""
        return max((fused.end_ms for fused in self._rows), default=0)

    def __rich__(self) -> Table:
        table = Table(title=self.title, title_justify="left", expand=False, pad_edge=False)
        for name in ("time", "party", "emotion", "confidence", "all seven", *MODALITIES, "disagree"):
            table.add_column(name, justify="right" if name in ("time", "disagree") else "left", no_wrap=True)
        for fused in self._rows:
            table.add_row(*cells(fused, self.origin_ms), style="dim" if fused.pane == "early" else None)
        return table


def _place(fused: FusedEmotion) -> tuple[str, int]:
    return fused.party, fused.end_ms


def cells(fused: FusedEmotion, origin_ms: int) -> list[Text | str]:
    """Return one window as the cells of a table's row."""
    by_name = {s.modality: s for s in fused.modalities}
    label = Text(fused.label or "-", style=COLOURS[fused.label] if fused.label else "dim")
    filled = round(fused.confidence * WIDTH)
    bar = Text("█" * filled + "·" * (WIDTH - filled), style=label.style)
    seconds = (fused.start_ms - origin_ms) / 1000
    return [
        f"{seconds:7.1f} s",
        fused.party,
        label,
        bar + Text(f" {fused.confidence:.2f}"),
        profile(fused.p),
        *(modality_cell(by_name.get(m)) for m in MODALITIES),
        f"{fused.disagreement:.2f}",
    ]


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
    return Text.assemble((own, COLOURS[own]), (f" {state.weight:.0%}", MODALITY_COLOURS[state.modality]))
