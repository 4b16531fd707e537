"""The shipped voice network: Whisper's first blocks as they are, and heads trained on every corpus.

Parts: five folds by actor of RAVDESS, each with all of the other corpora to learn from; one part per corpus
that is left out whole; and one of everything, which is shipped.
"""

import os
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from torch import Tensor, nn

from affectstream.lab.datasets import ravdess, readers
from affectstream.lab.datasets.catalogue import entry
from affectstream.lab.evaluation.outcome import About
from affectstream.lab.splits import merged_groups
from affectstream.lab.training import speech
from affectstream.lab.training.blocks import Singles, kept_statistics, window_statistics
from affectstream.lab.training.corpus import Corpus, Indices, Part
from affectstream.lab.training.files import weights
from affectstream.lab.training.networks import whisper
from affectstream.lab.training.recipe import Recipe, VoiceRecipe
from affectstream.lab.training.tasks.clips import corpus_of
from affectstream.lab.training.tasks.voice_windows import Clips, Learnt, Spoken
from affectstream.models.batching import product_type
from affectstream.models.voice.encoder import SpeechEncoder
from affectstream.models.voice.network import VoiceNet
from affectstream.schemas.labels import N_EMOTIONS

Read = Callable[[speech.Windows], Singles]  # of windows to their statistics

ALL = "all"  # the part whose network is shipped: it learns from every corpus, nothing is left to test it
WITHOUT = "without-"  # and the name of the corpus that the part never hears


def spoken(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Clips]:
    """Return all corpora that lie in ``data`` in the parts above; raises InputError without RAVDESS."""
    assert isinstance(recipe, VoiceRecipe)
    views = speech.read_corpora(data)
    return _parts(views, recipe), _clips(views, data, recipe, speech.Kept(cache, os.cpu_count() or 1))


def _parts(views: dict[str, readers.View], recipe: Recipe) -> Corpus:
    """Return the folds of RAVDESS, each with the other corpora to learn from, and the parts of the others."""
    home = views[speech.HOME]
    folds = corpus_of(ravdess.Clips(tuple(home.items), home.skipped), recipe, held_out=False)
    names = np.concatenate([np.full(len(view.labels), name) for name, view in views.items()])
    rows, none = np.arange(len(names)), np.zeros(0, dtype=np.int64)
    other = rows[names != speech.HOME]
    parts = [replace(part, learn=np.concatenate([part.learn, other])) for part in folds.parts]
    if not recipe.folds:
        if len(other):  # no test, for the folds test its clips
            parts.append(Part(f"{WITHOUT}{speech.HOME}", other, none, none))
        judged = [name for name in views if name not in (speech.HOME, *speech.WEAK)]
        parts += [Part(f"{WITHOUT}{n}", rows[names != n], none, rows[names == n]) for n in judged]
        parts.append(Part(ALL, rows, none, none))
    groups = tuple(f"{name} {group}" for name, view in views.items() for group in view.groups)
    hashes = [clip.sha256 for view in views.values() for clip in view.items]
    sexes = tuple(clip.sex or "not told" for view in views.values() for clip in view.items)
    about = About(
        "acted speech",
        ", ".join(entry(name).title for name in views),
        f"RAVDESS: {folds.about.split}; every other corpus: by the network that never heard it",
        "the intent of the actor; calm is counted as neutral; only classes that the corpus has",
        "speakers",
    )
    known = {"corpus": tuple(map(str, names)), "sex": sexes}
    labels = np.concatenate([view.labels for view in views.values()])
    return Corpus(about, labels, groups, merged_groups(groups, hashes), tuple(parts), known)


def _clips(views: dict[str, readers.View], data: Path, recipe: VoiceRecipe, kept: speech.Kept) -> Clips:
    corpus = np.concatenate([np.full(len(v.labels), speech.CORPORA.index(n)) for n, v in views.items()])
    labels = np.concatenate([view.labels for view in views.values()])
    encoder = _encoder(recipe, kept.cache)
    reader = deepcopy(encoder).to(product_type("cpu"))  # as it computes in the stream
    read = partial(kept_statistics, kept=kept, encoder=reader)
    clean = _joined(views, [speech.CLEAN], kept, read)

    def make() -> Learnt:
        copies = [speech.CLEAN, *(f"r{k}" for k in range(recipe.copies))]
        announcers = kept.cache / speech.ANNOUNCERS
        if not announcers.is_dir():
            made_by = "python -m affectstream.lab.announcers"
            Console(stderr=True).print(f"no announcers in {announcers}: {made_by} makes those of the card")
        parties = [
            _by_voice([speech.of_calls(folder, name, kept) for name in copies], read)
            for folder in (data / speech.CALLS, announcers)
        ]
        sounds = speech.of_sounds(speech.LEARNT_SOUNDS if recipe.sounds else ())
        flat = torch.from_numpy(window_statistics(sounds, reader))
        return Learnt(_joined(views, copies, kept, read), tuple(parties), flat)

    return Clips(labels, corpus, torch.from_numpy(_allowed(labels, corpus)), clean, encoder, make)


def _encoder(recipe: VoiceRecipe, cache: Path) -> SpeechEncoder:
    """Return the encoder in the file ``recipe.weights``, or else Whisper's."""
    if recipe.weights is None:
        return whisper.encoder(cache, Console(stderr=True).print)
    made = VoiceNet(recipe.members, recipe.hidden).encoder
    made.load_state_dict(weights(Path(recipe.weights)))
    return made.eval()


def _joined(views: dict[str, readers.View], copies: Sequence[str], kept: speech.Kept, read: Read) -> Spoken:
    """Return the windows of ``copies`` of all corpora, by the row of the clip in all of them."""
    starts = np.cumsum([0, *(len(view.labels) for view in views.values())])
    x, clip = [], []
    for start, (name, view) in zip(starts[:-1], views.items(), strict=True):
        for copy in copies:
            windows = speech.of_corpus(name, view, copy, kept)
            x.append(read(windows))
            clip.append(start + windows.clip)
    return Spoken(np.concatenate(x), np.concatenate(clip))


def _by_voice(copies: Sequence[speech.Windows], read: Read) -> tuple[Tensor, ...]:
    """Return the statistics (windows, size) of each recording over all copies of it."""
    x, clip = np.concatenate([read(each) for each in copies]), np.concatenate([each.clip for each in copies])
    return tuple(torch.from_numpy(x[clip == voice]) for voice in np.unique(clip))


def _allowed(labels: Indices, corpus: Indices) -> npt.NDArray[np.bool_]:
    """Return which classes occur in each corpus (corpora, 7)."""
    found = np.zeros((len(speech.CORPORA), N_EMOTIONS), dtype=np.bool_)
    found[corpus, labels] = True
    return found


class OverStatistics(VoiceNet):
    """A voice network that is given what its encoder makes of windows."""

    def forward(self, x: Tensor, offset: Tensor | None = None) -> Tensor:
        """Map statistics (batch, size) as ``VoiceNet`` maps the windows that they are of."""
        logits: Tensor = self.heads(x, offset)
        return logits


def network(recipe: Recipe, clips: Clips) -> nn.Module:
    """Return the encoder that the statistics are of, with heads of random weights."""
    assert isinstance(recipe, VoiceRecipe)
    made = OverStatistics(recipe.members, recipe.hidden, recipe.dropout)
    made.encoder.load_state_dict(clips.encoder.state_dict())
    made.encoder.requires_grad_(False)
    return made


def finished(network: nn.Module, clips: Clips, part: Part, recipe: Recipe) -> None:
    """Fit the domain of a trained ``network`` to what ``part`` learnt from."""
    clips.finish(network, part, recipe)
