"""The shipped voice network: heads on an encoder's statistics of every corpus.

Parts: five folds by actor of RAVDESS, each with all of the other corpora to learn from; one part per corpus
that is left out whole; and one of everything, which is shipped.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from safetensors.torch import save_file
from torch import Tensor, nn

from affectstream.lab.datasets import ravdess, readers
from affectstream.lab.datasets.catalogue import entry
from affectstream.lab.evaluation.outcome import About
from affectstream.lab.splits import merged_groups
from affectstream.lab.training import speech
from affectstream.lab.training.corpus import Corpus, Indices, Part
from affectstream.lab.training.files import ENCODER, weights, whole
from affectstream.lab.training.networks import whisper
from affectstream.lab.training.recipe import Recipe, VoiceRecipe
from affectstream.lab.training.tasks.clips import corpus_of
from affectstream.lab.training.tasks.voice_windows import Clips
from affectstream.models.batching import product_type
from affectstream.models.voice.encoder import SpeechEncoder
from affectstream.models.voice.network import (
    ATTENTION_HEADS,
    BLOCKS,
    WIDTH,
    Domain,
    Heads,
    embedding_size,
    fitted_domain,
)
from affectstream.schemas.labels import N_EMOTIONS

ALL = "all"  # the part whose network is shipped: it learns from every corpus, nothing is left to test it
WITHOUT = "without-"  # and the name of the corpus that the part never hears
DOMAIN_ROWS = 15_000


def spoken(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Clips]:
    """Return all corpora that lie in ``data`` in the parts above; raises InputError without RAVDESS."""
    assert isinstance(recipe, VoiceRecipe)
    encoded = encoder_of(recipe, cache)
    views = speech.read_corpora(data)
    return _parts(views, recipe), _clips(views, data, recipe, encoded, cache)


def encoder_of(recipe: Recipe, cache: Path) -> speech.Encoded:
    """Return the encoder of ``recipe.weights``, or else Whisper's, and keep it in ``cache``."""
    made = SpeechEncoder(WIDTH, ATTENTION_HEADS, BLOCKS).eval()
    if recipe.weights is None:
        made = whisper.encoder(cache, Console(stderr=True).print)
    else:
        made.load_state_dict(weights(Path(recipe.weights)))
    state = {name: tensor.contiguous() for name, tensor in made.state_dict().items()}
    whole(cache / ENCODER, lambda path: save_file(state, path))
    digest = hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in state.values()))
    return speech.Encoded(made.to(product_type("cpu")), digest.hexdigest()[:16])


def _parts(views: dict[str, readers.View], recipe: Recipe) -> Corpus:
    """Return the folds of RAVDESS, each with the other corpora to learn from, and the parts of the others."""
    home = views[speech.HOME]
    folds = corpus_of(ravdess.Corpus(tuple(home.items), home.skipped), recipe, held_out=False)
    names = np.concatenate([np.full(len(view.labels), name) for name, view in views.items()])
    rows, none = np.arange(len(names)), np.zeros(0, dtype=np.int64)
    other = rows[names != speech.HOME]
    parts = [replace(part, learn=np.concatenate([part.learn, other])) for part in folds.parts]
    if not recipe.folds:
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


def _clips(
    views: dict[str, readers.View], data: Path, recipe: VoiceRecipe, encoded: speech.Encoded, cache: Path
) -> Clips:
    corpus = np.concatenate([np.full(len(v.labels), speech.CORPORA.index(n)) for n, v in views.items()])
    labels = np.concatenate([view.labels for view in views.values()])
    copies = [speech.CLEAN, *(f"r{k}" for k in range(recipe.copies))]
    made, start = [], 0
    for name, view in views.items():
        found = [speech.of_corpus(name, view, copy, encoded, cache) for copy in copies]
        made += [(part, start, copy) for part, copy in zip(found, copies, strict=True) if len(part.clip)]
        start += len(view.labels)
    windows = speech.Windows(
        np.concatenate([part.stats for part, _, _ in made]),
        np.concatenate([part.clip + offset for part, offset, _ in made]),
    )
    of_clean = np.concatenate([np.full(len(part.clip), copy == speech.CLEAN) for part, _, copy in made])
    heard = [speech.of_calls(data / speech.CALLS, copy, encoded, cache) for copy in copies]
    size = embedding_size()
    calls = torch.from_numpy(np.concatenate([part.stats.reshape(-1, size) for part in heard]))
    sounds = torch.from_numpy(speech.of_sounds(speech.LEARNT_SOUNDS, encoded) if recipe.sounds else calls[:0])
    return Clips(
        labels,
        corpus,
        torch.from_numpy(_allowed(labels, corpus)),
        windows,
        np.flatnonzero(of_clean),
        calls,
        sounds,
        _domain(windows.stats, calls),
    )


def _allowed(labels: Indices, corpus: Indices) -> npt.NDArray[np.bool_]:
    """Return which classes occur in each corpus (corpora, 7)."""
    found = np.zeros((len(speech.CORPORA), N_EMOTIONS), dtype=np.bool_)
    found[corpus, labels] = True
    return found


def _domain(stats: speech.Halves, calls: Tensor) -> Domain:
    """Return the domain of all windows, those of calls included."""
    chosen = np.random.default_rng(0).permutation(len(stats))[:DOMAIN_ROWS]
    return fitted_domain(torch.cat([torch.from_numpy(stats[np.sort(chosen)]), calls]).float())


def network(recipe: Recipe, clips: Clips) -> nn.Module:
    """Return heads with random weights, and the domain of ``clips``."""
    assert isinstance(recipe, VoiceRecipe)
    made = Heads(embedding_size(), recipe.members, recipe.hidden, recipe.dropout)
    made.domain.load_state_dict(clips.domain.state_dict())
    return made
