"""The shipped text model: tokens in, calibrated predictions out."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from affectstream.models.batching import calibrated, in_fixed_rows, product_type
from affectstream.models.protocol import Array, Predictions
from affectstream.models.text.network import TextNetwork, unpacked
from affectstream.models.text.tokenise import BUCKETS, MAX_TURNS, Tokeniser
from affectstream.models.weights import FOLDER, Card, checked_file, read_card
from affectstream.schemas.errors import InputError, ModelError
from affectstream.schemas.labels import N_EMOTIONS


class TextModel:
    """Predicts seven calibrated probabilities for utterances with up to two turns of context."""

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
        self._network: TextNetwork | None = None
        self._by_turns = torch.tensor(temperatures_by_turns(card), dtype=torch.float64)

    def load(self, device: str) -> None:
        """Read the weights onto ``device``; raises ModelError."""
        path, card = checked_file(self._name, self._folder)
        try:
            weights = {name: tensor.to(device) for name, tensor in unpacked(load_file(path)).items()}
            self._network = TextNetwork(weights, card.config["encoder"], product_type(device))
        except (KeyError, TypeError, RuntimeError, ValueError, AssertionError) as error:
            raise ModelError(f"{path} cannot be used on {device!r} with the network of its card") from error
        self._by_turns = self._by_turns.to(device)
        self._device = device

    def prepare(self, text: str, context: Sequence[str] = ()) -> Array:
        """Return ids and segments (2, bucket) of an utterance and the turns before it, oldest first."""
        return self._tokeniser.prepare(text, context)

    def known_share(self, text: str) -> float:
        """Return the share of word pieces of ``text`` that the vocabulary holds; 0 for no text."""
        return self._tokeniser.known_share(text)

    def temperatures(self, prepared: Sequence[Array]) -> Array:
        """Return the temperatures (n, 1) of prepared texts: each has that of its number of turns."""
        own = [self._temperatures(torch.from_numpy(array[None]).to(self._device)) for array in prepared]
        return torch.cat(own).cpu().numpy()

    @property
    def embedding_size(self) -> int:
        """Return the width of the encoder."""
        return int(self._config["encoder"]["hidden_size"])

    def predict(self, prepared: Sequence[Array]) -> Predictions:
        """Return the predictions for prepared texts; embeddings are the means of the utterances' last states.

        Every text is computed at the length of its own bucket, whatever the others' are.
        """
        if self._network is None:
            raise ModelError("load() must come before predict() of the text model")
        if any(a.ndim != 2 or a.shape[0] != 2 or a.shape[1] not in BUCKETS for a in prepared):
            raise InputError(f"a text must be prepared as ids and segments (2, one of {BUCKETS})")
        where: dict[int, list[int]] = defaultdict(list)
        for i, array in enumerate(prepared):
            where[array.shape[1]].append(i)
        p = np.zeros((len(prepared), N_EMOTIONS))
        embeddings = np.zeros((len(prepared), self.embedding_size), np.float32)
        for rows in where.values():
            stacked = np.stack([prepared[i] for i in rows])  # (texts of one bucket, 2, bucket)
            p[rows], embeddings[rows] = in_fixed_rows(stacked, self._rows, self._forward, self._device)
        return Predictions.of(p, embeddings)

    def _forward(self, prepared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        assert self._network is not None
        logits, means = self._network(prepared)  # (rows, 7), (rows, hidden)
        return calibrated(logits, self._temperatures(prepared)), means.float()

    def _temperatures(self, prepared: torch.Tensor) -> torch.Tensor:
        ids, segments = prepared[:, 0], prepared[:, 1]
        turns = ((ids == self._tokeniser.sep) & (segments == 1)).sum(dim=1)  # a separator ends each
        return self._by_turns[turns.clamp(max=MAX_TURNS), None]


def temperatures_by_turns(card: Card) -> list[float]:
    """Return the temperatures of an utterance after no, one and two turns of context.

    The less of a dialogue the network has read, the surer of itself it is without reason. A card that names
    no such temperatures has one for all. Raises ModelError for another number of them.
    """
    found: list[float] = card.config.get("temperatures_by_turns", [card.temperature] * (MAX_TURNS + 1))
    if len(found) != MAX_TURNS + 1:
        raise ModelError(f"the card of {card.model_id} needs {MAX_TURNS + 1} temperatures by turns: {found}")
    return found


def _checked(path: Path, config: dict[str, object]) -> Path:
    """Return ``path`` after comparing it with the hash in the card."""
    if not path.exists():
        raise ModelError(f"{path} is missing beside its card")
    if hashlib.sha256(path.read_bytes()).hexdigest() != config.get("tokenizer_sha256"):
        raise ModelError(f"{path} does not match the sha256 of its card: fetch it again")
    return path
