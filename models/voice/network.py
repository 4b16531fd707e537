"""The voice network: the first blocks of Whisper's encoder, statistics over time, small heads."""

from typing import Final

import torch
from torch import Tensor, nn

from affectstream.models.voice.encoder import SpeechEncoder
from affectstream.schemas.labels import N_EMOTIONS

WIDTH: Final = 384  # of Whisper tiny
ATTENTION_HEADS: Final = 6
BLOCKS: Final = 2
DIRECTIONS: Final = 32
LOUD: Final = 0.5  # 20 dB, in the quarters of a power of ten that features are in
LEAST_VARIANCE: Final = 1e-8  # keeps the slope of the root finite
QUANTILE: Final = 0.99
FACTOR: Final = 1.5


def embedding_size(width: int = WIDTH, blocks: int = BLOCKS) -> int:
    """Return the number of statistics: mean and deviation over time of every feature of every block."""
    return 2 * width * blocks


def loud(x: Tensor) -> Tensor:
    """Tell which positions (batch, time) of log-mel windows (batch, 80, 2 time) lie near the loudest bin.

    Pauses and what a short window is padded with are as long as a corpus has them; they say nothing of how
    something is spoken.
    """
    level = x.amax(dim=1).view(len(x), -1, 2).amax(dim=2)
    return level > level.amax(dim=1, keepdim=True) - LOUD


def statistics(blocks: list[Tensor], chosen: Tensor) -> Tensor:
    """Return means and deviations (batch, size) of the blocks' outputs (batch, time, width).

    They are taken over the ``chosen`` positions (batch, time), of which a row has one or more.
    """
    share = (chosen.float() / chosen.sum(dim=1, keepdim=True))[:, None]  # (batch, 1, time)
    found = []
    for x in blocks:
        mean = share @ x  # (batch, 1, width)
        found += [mean, (share @ (x - mean).square()).clamp_min(LEAST_VARIANCE).sqrt()]
    return torch.cat(found, dim=2)[:, 0]


class Domain(nn.Module):
    """How far statistics lie from those of the speech in training.

    The mean square along the directions that vary most in training, in units of their variance there, plus
    what lies outside of them in units of its own (Moghaddam & Pentland, "Probabilistic Visual Learning for
    Object Representation", 1997). Speech in training has a distance of about 2.
    """

    middle: Tensor
    spread: Tensor
    axes: Tensor
    rest: Tensor
    limits: Tensor

    def __init__(self, size: int, directions: int = DIRECTIONS) -> None:
        """Make a domain in which everything lies; its buffers are those of ``fitted_domain``."""
        super().__init__()
        self.register_buffer("middle", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        self.register_buffer("axes", torch.zeros(directions, size))  # rows of length 1 / deviation
        self.register_buffer("rest", torch.tensor(1e30))  # mean square outside of the axes
        self.register_buffer("limits", torch.tensor([1.0, 2.0]))  # distances where doubt begins and is whole

    def distance(self, x: Tensor) -> Tensor:
        """Map statistics (batch, size) to their distance (batch,)."""
        x = (x - self.middle) / self.spread
        along = x @ self.axes.T  # (batch, directions), of unit variance in training
        deviations = self.axes.square().sum(dim=1).rsqrt().nan_to_num(posinf=0.0)
        outside = x.square().sum(dim=1) - (along * deviations).square().sum(dim=1)
        return along.square().mean(dim=1) + outside / self.rest

    def forward(self, x: Tensor) -> Tensor:
        """Map statistics (batch, size) to the share (batch,) in [0, 1] to which they are no known speech."""
        begin, whole = self.limits.unbind()
        return ((self.distance(x) - begin) / (whole - begin)).clamp(0, 1)


def fitted_domain(x: Tensor, quantile: float = QUANTILE, factor: float = FACTOR) -> Domain:
    """Return the domain of ``x`` (n, size); doubt begins at ``quantile`` of their distances."""
    domain = Domain(x.shape[1])
    domain.middle, domain.spread = x.mean(dim=0), x.std(dim=0) + 1e-3
    scaled = (x - domain.middle) / domain.spread
    variances, vectors = torch.linalg.eigh(scaled.T @ scaled / len(x))  # rising
    largest = variances[-DIRECTIONS:]
    domain.axes = (vectors[:, -DIRECTIONS:] / largest.sqrt()).T.contiguous()
    domain.rest = variances[:-DIRECTIONS].sum()
    begin = torch.quantile(domain.distance(x), quantile)
    domain.limits = torch.stack([begin, factor * begin])
    return domain


class Heads(nn.Module):
    """Small networks that read the same statistics, their log probabilities averaged."""

    def __init__(self, size: int, members: int, hidden: int, dropout: float = 0.5) -> None:
        """Take the number of statistics, which are standardised as they were in training."""
        super().__init__()
        self.domain = Domain(size)
        self.norm = nn.BatchNorm1d(size, affine=False, momentum=0.05)
        self.members = nn.ModuleList(
            nn.Sequential(
                nn.Dropout(0.6 * dropout),
                nn.Linear(size, hidden),
                nn.GELU(),
                nn.Dropout(dropout),
                nn.Linear(hidden, N_EMOTIONS),
            )
            for _ in range(members)
        )

    def forward(self, x: Tensor, offset: Tensor | None = None) -> Tensor:
        """Map statistics (batch, size) to the mean of the members' log probabilities (batch, 7).

        In training, ``offset`` (batch, 7) is added to the logits, and those of every member are returned
        (batch * members, 7), a row's members together.
        """
        x = self.norm(x)
        each = torch.stack([member(x) for member in self.members], dim=1)  # (batch, members, 7)
        if self.training and offset is not None:
            return (each + offset[:, None]).flatten(0, 1)
        return each.log_softmax(dim=2).mean(dim=1)


class VoiceNet(nn.Module):
    """Seven log probabilities from a two-second log-mel window."""

    def __init__(self, members: int, hidden: int, dropout: float = 0.5) -> None:
        """Make an untrained network: the encoder's size is fixed, that of the heads is given."""
        super().__init__()
        self.encoder = SpeechEncoder(WIDTH, ATTENTION_HEADS, BLOCKS)
        self.heads = Heads(embedding_size(WIDTH, BLOCKS), members, hidden, dropout)

    def forward(self, x: Tensor, offset: Tensor | None = None) -> Tensor:
        """Map (batch, 80, 200) to the mean of the heads' log probabilities (batch, 7).

        In training, ``offset`` (batch, 7) is added to the logits, and those of every head are returned
        (batch * members, 7).
        """
        logits: Tensor = self.heads(self.statistics(x), offset)
        return logits

    def statistics(self, x: Tensor) -> Tensor:
        """Map (batch, 80, 200) to the statistics (batch, 1536) that the heads read.

        The encoder computes in its own number type, the rest in float32.
        """
        blocks = [block.float() for block in self.encoder(x.to(self.encoder.positions.dtype))]
        return statistics(blocks, loud(x))

    def with_evidence(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what ``forward`` does, statistics (batch, 1536) and the shares (batch,) out of domain."""
        found = self.statistics(x)
        return self.heads(found), found, self.heads.domain(found)
