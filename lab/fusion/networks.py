"""Three networks that fuse embeddings, each after one of the reference systems.

What all of them read, per modality of ``schemas.messages``: a standardised row (n, size) of the embedding
with the seven log probabilities after it, and a flag (n, 3) that says whether the modality is there. Quality
is no input: it is not the same number in a call and in a corpus. What a modality that is not there holds has
no influence: its projection, bias included, is replaced by zeros, so that the flags are inputs too.

Beside every network a straight path adds the log probabilities, scaled per modality and class, to its logits:
the network begins as a log pool and learns what embeddings say beyond that. The systems have no such path.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

M = len(MODALITIES)
Rows = Sequence[Tensor]  # per modality (n, its size)


class Projections(nn.ModuleDict):
    """One dense layer per modality, all to the same width."""

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        """Take the sizes of the rows."""
        super().__init__({m: nn.Linear(size, width) for m, size in zip(MODALITIES, sizes, strict=True)})

    def of(self, rows: Rows, flags: Tensor) -> list[Tensor]:
        """Return per modality (n, width), zeros where it is not there."""
        there = flags.unbind(dim=1)
        shown = [torch.where(f[:, None], row, 0.0) for f, row in zip(there, rows, strict=True)]
        return [torch.where(f[:, None], self[m](x), 0.0) for f, x, m in zip(there, shown, self, strict=True)]


class Straight(nn.Module):
    """The log probabilities of the modalities that are there, each times a number and plus another."""

    def __init__(self) -> None:
        """Begin with nothing; ``begin`` makes it a log pool."""
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(M, N_EMOTIONS))
        self.bias = nn.Parameter(torch.zeros(M, N_EMOTIONS))

    def begin(self, means: Tensor, deviations: Tensor) -> None:
        """Undo the standardisation (3, 7) of the log probabilities: what is added is their sum."""
        with torch.no_grad():
            self.weight.copy_(deviations)
            self.bias.copy_(means)

    def forward(self, rows: Rows, flags: Tensor) -> Tensor:
        """Return what is added to the logits (n, 7)."""
        log_p = torch.stack([row[:, -N_EMOTIONS:] for row in rows], dim=1)  # (n, 3, 7)
        return torch.where(flags[:, :, None], log_p * self.weight + self.bias, 0.0).sum(dim=1)


class Concat(nn.Module):
    """System 003: the concatenated features through a dense layer to seven logits.

    sum(sizes) -> width -> 7. A dense layer on a concatenation is the sum of one dense layer per part.
    """

    def __init__(self, sizes: Sequence[int], width: int = 256, dropout: float = 0.4) -> None:
        """Make an untrained network."""
        super().__init__()
        self.project = Projections(sizes, width)
        self.out = nn.Linear(width, N_EMOTIONS)
        self.straight = Straight()
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: Rows, flags: Tensor) -> Tensor:
        """Return logits (n, 7)."""
        hidden = torch.relu(torch.stack(self.project.of(rows, flags)).sum(dim=0))
        return cast(Tensor, self.out(self.dropout(hidden)) + self.straight(rows, flags))


class CrossAttention(nn.Module):
    """System 000: modalities are tokens, each attends to the others, and a share of each makes the answer.

    Three tokens (n, 3, width); attention of ``HEADS`` heads from each token to the *other* tokens that are
    there (Tsai et al., "Multimodal Transformer", ACL 2019, with one token per modality); a residual and two
    dense layers (width -> 2 width -> width), both with layer normalisation after them; a share per token
    (softmax of one number each) pools them to (n, width) -> 7.
    """

    HEADS = 4

    def __init__(self, sizes: Sequence[int], width: int = 128, dropout: float = 0.3) -> None:
        """Make an untrained network; ``width`` is a multiple of the heads."""
        super().__init__()
        self.project = Projections(sizes, width)
        self.query, self.key, self.value, self.mix = (nn.Linear(width, width) for _ in range(4))
        self.first_norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.share = nn.Linear(width, 1)
        self.out = nn.Linear(width, N_EMOTIONS)
        self.straight = Straight()
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: Rows, flags: Tensor) -> Tensor:
        """Return logits (n, 7)."""
        tokens = torch.stack(self.project.of(rows, flags), dim=1)  # (n, 3, width)
        tokens = self.first_norm(tokens + self.dropout(self._others(tokens, flags)))
        inner = self.narrow(self.dropout(torch.relu(self.wide(tokens))))
        tokens = self.second_norm(tokens + inner)
        shares = masked_softmax(self.share(tokens)[:, :, 0], flags)  # (n, 3)
        pooled = (shares[:, :, None] * tokens).sum(dim=1)
        return cast(Tensor, self.out(self.dropout(pooled)) + self.straight(rows, flags))

    def _others(self, tokens: Tensor, flags: Tensor) -> Tensor:
        n, _, width = tokens.shape

        def heads(x: Tensor) -> Tensor:
            return x.view(n, M, self.HEADS, width // self.HEADS).transpose(1, 2)  # (n, heads, 3, size)

        query, key, value = heads(self.query(tokens)), heads(self.key(tokens)), heads(self.value(tokens))
        scores = query @ key.transpose(2, 3) / (width / self.HEADS) ** 0.5  # (n, heads, 3, 3)
        others = flags[:, None, None, :] & ~torch.eye(M, dtype=torch.bool, device=flags.device)
        seen = masked_softmax(scores, others.expand_as(scores)) @ value
        return cast(Tensor, self.mix(seen.transpose(1, 2).reshape(n, M, width)))


class EarlyLate(nn.Module):
    """System 004: early and late fusion in one ensemble with learned weights.

    Projections 3 x width. Early: 3 width -> 2 width -> width -> 7, batch normalisation, ReLU and dropout (0.4
    and 0.3) between. Late: per modality width -> width / 2 -> 7, the mean of those that are there. Logits =
    (w_e early + w_l late) / (w_e + w_l), each weight a sigmoid. The system has width 256; here it is smaller.
    """

    def __init__(self, sizes: Sequence[int], width: int = 128) -> None:
        """Make an untrained network."""
        super().__init__()
        self.project = Projections(sizes, width)
        self.early1, self.norm1 = nn.Linear(M * width, 2 * width), nn.BatchNorm1d(2 * width)
        self.early2, self.norm2 = nn.Linear(2 * width, width), nn.BatchNorm1d(width)
        self.early3 = nn.Linear(width, N_EMOTIONS)
        self.late1 = nn.ModuleDict({m: nn.Linear(width, width // 2) for m in MODALITIES})
        self.late2 = nn.ModuleDict({m: nn.Linear(width // 2, N_EMOTIONS) for m in MODALITIES})
        self.mixing = nn.Parameter(torch.zeros(2))  # of early and late, before the sigmoid
        self.straight = Straight()
        self.dropout1, self.dropout2 = nn.Dropout(0.4), nn.Dropout(0.3)

    def forward(self, rows: Rows, flags: Tensor) -> Tensor:
        """Return logits (n, 7)."""
        projected = [torch.relu(x) for x in self.project.of(rows, flags)]  # 3 x (n, width)
        x = self.dropout1(torch.relu(self.norm1(self.early1(torch.cat(projected, dim=1)))))
        early = self.early3(self.dropout2(torch.relu(self.norm2(self.early2(x)))))
        w = torch.sigmoid(self.mixing)
        mixed: Tensor = (w[0] * early + w[1] * self._late(projected, flags)) / w.sum()
        return cast(Tensor, mixed + self.straight(rows, flags))

    def _late(self, projected: Sequence[Tensor], flags: Tensor) -> Tensor:
        each = [
            self.late2[m](torch.relu(self.late1[m](x))) for m, x in zip(MODALITIES, projected, strict=True)
        ]
        there = flags.to(each[0].dtype)  # (n, 3)
        total = (torch.stack(each, dim=1) * there[:, :, None]).sum(dim=1)
        return total / there.sum(dim=1, keepdim=True).clamp_min(1.0)


KINDS: dict[str, type[Concat] | type[CrossAttention] | type[EarlyLate]] = {
    "concat": Concat,
    "cross_attention": CrossAttention,
    "early_late": EarlyLate,
}


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the softmax along the last axis over what ``mask`` lets through; zeros where that is nothing."""
    hidden = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    raised = torch.exp(hidden - hidden.amax(dim=-1, keepdim=True)) * mask
    return raised / raised.sum(dim=-1, keepdim=True).clamp_min(torch.finfo(scores.dtype).tiny)


def finished(network: nn.Module) -> nn.Module:
    """Return ``network`` as it is shipped: normalisation folded into the layers before, numbers in float16.

    It computes in float32, with numbers that float16 holds; so the file and the network are the same.
    """
    network.eval()
    if isinstance(network, EarlyLate):
        for layer, norm in (("early1", "norm1"), ("early2", "norm2")):
            folded = fuse_linear_bn_eval(getattr(network, layer), getattr(network, norm))
            setattr(network, layer, folded)
            setattr(network, norm, nn.Identity())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.half().float())
    return network
