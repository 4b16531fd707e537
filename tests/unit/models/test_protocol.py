"""Every model, shipped or named by a setting, is one protocol; an absent device is a model error."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from affectstream.models.face.model import FaceModel
from affectstream.models.hub.face import HubFace
from affectstream.models.hub.onnx_face import OnnxFaceModel
from affectstream.models.hub.text import HubText
from affectstream.models.hub.voice import HubVoice
from affectstream.models.protocol import EmotionModel
from affectstream.models.text.model import TextModel
from affectstream.models.voice.model import VoiceModel
from affectstream.schemas.errors import ModelError

SHIPPED: tuple[Callable[[], EmotionModel], ...] = (FaceModel, VoiceModel, TextModel)
ALL: tuple[type[EmotionModel], ...] = (  # that they fit is for mypy to say; that they have the names, for us
    *(FaceModel, VoiceModel, TextModel),
    *(HubFace, HubVoice, HubText, OnnxFaceModel),
)


@pytest.mark.parametrize("kind", ALL)
def test_every_model_loads_and_predicts_by_the_same_names(kind: type[EmotionModel]) -> None:
    assert callable(kind.load)
    assert callable(kind.predict)


@pytest.mark.parametrize("made", SHIPPED)
@pytest.mark.parametrize("device", ["warp", "xpu", ""])
def test_a_device_that_is_not_there_is_a_model_error(made: Callable[[], EmotionModel], device: str) -> None:
    if device == "xpu" and torch.xpu.is_available():
        pytest.skip("here is such a device")
    with pytest.raises(ModelError, match=r"safetensors cannot be used on "):
        made().load(device)


def test_the_convolutions_of_the_face_lie_channels_last() -> None:
    face = FaceModel()
    face.load("cpu")
    assert face._network is not None
    kernels = [m.weight for m in face._network.modules() if isinstance(m, nn.Conv2d)]
    assert kernels
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
