"""The table of networks that can be trained: modality, data, architecture, default recipe."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from affectstream.lab.training.augment.clips import Extract, frames_of, mel_of
from affectstream.lab.training.corpus import Corpus, Part
from affectstream.lab.training.memory import ORDERS
from affectstream.lab.training.networks import voice as networks
from affectstream.lab.training.networks.clip import ClipFrames, FeatureHead, as_frames, clip_frames
from affectstream.lab.training.networks.face import FaceResNet50, FerCnn, ResNet50Features
from affectstream.lab.training.networks.text import IdsClassifier, pretrained
from affectstream.lab.training.recipe import VOTED, FaceRecipe, Recipe, shipped_recipe
from affectstream.lab.training.tasks import text, voice
from affectstream.lab.training.tasks.clips import speech
from affectstream.lab.training.tasks.face import faces, faces_to_judge, voted
from affectstream.lab.training.tasks.utterances import (
    encoder_folder,
    tokenised,
    utterances,
    utterances_to_judge,
)
from affectstream.lab.training.tasks.vectors import vectors
from affectstream.models.face.network import DEPTHS, WIDTHS, FaceNet
from affectstream.schemas.errors import InputError, ModelError

# of a folder of data, and one to keep features, to the rows and what networks take of them
Prepare = Callable[[Path, Recipe, Path], tuple[Corpus, Any]]


@dataclass(frozen=True)
class Network:
    """One network."""

    modality: str
    systems: str  # the reference systems that it is from, as docs/models/reference-networks.md numbers them
    prepare: Prepare
    judge: Prepare | None  # prepares other data, all of it to test; None: weights are evaluated, not the run
    build: Callable[[Recipe, Any], nn.Module]
    recipe: Recipe
    # fits to the trained network, of what its part learnt from, what is not learnt by gradients
    finish: Callable[[nn.Module, Any, Part, Recipe], None] | None = None


@dataclass(frozen=True)
class Pipelined:
    """One TF-IDF pipeline of affectstream.lab.training.networks.text."""

    modality: str
    systems: str
    pipeline: str
    recipe: Recipe


# One cycle over growing faces; the weights are averaged, so that the last epoch is the best one.
FER_CNN = Recipe(
    network="fer-cnn", labels="fer2013", held_out=0.05, epochs=21, batch=64, optimiser="adamw", rate=1e-3,
    decay=0.05, schedule="one-cycle", watch="accuracy", smoothing=0.1, dropout=0.2, average=0.998,
    strengths=((0, 0.6),), sides=((0, 32), (10, 40), (15, 48)), precision="bfloat16", seed=7,
)  # fmt: skip
# From random weights; ImageNet's (--weights FILE) are worth the side of 96 from the first epoch.
RESNET50 = Recipe(
    network="resnet50", labels="fer2013", held_out=0.05, epochs=24, batch=64, rate=1e-3, decay=0.05, clip=1.0,
    schedule="one-cycle", watch="accuracy", smoothing=0.1, average=0.998, strengths=((0, 0.6),),
    sides=((0, 32), (9, 48), (18, 64)), precision="bfloat16", seed=7,
)  # fmt: skip
FACE_RESNET = FER_CNN.model_copy(
    update={"network": "face-resnet", "epochs": 60, "sides": ((0, 32), (24, 40), (36, 48))}
)
FACE_VECTORS = Recipe(
    network="clip", labels="fer2013", epochs=40, batch=128, rate=1e-3, decay=1e-2, patience=8, dropout=0.3,
    watch="nll", class_weights=True, augment=False,
)  # fmt: skip
SPEECH = Recipe(
    network="cnn", held_out=0.125, epochs=60, batch=32, optimiser="adam", rate=1e-3, patience=15,
    plateau_patience=5, watch="nll", class_weights=True,
)  # fmt: skip
IMAGES = {"precision": "bfloat16", "optimiser": "adamw", "decay": 0.05, "rate": 5e-4, "epochs": 40}
MELD_AUDIO = SPEECH.model_copy(update={"optimiser": "adamw", "decay": 1e-5, "clip": 1.0, "epochs": 80})
TFIDF = Recipe(network="tfidf-logistic", epochs=1)
ENCODER = Recipe(
    network="bert", epochs=6, batch=32, rate=3e-5, decay=0.01, clip=1.0, schedule="one-cycle", patience=2,
    dropout=0.1, augment=False, precision="bfloat16",
)  # fmt: skip


def _continued(network: nn.Module, recipe: Recipe) -> nn.Module:
    """Return ``network``, with the best weights of another run of it where the recipe names them."""
    if recipe.weights is not None:
        try:
            network.load_state_dict(load_file(recipe.weights))
        except (OSError, RuntimeError, SafetensorError) as error:
            raise ModelError(
                f"{recipe.weights} holds no weights of {recipe.network}: give best.safetensors of a run"
            ) from error
    return network


def _clip(source: str) -> nn.Module:
    return _Faces(clip_frames(source))


class _Faces(nn.Module):
    """CLIP on single gray faces (n, h, w) to (n, 512)."""

    def __init__(self, frames: ClipFrames) -> None:
        super().__init__()
        self.frames = frames

    def forward(self, x: Tensor) -> Tensor:
        return self.frames(as_frames(x))  # type: ignore[no-any-return]


def _vectors(name: str, systems: str, encoder: Callable[[str], nn.Module]) -> Network:
    def head(recipe: Recipe, inputs: Any) -> nn.Module:
        return FeatureHead(inputs.stored.shape[1], recipe.dropout)

    recipe = FACE_VECTORS.model_copy(update={"network": name})
    return Network("face", systems, vectors(faces, encoder), vectors(faces_to_judge, encoder), head, recipe)


def _speech(name: str, systems: str, build: Callable[[], nn.Module], base: Recipe = SPEECH) -> Network:
    kinds: dict[str, tuple[str, Extract, float, bool]] = {
        "mel-conv": ("mel-40", partial(mel_of, mels=40), -1.0, False),
        "mel-resnet18": ("mel-64", partial(mel_of, mels=64), -1.0, True),
    }
    given = kinds.get(name, ("mfcc", frames_of, 0.0, False))
    recipe = base.model_copy(update={"network": name} | (IMAGES if name == "mel-resnet18" else {}))
    made = (speech(*given), speech(*given, to_judge=True))
    return Network("voice", systems, *made, lambda r, i: build(), recipe)


def _encoder(recipe: Recipe, inputs: Any) -> nn.Module:
    return IdsClassifier(pretrained(encoder_folder(recipe)), recipe.dropout)


def _pipeline(name: str, pipeline: str) -> Pipelined:
    return Pipelined("text", "001", pipeline, TFIDF.model_copy(update={"network": name}))


def _face(name: str) -> Network:
    def build(recipe: Recipe, inputs: Any) -> nn.Module:
        assert isinstance(recipe, FaceRecipe)
        torch.manual_seed(recipe.seed + ORDERS * recipe.order)
        return _continued(FaceNet(recipe.widths, recipe.depths, recipe.dropout), recipe)

    return Network("face", "ours", voted, None, build, shipped_recipe(name))


NETWORKS: dict[str, Network | Pipelined] = {
    **{name: _face(name) for name in VOTED},
    "voice": Network(
        "voice", "ours", voice.spoken, None, voice.network, shipped_recipe("voice"), voice.finished
    ),
    "text": Network(
        "text", "ours", text.utterances, None, lambda r, i: text.network(r), shipped_recipe("text")
    ),
    "fer-cnn": Network(
        "face", "002", faces, faces_to_judge, lambda r, i: _continued(FerCnn(r.dropout), r), FER_CNN
    ),
    "resnet50": Network(
        "face", "000, 001, 003", faces, faces_to_judge,
        lambda r, i: FaceResNet50(weights=None if r.weights is None else Path(r.weights)), RESNET50,
    ),
    "face-resnet": Network(
        "face", "ours", faces, faces_to_judge,
        lambda r, i: _continued(FaceNet(WIDTHS, DEPTHS, r.dropout), r), FACE_RESNET,
    ),
    "resnet50-features": _vectors("resnet50-features", "002", lambda w: ResNet50Features(Path(w))),
    "clip": _vectors("clip", "004", _clip),
    "cnn": _speech("cnn", "001, 002", networks.SpeechCnn),
    "cnn-lstm": _speech("cnn-lstm", "001, 002", networks.SpeechLstm),
    "cnn-bilstm": _speech("cnn-bilstm", "001, 002", lambda: networks.SpeechLstm(both_ways=True)),
    "cnn-gru": _speech("cnn-gru", "002", networks.SpeechGru),
    "cnn-attention": _speech("cnn-attention", "001, 002", networks.SpeechAttention),
    "mel-conv": _speech("mel-conv", "004", networks.MelConv, MELD_AUDIO),
    "mel-resnet18": _speech("mel-resnet18", "001", networks.MelResNet18),
    "tfidf-logistic": _pipeline("tfidf-logistic", "logistic regression"),
    "tfidf-tree": _pipeline("tfidf-tree", "decision tree"),
    "tfidf-forest": _pipeline("tfidf-forest", "random forest"),
    "tfidf-bayes": _pipeline("tfidf-bayes", "naive Bayes"),
    "bert": Network(
        "text", "000, 003, 004", tokenised(utterances), tokenised(utterances_to_judge), _encoder, ENCODER
    ),
}  # fmt: skip


def network_named(name: str, modality: str | None = None) -> Network | Pipelined:
    """Return the network called ``name``; raises InputError where ``modality`` has none of this name."""
    known = [key for key, entry in NETWORKS.items() if modality in (None, entry.modality)]
    if name not in known:
        of = f" of {modality}" if modality else ""
        raise InputError(f"no network{of} is called {name!r}: there are {', '.join(known)}")
    return NETWORKS[name]
