"""The model that a setting names, for each modality.

A worker asks here only where ``video.model``, ``audio.model`` or ``text.model`` is set: empty is the shipped
model, and needs neither transformers nor the hub.
"""

from affectstream.models.hub.face import HubFace
from affectstream.models.hub.onnx_face import OnnxFaceModel
from affectstream.models.hub.snapshot import fetch
from affectstream.models.hub.text import HubText
from affectstream.models.hub.voice import HubVoice


def face(source: str, revision: str | None = None) -> HubFace | OnnxFaceModel:
    """Return the face model of a hub id, a local folder or an ONNX file; load() comes next.

    ``revision`` is a commit, tag or branch, or for local files the beginning of their sha256. Raises
    ModelError and Unavailable.
    """
    if source.lower().endswith(".onnx"):
        return OnnxFaceModel(source, revision)
    return HubFace(fetch(source, revision))


def voice(source: str, revision: str | None = None) -> HubVoice:
    """Return the speech model of a hub id or a local folder; see ``face``."""
    return HubVoice(fetch(source, revision))


def text(source: str, revision: str | None = None) -> HubText:
    """Return the text model of a hub id or a local folder; see ``face``."""
    return HubText(fetch(source, revision))
