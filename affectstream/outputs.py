"""The files that a command writes of a session: refused before minutes of work, written after them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from affectstream.schemas.errors import InputError

if TYPE_CHECKING:
    from affectstream.export import Report
    from affectstream.runtime.settings import Settings
    from affectstream.schemas.messages import FusedEmotion
    from affectstream.session_file import Event


@dataclass(frozen=True)
class Outputs:
    """One path of each kind, None where it is not asked for."""

    windows: Path | None = None
    plot: Path | None = None
    summary: Path | None = None
    turns: Path | None = None
    report: Path | None = None

    def __iter__(self) -> Iterator[tuple[str, Path]]:
        """Yield the kinds that are asked for, and their paths."""
        return ((kind, path) for kind, path in vars(self).items() if path is not None)

    def check(self, inputs: Sequence[Path]) -> None:
        """Raise InputError where one cannot be written, is an input, or is named twice."""
        from affectstream import plot, report
        from affectstream.export import check_file, kind_of

        kinds = {"windows": kind_of, "plot": plot.check_kind, "report": report.check_kind}
        taken = {path.resolve() for path in inputs}
        for kind, path in self:
            if kind in kinds:
                kinds[kind](path)
        for _, path in self:
            if path.resolve() in taken:
                raise InputError(f"{path} is read or written already; give every output a file of its own")
            taken.add(path.resolve())
            check_file(path)

    def write(
        self,
        made: "Report",
        finals: "Sequence[FusedEmotion]",
        settings: "Settings",
        events: "Sequence[Event]" = (),
    ) -> None:
        """Write what is asked for; ``events`` are known to have happened. Raises InputError."""
        from affectstream import export, plot, report, turns

        display, with_words = export.display_of(settings), settings.policy.words_in_turns
        if self.windows:
            export.write(finals, self.windows, display)
        if self.plot:
            plot.draw(finals, self.plot, finals[0].session_id, display, made.alerts, events)
        if self.summary:
            export.write_report(made, self.summary)
        if self.turns and made.talk:
            turns.write(made.talk, self.turns, with_words)
        if self.report:
            report.write(made, finals, self.report, display, events, with_words)
