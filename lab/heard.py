"""What heads read: the statistics of windows of clips, and by whom and over which line they are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from affectstream.lab.datasets.readers import View
from affectstream.lab.party_baseline import NEUTRAL, Floats, Indices, never_absent
from affectstream.lab.training import speech
from affectstream.lab.training.blocks import kept_statistics
from affectstream.models.voice.encoder import SpeechEncoder

CLIPS_A_LINE = 40  # about as much as somebody says in a call
TRUSTED_AT = 4.0  # windows at which a mean lies half way from that of training to the speaker's own

Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Heard:
    """The windows of one copy of a corpus, or of some of its clips."""

    corpus: str  # its short name
    copy: str  # what its windows went through
    x: Floats  # (windows, size): statistics
    clip: Indices  # (windows,)
    labels: Indices  # (clips,)
    lines: Names  # (clips,): speaker and line; a baseline is of clips of one

    def of(self, clips: Indices) -> "Heard":
        """Return the windows of ``clips`` alone."""
        mine = np.isin(self.clip, clips)
        return replace(self, x=self.x[mine], clip=self.clip[mine])

    @property
    def absent(self) -> Floats:
        """Return what is added to the logits (7,)."""
        return never_absent(self.labels)

    def baselines(self, middle: Floats, clips: int, neutral: bool, rng: np.random.Generator) -> Floats:
        """Return the mean (clips, size) of at most ``clips`` other clips of each, drawn to ``middle``."""
        windows = np.bincount(self.clip, minlength=len(self.labels))
        sums = np.zeros((len(self.labels), self.x.shape[1]), np.float32)
        np.add.at(sums, self.clip, self.x)
        found = np.tile(middle, (len(self.labels), 1)).astype(np.float32)
        for line in np.unique(self.lines[windows > 0]):
            rows = np.flatnonzero((self.lines == line) & (windows > 0))
            calm = rows[self.labels[rows] == NEUTRAL]
            for row in rows:
                among = calm if neutral and len(calm) else rows
                among = among[among != row]
                chosen = rng.choice(among, min(clips, len(among)), replace=False)
                known = windows[chosen].sum()
                found[row] = (sums[chosen].sum(axis=0) + TRUSTED_AT * middle) / (known + TRUSTED_AT)
        return found


def lines_of(view: View, copy: str) -> Names:
    """Return the line of every clip: of a speaker, and in a drawn copy of ``CLIPS_A_LINE`` clips of one."""
    speakers = np.array(view.groups)
    if copy == speech.CLEAN:
        return speakers
    rng, lines = np.random.default_rng(7 + int(copy[1:])), speakers.astype(object)
    for speaker in np.unique(speakers):
        for place, row in enumerate(rng.permutation(np.flatnonzero(speakers == speaker))):
            lines[row] = f"{speaker}/{place // CLIPS_A_LINE}"
    return lines.astype(str)


def heard_in(
    views: Mapping[str, View], copies: Iterable[str], kept: speech.Kept, encoder: SpeechEncoder
) -> Iterator[Heard]:
    """Yield ``copies`` of every corpus whose labels are what was acted."""
    for name, view in views.items():
        for copy in copies if name not in speech.WEAK else ():
            lines = lines_of(view, copy)
            if copy == speech.CLEAN:
                windows = speech.of_corpus(name, view, copy, kept)
            else:
                windows = speech.over_lines(name, view, list(lines), copy, kept)
            x = kept_statistics(windows, kept, encoder)
            yield Heard(name, copy, x, windows.clip, view.labels, lines)
