"""A transformers classifier of any modality as seven probabilities."""

from collections.abc import Callable
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn
from transformers.utils import logging

from affectstream.models.batching import in_fixed_rows
from affectstream.models.hub.labels import LabelMap, label_map, lifted
from affectstream.models.hub.snapshot import Snapshot
from affectstream.models.protocol import Array, Predictions
from affectstream.schemas.errors import ModelError

ONE = 1
"""Input of one pass. In a transformer's products the place of a row in its batch can change the last bits,
even at a fixed shape, since kernels treat the end of a tile apart: alone, an input has one place."""
NOT_TRAINED = ("masked_spec_embed",)  # used in training only, and often not stored

Forward = Callable[[nn.Module, torch.Tensor], torch.Tensor]  # a stacked batch to logits (rows, labels)
FAULTS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    ImportError,
    RuntimeError,
    SafetensorError,
    StrictDataclassError,  # config.json holds a value of another type
)


class Classifier:
    """The network of a snapshot and where its labels belong."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Read the labels; raises ModelError."""
        self._snapshot = snapshot
        self._labels = labels_of(snapshot)
        self._device = "cpu"
        self._network: nn.Module | None = None

    def load(self, auto: Any, device: str) -> None:
        """Read the weights with a transformers auto class, onto ``device``; raises ModelError."""
        name = self._snapshot.model_id
        logging.disable_progress_bar()  # a worker's standard error carries its log
        try:
            network, report = auto.from_pretrained(
                self._snapshot.folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
        except FAULTS as error:
            raise ModelError(
                f"{name} cannot be loaded as the kind of model this modality needs ({type(error).__name__}): "
                "see that its config.json names a classifier and that its files are whole"
            ) from error
        missing = [key for key in report["missing_keys"] if not key.endswith(NOT_TRAINED)]
        if missing or report["mismatched_keys"]:
            first = next(iter(missing), "one of another shape")
            raise ModelError(
                f"{name} lacks weights of its own network ({first}): they would be random, so it is refused"
            )
        if int(network.config.num_labels) != len(self._labels.targets):
            raise ModelError(f"{name} has {network.config.num_labels} outputs and another number of labels")
        try:
            self._network, self._device = network.eval().to(device), device
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            raise ModelError(f"{name} cannot be moved to the device {device!r}: is it there?") from error

    def require_answer(self, answer: Callable[[], Predictions]) -> None:
        """Raise ModelError where the network cannot read what its own preprocessing makes."""
        try:
            answer()
        except (*FAULTS, IndexError) as error:
            raise ModelError(
                f"{self._snapshot.model_id} cannot read what its own preprocessing makes "
                f"({type(error).__name__}): its files are not of one model"
            ) from error

    def predict(self, stacked: Array, forward: Forward) -> Predictions:
        """Return the predictions for inputs stacked along axis 0; the same bits in any batch."""
        if self._network is None:
            raise ModelError("the hub model was asked for an answer before load()")
        if not len(stacked):
            return Predictions.empty()
        network = self._network

        def shares(batch: torch.Tensor) -> tuple[torch.Tensor]:
            logits = forward(network, batch).to(torch.float64)
            return (torch.sigmoid(logits) if self._labels.independent else torch.softmax(logits, dim=1),)

        (outputs,) = in_fixed_rows(stacked, ONE, shares, self._device)
        return lifted(outputs, self._labels)


def labels_of(snapshot: Snapshot) -> LabelMap:
    """Return where the labels of ``id2label`` belong; raises ModelError where they cannot be told.

    Where the configuration has only LABEL_0 and so on, the order that is known of the model is taken.
    """
    found = snapshot.config.get("id2label")
    names = _named(found, snapshot.model_id) if isinstance(found, dict) else []
    if all(name.upper().startswith("LABEL_") for name in names):
        order = snapshot.known.labels if snapshot.known else ()
        if not order or (names and len(order) != len(names)):
            raise ModelError(
                f"{snapshot.model_id} does not name its labels: in a local copy, write them into id2label of "
                "config.json in the order of its outputs"
            )
        names = list(order)
    several = snapshot.config.get("problem_type") == "multi_label_classification"
    return label_map(names, independent=several)


def _named(found: dict[str, Any], model_id: str) -> list[str]:
    """Return the names in the order of the outputs; raises ModelError where an output has none."""
    outputs = [str(i) for i in range(len(found))]
    if set(outputs) != set(found):
        raise ModelError(
            f"id2label in config.json of {model_id} must name the outputs 0 to {len(found) - 1}, not "
            f"{', '.join(list(found)[:8])}"
        )
    return [str(found[key]) for key in outputs]


def reader_of(auto: Any, snapshot: Snapshot) -> Any:
    """Return the processor or tokenizer of a snapshot; raises ModelError."""
    try:
        return auto.from_pretrained(snapshot.folder, local_files_only=True, trust_remote_code=False)
    except FAULTS as error:
        raise ModelError(
            f"{snapshot.model_id} lacks the files of its {auto.__name__.removeprefix('Auto').lower()} "
            f"({type(error).__name__}): fetch the whole model, or choose another"
        ) from error
