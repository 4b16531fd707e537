"""Licences of every model and corpus in use, and whether commercial use is permitted.

A shipped model permits what all corpora permit that it was trained on, whatever the licence of the weights. A
hub model is listed as its owner licenses it; what is known of its training data stands in the note.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from affectstream.lab.datasets.catalogue import named_in
from affectstream.models.fusion.network_rule import FORWARD, file_of
from affectstream.models.fusion.parameters import LICENCE, SHIPPED
from affectstream.models.hub.known import is_local, known, onnx_face
from affectstream.models.weights import FOLDER, Card, detector_file, read_card
from affectstream.schemas.errors import PolicyError
from affectstream.schemas.messages import MODALITIES, Modality

OWN_SENTENCES = "sentences of service calls"  # lab/calls/sentences.csv
UNKNOWN = "not known here: read its card"
BY_NAME = "known by the name of its file"
CASCADE = "haarcascade_frontalface_alt2.xml"


@dataclass(frozen=True)
class Licensed:
    """One line of ``affectstream licences``."""

    kind: Literal["shipped model", "hub model", "detector", "recogniser", "fitted fusion", "training corpus"]
    name: str
    modality: str
    licence: str
    commercial: bool | None  # None: not stated, ask the owner
    note: str = ""


def in_use(chosen: Mapping[Modality, str], folder: Path = FOLDER) -> tuple[Licensed, ...]:
    """Return the models that a run with these settings uses, and the corpora that they were trained on.

    ``chosen`` is the setting ``model`` of each modality; empty or absent: the shipped model, if there is one.
    Raises ModelError for a card that cannot be read.
    """
    lines: list[Licensed] = []
    for modality in MODALITIES:
        source = chosen.get(modality, "")
        lines += [_hub(source, modality)] if source else _shipped(modality, folder)
    return tuple(dict.fromkeys(lines))


def fusion_in_use(rule: str, own: Path | None, folder: Path = FOLDER) -> tuple[Licensed, ...]:
    """Return the shipped files that fusion by ``rule`` reads: the fitted one, unless ``own`` takes its place.

    Whatever the rule, trust by class comes from that file. A file of one's own is under one's own licence.
    """
    names = [] if own is not None else [SHIPPED.name]
    names += [file_of(rule)] if rule in FORWARD else []
    there = (name for name in names if (folder / name).exists())
    return tuple(Licensed("fitted fusion", n, " and ".join(MODALITIES), LICENCE, False) for n in there)


def detector_in_use(yunet: Path | None) -> Licensed:
    """Return what finds the faces: YuNet, known by its file's name, else BlazeFace, else OpenCV's cascade."""
    if yunet is None and detector_file():
        return Licensed("detector", "BlazeFace short range (MediaPipe)", "video", "Apache-2.0", True)
    if yunet is None:
        return Licensed("detector", CASCADE, "video", "BSD-like (Intel, as the head of the file says)", True)
    if "yunet" in yunet.name.lower():
        return Licensed("detector", yunet.name, "video", "MIT", True, BY_NAME)
    return Licensed("detector", yunet.name, "video", UNKNOWN, None)


def recogniser_in_use(enabled: bool, source: str) -> tuple[Licensed, ...]:
    """Return what recognises words, by the settings asr.enabled and asr.model."""
    if not enabled:
        return ()
    speech = Licensed("detector", "Silero VAD", "text", "MIT", True)
    if source:
        return speech, Licensed("recogniser", source, "text", UNKNOWN, None)
    return speech, Licensed("recogniser", "Whisper tiny.en (OpenAI)", "text", "MIT", True)


def refused(lines: Iterable[Licensed]) -> tuple[Licensed, ...]:
    """Return those that commerce may not use: not permitted, or not known to be."""
    return tuple(line for line in lines if line.commercial is not True)


def require_commercial(lines: Iterable[Licensed]) -> None:
    """Raise PolicyError, naming them, where some are not known to permit commercial use."""
    found = refused(lines)
    if found:
        named = "; ".join(f"{line.name} ({line.licence})" for line in found)
        raise PolicyError(
            f"{len(found)} of the models and corpora in use are not known to permit commercial use: {named}. "
            "Ask their owners, or name other models in video.model, audio.model, text.model and "
            "video.yunet_path, and in fusion.fitted a file that was fitted on other data"
        )


def notice(model_ids: Iterable[str], folder: Path = FOLDER) -> str:
    """Return a sentence on the shipped models among ``model_ids`` that commerce may not use, or none."""
    wanted = {model_id.partition("+")[0] for model_id in model_ids}  # behind it stands the prior
    found = refused(
        _model(card, [_corpus(line, card.modality) for line in card.data])
        for card in _cards(folder)
        if card.model_id in wanted
    )
    if not found:
        return ""
    named = ", ".join(line.name for line in found)
    return f"Not for commercial use: made with {named}. `affectstream licences` lists the terms."


def _hub(source: str, modality: Modality) -> Licensed:
    file = onnx_face(source) if source.lower().endswith(".onnx") else None
    if file is not None:
        note = f"{BY_NAME}; {file.note}"
        return Licensed("hub model", Path(source).name, modality, file.licence, True, note)
    model = known(source)
    if model is None:
        return Licensed("hub model", source, modality, UNKNOWN, None)
    notes = ("known by the name of its folder" if is_local(source) else "", model.note)
    note = "; ".join(filter(None, notes))
    return Licensed("hub model", source, modality, model.licence, model.commercial, note)


def _shipped(modality: Modality, folder: Path) -> list[Licensed]:
    """Return the shipped model of a modality and its corpora; nothing where no card is there."""
    lines: list[Licensed] = []
    for card in _cards(folder):
        if card.modality == modality:
            data = [_corpus(line, modality) for line in card.data]
            lines += [_model(card, data), *data]
    return lines


def _cards(folder: Path) -> list[Card]:
    paths = sorted(folder.glob("*.safetensors"))
    return [read_card(path.stem, folder) for path in paths if path.with_suffix(".json").exists()]


def _model(card: Card, data: list[Licensed]) -> Licensed:
    """Return the line of a model: it permits what all its corpora permit."""
    verdicts = {line.commercial for line in data}
    verdict = False if False in verdicts else None if None in verdicts or not data else True
    return Licensed("shipped model", card.model_id, card.modality, card.licence, verdict)


def _corpus(line: str, modality: str) -> Licensed:
    if line.startswith(OWN_SENTENCES):
        return Licensed("training corpus", OWN_SENTENCES, modality, "Apache-2.0", True, "written here")
    corpus = named_in(line)
    if corpus is None:
        return Licensed("training corpus", line, modality, "not in the catalogue", None)
    return Licensed("training corpus", corpus.title, modality, corpus.licence, corpus.commercial)
