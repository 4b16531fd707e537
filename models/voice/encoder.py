"""The first layers of a Whisper encoder over two seconds of speech.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", ICML 2023: two convolutions over
log-mel frames, sinusoidal positions, pre-norm transformer blocks. The first blocks carry how something is
spoken; what is spoken is worked out by the later ones, which are left away.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from affectstream.models.voice.features import FRAMES, N_MELS

POSITIONS = FRAMES // 2


class Attention(nn.Module):
    """Self-attention of several heads; queries, keys and values come from one product."""

    def __init__(self, width: int, heads: int) -> None:
        """Take the ``width`` of a position."""
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, positions, width) onto itself."""
        batch, positions, width = x.shape
        split = self.qkv(x).view(batch, positions, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(split[0], split[1], split[2])
        joined: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, positions, width))
        return joined


class Block(nn.Module):
    """One pre-norm transformer block."""

    def __init__(self, width: int, heads: int) -> None:
        """Take the ``width`` of a position; the inner layer has four times as much."""
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.inner_norm = nn.LayerNorm(width)
        self.inner = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, positions, width) onto itself."""
        x = x + self.attention(self.attention_norm(x))
        return x + self.inner(self.inner_norm(x))  # type: ignore[no-any-return]


class SpeechEncoder(nn.Module):
    """Log-mel frames to the outputs of every block."""

    positions: Tensor

    def __init__(self, width: int, heads: int, blocks: int) -> None:
        """Make an encoder with random weights; 384 wide with 6 heads is that of Whisper tiny."""
        super().__init__()
        self.first = nn.Conv1d(N_MELS, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.register_buffer("positions", torch.zeros(POSITIONS, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (batch, 80, 200) to one (batch, 100, width) per block."""
        x = functional.gelu(self.second(functional.gelu(self.first(x))))
        x = x.transpose(1, 2) + self.positions
        found = []
        for block in self.blocks:
            x = block(x)
            found.append(x)
        return found
