"""Tokenisation of an utterance and the turns before it, padded to a length bucket.

Layout: ``[CLS] utterance [SEP] previous turn [SEP] the turn before it [SEP]``. The utterance is segment 0 and
comes first, so that it keeps its positions whatever the context; the context is segment 1, newest first. A
prepared array is int64 (2, bucket): ids and segments, padded with id 0 to the bucket of its own length.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from affectstream.models.protocol import Array
from affectstream.schemas.errors import ModelError

BUCKETS = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128)
UTTERANCE_TOKENS = 94
CONTEXT_TOKENS = 24  # of each turn, its end
MAX_TURNS = 2

_PLAIN = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "`": "'", "\u00b4": "'", "\u201c": '"', "\u201d": '"'}
    | {"\u2013": "-", "\u2014": "-", "\u2026": "..."}
)
"""Curly quotes, long dashes and the ellipsis."""
_ASIDE = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|<[^>]*>|♪[^♪]*(?:♪|$)")
_WORD = re.compile(r"[^\W_]")


def plain(text: str) -> str:
    """Return ``text`` with one kind of quote, dash and space."""
    return " ".join(text.translate(_PLAIN).split())


def is_speech(text: str) -> bool:
    """Tell whether words were spoken; "[music]", "(laughs)", "*sighs*" and punctuation are no words."""
    return _WORD.search(_ASIDE.sub(" ", text)) is not None


def bucket_of(length: int) -> int:
    """Return the smallest bucket that holds ``length`` tokens."""
    return next(b for b in BUCKETS if b >= length)


class Tokeniser:
    """Wraps a WordPiece vocabulary; equal text gives equal ids on every machine."""

    def __init__(self, path: Path) -> None:
        """Read ``tokenizer.json``; raises ModelError where it is missing."""
        if not path.exists():
            raise ModelError(f"{path} is missing: it belongs beside the weights of the text model")
        self._inner = Tokenizer.from_file(str(path))
        self._inner.no_truncation()
        self._inner.no_padding()
        self.cls, self.sep, self.unknown = (self._id(t) for t in ("[CLS]", "[SEP]", "[UNK]"))

    def _id(self, token: str) -> int:
        found = self._inner.token_to_id(token)
        if found is None:
            raise ModelError(f"the tokenizer of the text model has no {token}")
        return int(found)

    def ids(self, text: str) -> list[int]:
        """Return the word pieces of ``text`` without special tokens."""
        return list(self._inner.encode(plain(text), add_special_tokens=False).ids)

    def known_share(self, text: str) -> float:
        """Return the share of word pieces of ``text`` that the vocabulary holds; 0 for no text."""
        ids = self.ids(text)
        return sum(i != self.unknown for i in ids) / len(ids) if ids else 0.0

    def layout(self, text: str, context: Sequence[str] = ()) -> Array:
        """Return ids and segments (2, length) before padding; the oldest context is cut first."""
        ids = [self.cls, *self.ids(text)[:UTTERANCE_TOKENS], self.sep]
        segments = [0] * len(ids)
        for turn in list(context)[: -MAX_TURNS - 1 : -1]:
            room = min(CONTEXT_TOKENS, BUCKETS[-1] - len(ids) - 1)
            part = self.ids(turn)[-room:] if room > 0 else []
            if part:
                ids += [*part, self.sep]
                segments += [1] * (len(part) + 1)
        return np.array([ids, segments], dtype=np.int64)

    def prepare(self, text: str, context: Sequence[str] = ()) -> Array:
        """Return ids and segments (2, bucket), padded to the bucket of their own length."""
        laid = self.layout(text, context)
        padded = np.zeros((2, bucket_of(laid.shape[1])), dtype=np.int64)
        padded[:, : laid.shape[1]] = laid
        return padded
