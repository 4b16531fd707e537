"""The shipped text model behind affectstream.models.protocol.EmotionModel."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from affectstream.models.batching import in_fixed_rows, joined, split
from affectstream.models.precision import product_type
from affectstream.models.protocol import Array, Embeddings, Probabilities
from affectstream.models.text.lean import lean
from affectstream.models.text.network import TextNetwork
from affectstream.models.text.storage import unpacked
from affectstream.models.text.tokenise import BUCKETS, Tokeniser
from affectstream.models.weights import FOLDER, checked_file, read_card
from affectstream.schemas.errors import InputError, ModelError


class TextModel:
    """Seven calibrated probabilities for utterances with up to two turns of context before them."""

    def __init__(self, card_name: str = "text", rows: int = 1, folder: Path = FOLDER) -> None:
        """Read the card and the vocabulary; ``rows`` is the fixed number of texts in one pass.

        One row is right for a CPU, where a lone utterance would pay for the padding; a GPU takes 32 or
        more. Raises ModelError.
        """
        card = read_card(card_name, folder)
        self.model_id = card.model_id
        self._config = card.config
        self._tokeniser = Tokeniser(_checked(folder / f"{card_name}.tokenizer.json", card.config))
        self._name = card_name
        self._folder = folder
        self._rows = rows
        self._device = "cpu"
        self._network: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]] | None = None
        self._temperature = 1.0

    def load(self, device: str) -> None:
        """Read the weights onto ``device``; raises ModelError."""
        path, card = checked_file(self._name, self._folder)
        try:
            network = TextNetwork(card.config["encoder"])
            network.load_state_dict(unpacked(load_file(path)))
            self._network = lean(network.eval().to(device), product_type(device))
        except (KeyError, TypeError, RuntimeError, ValueError, AssertionError) as error:
            raise ModelError(f"{path} cannot be used on {device!r} with the network of its card") from error
        self._temperature = card.temperature
        self._device = device

    def prepare(self, text: str, context: Sequence[str] = ()) -> Array:
        """Return ids and segments (2, bucket) of an utterance and the turns before it, oldest first."""
        return self._tokeniser.prepare(text, context)

    def known_share(self, text: str) -> float:
        """Return the share of word pieces of ``text`` that the vocabulary holds; 0 for no text."""
        return self._tokeniser.known_share(text)

    def predict(self, prepared: Sequence[Array]) -> Probabilities:
        """Return the probabilities (n, 7) of what ``prepare`` made, in its order."""
        return self.predict_with_embeddings(prepared)[0]

    @property
    def embedding_size(self) -> int:
        """Return the width of the encoder."""
        return int(self._config["encoder"]["hidden_size"])

    def predict_with_embeddings(self, prepared: Sequence[Array]) -> tuple[Probabilities, Embeddings]:
        """Return the probabilities (n, 7), and the means of the utterances' last states (n, embedding_size).

        Every text is computed at the length of its own bucket, whatever the others' are.
        """
        if self._network is None:
            raise ModelError("the text model was asked for an answer before load()")
        if any(a.ndim != 2 or a.shape[0] != 2 or a.shape[1] not in BUCKETS for a in prepared):
            raise InputError(f"a text must be prepared as ids and segments (2, one of {BUCKETS})")
        where: dict[int, list[int]] = defaultdict(list)
        for i, array in enumerate(prepared):
            where[array.shape[1]].append(i)
        out = np.zeros((len(prepared), 7 + self.embedding_size))
        for rows in where.values():
            stacked = np.stack([prepared[i] for i in rows])  # (texts of one bucket, 2, bucket)
            out[rows] = in_fixed_rows(stacked, self._rows, self._forward, self._device)
        return split(out)

    def _forward(self, prepared: torch.Tensor) -> torch.Tensor:
        assert self._network is not None
        logits, means = self._network(prepared)  # (rows, 7), (rows, hidden)
        return joined(logits, self._temperature, means)


def _checked(path: Path, config: dict[str, object]) -> Path:
    """Return ``path`` after comparing it with the hash in the card."""
    if not path.exists():
        raise ModelError(f"{path} is missing beside its card")
    if hashlib.sha256(path.read_bytes()).hexdigest() != config.get("tokenizer_sha256"):
        raise ModelError(f"{path} does not match the sha256 of its card: fetch it again")
    return path
