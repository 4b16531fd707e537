"""CLIP's image encoder, frozen, with a head over the mean of its frames.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021; used over
the frames of an utterance as in the reference system for MELD (004).
"""

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import CLIPVisionModelWithProjection

from affectstream.models.hub.snapshot import fetch
from affectstream.schemas.errors import ModelError
from affectstream.schemas.labels import N_EMOTIONS

MEAN = (0.48145466, 0.4578275, 0.40821073)  # RGB in [0, 1], of CLIP's training
STD = (0.26862954, 0.26130258, 0.27577711)
WIDTH = 512  # of the projection of ViT-B
HIDDEN = 256


class ClipFrames(nn.Module):
    """Frames (n, t, 3, h, w), 0 to 255, to the mean of their features (n, 512); nothing of it trains."""

    def __init__(self, encoder: Any) -> None:
        """Take a CLIPVisionModelWithProjection."""
        super().__init__()
        self.encoder = encoder.eval().requires_grad_(False)
        self.side = int(encoder.config.image_size)
        self.width = int(encoder.config.projection_dim)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> "ClipFrames":
        """Stay as it is: a frozen encoder has no training mode."""
        return super().train(False)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the features, the mean over the frames."""
        n, t = frames.shape[:2]
        x = frames.flatten(0, 1).to(torch.float32)  # (n * t, 3, h, w)
        x = nn.functional.interpolate(x, size=self.side, mode="bicubic", align_corners=False, antialias=True)
        x = (x.clamp(0.0, 255.0) / 255.0 - cast(Tensor, self.mean)) / cast(Tensor, self.std)
        with torch.no_grad():
            features = self.encoder(pixel_values=x).image_embeds  # (n * t, 512)
        return cast(Tensor, features.view(n, t, self.width).mean(dim=1))


class FeatureHead(nn.Module):
    """Features (n, width), standardised, to 256 and to seven logits (n, 7)."""

    def __init__(self, width: int = WIDTH, dropout: float = 0.3) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, affine=False)  # its statistics are those of the training part
        self.layers = nn.Sequential(
            nn.Linear(width, HIDDEN), nn.ReLU(), nn.Dropout(dropout), nn.Linear(HIDDEN, N_EMOTIONS)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits."""
        return cast(Tensor, self.layers(self.norm(features)))


def clip_frames(source: str) -> ClipFrames:
    """Return the encoder of a hub id or a local folder; raises ModelError where it is no CLIP."""
    snapshot = fetch(source)
    kind = snapshot.config.get("model_type")
    if kind not in ("clip", "clip_vision_model"):
        raise ModelError(f"{source} is a model of type {kind}, not CLIP: name one such as a CLIP ViT-B/32")
    try:
        encoder, report = CLIPVisionModelWithProjection.from_pretrained(
            Path(snapshot.folder), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"the weights of {source} cannot be read as CLIP ({type(error).__name__})"
        ) from error
    if report["missing_keys"]:
        raise ModelError(f"{source} lacks weights of the image encoder: they would be random")
    return ClipFrames(encoder)


def as_frames(faces: Tensor) -> Tensor:
    """Return gray faces (n, h, w) as single frames (n, 1, 3, h, w)."""
    return faces[:, None, None].expand(-1, 1, 3, -1, -1)
