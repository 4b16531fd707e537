"""Quality of an utterance, from the number of its words and the share that the vocabulary knows.

The quality is ``length x known``:

    length  n / (n + 1) for n words spoken: 0.5 for one word, 0.75 for three, 0.9 for nine
    known   the share of word pieces that the vocabulary holds, 1 for plain English, 0 for another script

so it never falls when words are added or when more of them are known, and is zero without words.
"""

import re

_WORDS = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


def words_in(text: str) -> int:
    """Return the number of words of ``text``."""
    return len(_WORDS.findall(text))


def text_quality(words: int, known_share: float) -> float:
    """Return the quality in [0, 1] of an utterance of ``words`` words, ``known_share`` of it known."""
    return words / (words + 1) * min(max(known_share, 0.0), 1.0)
