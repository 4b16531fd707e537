"""Text classifiers of the reference systems: TF-IDF pipelines, and any transformers encoder with a head."""

from pathlib import Path
from typing import Any, cast

from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import DecisionTreeClassifier
from torch import Tensor, nn
from transformers import AutoModel

from affectstream.schemas.errors import ModelError

TOKENS = r"(?u)\b\w+\b|[?!]"  # words, and the marks that tell surprise from a statement


class EncoderClassifier(nn.Module):
    """Any transformers encoder, the mean of its last states over the attended tokens, a linear head.

    BERT: Devlin et al., NAACL 2019, as in reference systems 000, 003 and 004; the mean instead of the state
    of [CLS]: Reimers and Gurevych, "Sentence-BERT", EMNLP 2019.
    """

    def __init__(self, encoder: nn.Module, hidden: int, dropout: float = 0.1) -> None:
        """Take an encoder whose output has ``last_hidden_state`` (batch, length, hidden)."""
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, 7))

    def forward(self, ids: Tensor, attend: Tensor) -> Tensor:
        """Return logits (batch, 7) of ids (batch, length) and the mask of their real tokens."""
        states = self.encoder(input_ids=ids, attention_mask=attend).last_hidden_state
        mask = attend.unsqueeze(-1).to(states.dtype)  # (batch, length, 1)
        return cast(Tensor, self.head((states * mask).sum(1) / mask.sum(1).clamp_min(1.0)))


class IdsClassifier(nn.Module):
    """EncoderClassifier on ids alone (n, length), padded with -1, to seven logits (n, 7)."""

    def __init__(self, encoder: nn.Module, dropout: float = 0.1) -> None:
        """Take an encoder of transformers; its configuration names the width of its states."""
        super().__init__()
        config = cast(Any, encoder).config
        self.classifier = EncoderClassifier(encoder, int(getattr(config, "hidden_size", 0)), dropout)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the logits."""
        return cast(Tensor, self.classifier(ids.clamp_min(0), (ids >= 0).long()))


def pretrained(folder: Path) -> nn.Module:
    """Return the encoder in ``folder`` as transformers keeps it; raises ModelError for anything else."""
    try:
        return cast(
            nn.Module,
            AutoModel.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
            ),
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{folder} holds no encoder of transformers ({type(error).__name__})") from error


def pipelines(seed: int = 0) -> dict[str, Pipeline]:
    """Return the unfitted TF-IDF classifiers by name; all take texts and give labels."""
    heads: dict[str, Any] = {
        "logistic regression": LogisticRegression(max_iter=1000, C=4.0),
        "decision tree": DecisionTreeClassifier(max_depth=60, random_state=seed),
        "random forest": RandomForestClassifier(200, min_samples_leaf=2, random_state=seed),
        "naive Bayes": MultinomialNB(alpha=0.3),
    }
    return {
        name: make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=TOKENS), head
        )
        for name, head in heads.items()
    }
