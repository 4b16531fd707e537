"""Speech networks of the reference systems and their inputs."""

from typing import cast

import librosa
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torchvision.models import resnet18

from affectstream.schemas.labels import N_EMOTIONS

Floats = npt.NDArray[np.float32]

RATE_HZ = 22_050
MFCCS = 20
ROWS = MFCCS + 2  # and the rate of zero crossings and the RMS energy


def frame_features(samples: Floats, rate_hz: int) -> Floats:
    """Return MFCC, zero-crossing rate and RMS (22, frames), each row standardised over the clip.

    The features of the reference speech system (002): 22,050 Hz, librosa's frames of 2,048 every 512 samples.
    """
    y = librosa.resample(samples, orig_sr=rate_hz, target_sr=RATE_HZ) if rate_hz != RATE_HZ else samples
    mfcc = librosa.feature.mfcc(y=y, sr=RATE_HZ, n_mfcc=MFCCS)
    rows = np.concatenate([mfcc, librosa.feature.zero_crossing_rate(y), librosa.feature.rms(y=y)])
    deviation = rows.std(axis=1, keepdims=True)
    return np.asarray((rows - rows.mean(axis=1, keepdims=True)) / np.maximum(deviation, 1e-6), np.float32)


def _front() -> nn.Sequential:
    """Return two stages of convolution over time: (n, 22, frames) to (n, 128, frames / 4)."""
    stages: list[nn.Module] = []
    for before, after in ((ROWS, 64), (64, 128)):
        stages += [nn.Conv1d(before, after, 5, padding=2), nn.BatchNorm1d(after), nn.ReLU(), nn.MaxPool1d(2)]
    return nn.Sequential(*stages, nn.Dropout(0.2))


class SpeechCnn(nn.Module):
    """CNN (reference system 002): convolutions, mean over time, dense; (n, 22, frames) to (n, 7)."""

    def __init__(self) -> None:
        super().__init__()
        self.front = _front()
        self.head = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, N_EMOTIONS))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return cast(Tensor, self.head(self.front(x).mean(dim=2)))


class SpeechLstm(nn.Module):
    """CNN+LSTM and CNN+BiLSTM (reference systems 001, 002): the last state of each direction; to (n, 7)."""

    def __init__(self, both_ways: bool = False, units: int = 64) -> None:
        super().__init__()
        self.front = _front()
        self.lstm = nn.LSTM(128, units, batch_first=True, bidirectional=both_ways)
        self.head = nn.Linear(units * (1 + both_ways), N_EMOTIONS)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        _, (last, _) = self.lstm(self.front(x).transpose(1, 2))  # last: (directions, n, units)
        return cast(Tensor, self.head(last.transpose(0, 1).flatten(1)))


class SpeechGru(nn.Module):
    """CNN+GRU+dense (reference system 002): the last state through a dense layer; to (n, 7)."""

    def __init__(self, units: int = 64) -> None:
        super().__init__()
        self.front = _front()
        self.gru = nn.GRU(128, units, batch_first=True)
        self.head = nn.Sequential(nn.Linear(units, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, N_EMOTIONS))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        _, last = self.gru(self.front(x).transpose(1, 2))  # last: (1, n, units)
        return cast(Tensor, self.head(last[0]))


class SpeechAttention(nn.Module):
    """CNN+self-attention (reference systems 001, 002): one layer of four heads, mean over time; to (n, 7)."""

    def __init__(self, heads: int = 4) -> None:
        super().__init__()
        self.front = _front()
        self.attention = nn.MultiheadAttention(128, heads, dropout=0.1, batch_first=True)
        self.norm = nn.LayerNorm(128)
        self.head = nn.Linear(128, N_EMOTIONS)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.front(x).transpose(1, 2)  # (n, frames / 4, 128)
        seen, _ = self.attention(x, x, x, need_weights=False)
        return cast(Tensor, self.head(self.norm(x + seen).mean(dim=1)))


class MelResNet18(nn.Module):
    """ResNet-18 (He et al., CVPR 2016) on the mel spectrogram as an image (reference system 001).

    (n, 1, mels, frames) in [-1, 1], enlarged to ``side`` and repeated for three colours, to (n, 7).
    """

    def __init__(self, side: int = 128) -> None:
        super().__init__()
        self.side = side
        self.trunk = resnet18(weights=None, num_classes=N_EMOTIONS)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = nn.functional.interpolate(x, size=self.side, mode="bilinear", align_corners=False)
        return cast(Tensor, self.trunk(x.expand(-1, 3, -1, -1)))  # (n, 3, side, side) -> (n, 7)


class MelConv(nn.Module):
    """Conv1d over 40 mel bands (reference system 004): 40 -> 64 -> 128 -> 256; (n, 40, frames) to (n, 7)."""

    def __init__(self, mels: int = 40) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(mels, 64, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2),
        )  # fmt: skip
        self.embed = nn.Linear(128, 256)
        self.head = nn.Linear(256, N_EMOTIONS)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        pooled = self.layers(x).mean(dim=2)  # (n, 128)
        return cast(Tensor, self.head(torch.relu(self.embed(pooled))))
