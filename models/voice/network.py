"""The voice network: a small residual CNN with attentive statistics.

Residual blocks with squeeze-and-excitation (Hu et al., CVPR 2018) over the log-mel image, then attentive
statistics pooling over time (Okabe et al., Interspeech 2018) as in speaker recognition.
"""

from collections.abc import Iterable
from typing import Final, cast

import torch
from torch import Tensor, nn

BANDS: Final = 4  # what is left of the 64 mel bands after the strides


def embedding_size(members: int, width: int) -> int:
    """Return the size of the embedding of ``members`` networks: means and deviations per channel."""
    return members * 2 * 8 * width * BANDS


class SqueezeExcite(nn.Module):
    """Scales every channel by a gate computed from the whole window."""

    def __init__(self, channels: int) -> None:
        """Make the two layers of the gate."""
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(channels, channels // 4), nn.SiLU(), nn.Linear(channels // 4, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, mels, frames) onto itself."""
        share: Tensor = self.gate(x.mean(dim=(2, 3)))
        return x * share[:, :, None, None]


class Block(nn.Module):
    """Two 3x3 convolutions with a residual shortcut."""

    def __init__(self, before: int, after: int, stride: tuple[int, int]) -> None:
        """Take ``stride`` in (mels, frames)."""
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
        )
        self.second = nn.Sequential(
            nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after), SqueezeExcite(after)
        )
        self.cut: nn.Module = nn.Identity()
        if before != after or stride != (1, 1):
            self.cut = nn.Sequential(
                nn.AvgPool2d(stride, stride, ceil_mode=True),
                nn.Conv2d(before, after, 1, bias=False),
                nn.BatchNorm2d(after),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output with the strides taken."""
        return torch.relu_(self.second(self.first(x)) + self.cut(x))


class AttentiveStatistics(nn.Module):
    """Mean and standard deviation over time, each frame and channel weighted by attention."""

    def __init__(self, channels: int, hidden: int = 64) -> None:
        """Make the attention's two layers."""
        super().__init__()
        self.attention = nn.Sequential(
            nn.Conv1d(channels, hidden, 1), nn.Tanh(), nn.Conv1d(hidden, channels, 1), nn.Softmax(dim=2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, frames) to (batch, 2 * channels)."""
        weights = self.attention(x)
        mean = (x * weights).sum(dim=2)
        variance = (x * x * weights).sum(dim=2) - mean * mean
        return torch.cat([mean, variance.clamp(min=1e-4).sqrt()], dim=1)


class VoiceNet(nn.Module):
    """Logits of the seven emotions from a two-second log-mel window."""

    def __init__(self, width: int = 16, dropout: float = 0.3) -> None:
        """Take the channels of the first stage; the others have 2, 4 and 8 times as many."""
        super().__init__()
        size = embedding_size(1, width)
        self.stem = nn.Sequential(
            nn.Conv2d(1, width, 5, 2, 2, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.body = nn.Sequential(
            Block(width, width, (1, 1)),
            Block(width, 2 * width, (2, 2)),
            Block(2 * width, 4 * width, (2, 2)),
            Block(4 * width, 8 * width, (2, 1)),
        )
        self.pool = AttentiveStatistics(size // 2)
        self.head = nn.Sequential(nn.BatchNorm1d(size), nn.Dropout(dropout), nn.Linear(size, 7))

    def embed(self, x: Tensor) -> Tensor:
        """Map (batch, 1, 64, 126) to embeddings (batch, 1024), with the default width."""
        x = self.stem(x)  # (batch, 16, 32, 63)
        x = self.body(x)  # (batch, 128, 4, 16)
        pooled: Tensor = self.pool(x.flatten(1, 2))  # pooled from (batch, 512, 16)
        return pooled

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, 1, 64, 126) to logits (batch, 7)."""
        logits: Tensor = self.head(self.embed(x))
        return logits


class VoiceEnsemble(nn.Module):
    """Networks trained from different seeds, their log probabilities averaged."""

    def __init__(self, members: int, width: int = 16) -> None:
        """Make ``members`` untrained networks."""
        super().__init__()
        self.members = nn.ModuleList(VoiceNet(width) for _ in range(members))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, 1, 64, 126) to the mean of the members' log probabilities (batch, 7)."""
        return self.with_embeddings(x)[0]

    def with_embeddings(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of ``forward`` and the members' embeddings, concatenated.

        Not their mean: networks from different seeds do not number their features alike.
        """
        networks = cast(Iterable[VoiceNet], self.members)
        pairs = [(network.head, network.embed(x)) for network in networks]
        log_p = [head(embedding).log_softmax(dim=1) for head, embedding in pairs]
        return torch.stack(log_p).mean(dim=0), torch.cat([embedding for _, embedding in pairs], dim=1)
