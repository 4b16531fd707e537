"""What the shipped text model, which reads English, can read of an utterance: its language and its words.

The likelihoods of py3langid (langid.py: Lui and Baldwin, 2012, byte n-grams of 97 languages) are compared. A
lead over English of ``LEAD`` nats decides: of MELD dev and GoEmotions dev, which are English, 1 of 6,535
utterances reaches it. Short or mixed words that do not decide are judged with the turns before. What the
transcript states about its language moves the threshold. A script other than Latin needs no likelihood.

The quality is ``length x known``:

    length  n / (n + 1) for n words spoken: 0.5 for one word, 0.75 for three, 0.9 for nine
    known   the share of word pieces that the vocabulary holds, 1 for plain English, 0 for another script

so it never falls when words are added or when more of them are known, and is zero without words.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

ENGLISH = "en"
LEAD = 20.0  # nats
STATED_ENGLISH, STATED_OTHER = 2.0, -1.0  # of LEAD, where the transcript says so
LATIN_SHARE = 0.5  # of the letters

_WORDS = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_LETTERS = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def is_english(text: str, context: Sequence[str] = (), stated: str | None = None) -> bool:
    """Say whether ``text`` can be taken for English; ``stated`` is the transcript's own language, if any."""
    if not _in_latin(text):
        return False
    needed = LEAD * _scale(stated)
    lead = lead_over_english(text)
    if lead >= needed and (lead > 0 or needed < 0):
        return False
    undecided = lead > 0 and context and needed > 0
    return not (undecided and lead_over_english(" ".join((*context, text))) >= needed)


def lead_over_english(text: str) -> float:
    """Return by how many nats the likeliest other language leads over English; negative where it does not."""
    words = " ".join(_LETTERS.findall(text)).lower()
    if not words:
        return 0.0
    ranked = {str(name): float(value) for name, value in _identifier().rank(words)}
    own = ranked.pop(ENGLISH)
    return max(ranked.values()) - own


def _scale(stated: str | None) -> float:
    if not stated:
        return 1.0
    return STATED_ENGLISH if stated.lower().startswith(ENGLISH) else STATED_OTHER


def _in_latin(text: str) -> bool:
    """Say whether enough of the letters are Latin; true without letters."""
    letters = [char for char in text if char.isalpha()]
    latin = sum(char.isascii() or unicodedata.name(char, "").startswith("LATIN") for char in letters)
    return latin >= LATIN_SHARE * len(letters)


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE)


def words_in(text: str) -> int:
    """Return the number of words of ``text``."""
    return len(_WORDS.findall(text))


def text_quality(words: int, known_share: float) -> float:
    """Return the quality in [0, 1] of an utterance of ``words`` words, ``known_share`` of it known."""
    return words / (words + 1) * min(max(known_share, 0.0), 1.0)
