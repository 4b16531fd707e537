"""The table of corpora: what each holds, its licence, groups and choices of labels.

The licences are as the corpora or those who cite them state them; the owner's own text decides.
"""

from dataclasses import dataclass

from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import Modality


@dataclass(frozen=True)
class Corpus:
    """One corpus as commands and documents show it."""

    name: str  # as commands take it
    title: str  # as model cards name it
    modalities: tuple[Modality, ...]
    licence: str
    commercial: bool | None  # whether the licence permits commercial use; None: not stated, ask the owner
    groups: str  # what must stay on one side of a split
    choices: str  # where its labels do not fit the seven one to one


CORPORA = (
    Corpus(
        "ravdess",
        "RAVDESS",
        ("audio",),
        "CC BY-NC-SA 4.0 (a commercial licence is sold)",
        False,
        "actor",
        "calm is counted as neutral; songs are left out",
    ),
    Corpus(
        "ravdess-video",
        "RAVDESS video",
        ("video", "audio"),
        "CC BY-NC-SA 4.0 (a commercial licence is sold)",
        False,
        "actor",
        "calm is counted as neutral; songs are left out; a silent copy of a take is left out",
    ),
    Corpus(
        "crema-d",
        "CREMA-D",
        ("audio",),
        "ODbL 1.0 with DbCL 1.0 for the contents",
        True,
        "actor",
        "no surprise; labels are the intent, or the crowd's vote by ear, by eye or by both; ties left out",
    ),
    Corpus(
        "savee",
        "SAVEE",
        ("audio",),
        "research use, on registration",
        False,
        "speaker",
        "one to one",
    ),
    Corpus(
        "tess",
        "TESS",
        ("audio",),
        "CC BY-NC-ND 4.0",
        False,
        "speaker (two in all: training or cross-corpus only)",
        "pleasant surprise is counted as surprise",
    ),
    Corpus(
        "emodb",
        "EmoDB",
        ("audio",),
        "none stated by the authors",
        None,
        "speaker",
        "boredom is left out; no surprise; German",
    ),
    Corpus(
        "nemo",
        "nEMO",
        ("audio",),
        "CC BY-NC-SA 4.0",
        False,
        "speaker",
        "no disgust; Polish",
    ),
    Corpus(
        "turev",
        "TurEV",
        ("audio",),
        "CC BY-NC-ND 4.0",
        False,
        "speaker",
        "calm is counted as neutral; no fear, disgust, surprise; Turkish words",
    ),
    Corpus(
        "emospeech",
        "EmoSpeech",
        ("audio",),
        "CC BY-NC-SA 4.0",
        False,
        "place (speakers are not told): training only",
        "weak labels; calm is counted as neutral; no sad, disgust, surprise; one word",
    ),
    Corpus(
        "fer2013",
        "FER2013",
        ("video",),
        "research use; no licence text is stated",
        False,
        "near duplicate, by perceptual hash",
        "one to one",
    ),
    Corpus(
        "ferplus",
        "FER+",
        ("video",),
        "MIT for the labels; the images are those of FER2013, for research use",
        False,
        "near duplicate, by perceptual hash",
        "majority of ten; ties, contempt, unknown and not-a-face are left out",
    ),
    Corpus(
        "affectnet",
        "AffectNet",
        ("video",),
        "research use, on agreement",
        False,
        "equal file (people are not told)",
        "contempt is left out",
    ),
    Corpus(
        "meld",
        "MELD",
        ("text",),
        "GPL-3.0 for the corpus; its sentences are television dialogue",
        True,
        "dialogue",
        "one to one",
    ),
    Corpus(
        "goemotions",
        "GoEmotions",
        ("text",),
        "CC BY 4.0",
        True,
        "comment",
        "Ekman's grouping of the authors, or one for service calls; a row whose groups tie is left out",
    ),
    Corpus(
        "pairs",
        "text-image pairs",
        ("video", "text"),
        "that of the corpora it was put together from",
        None,
        "picture, text, or the column group",
        "one to one; joy is happy, sadness sad, anger angry",
    ),
)

BY_NAME = {corpus.name: corpus for corpus in CORPORA}


def entry(name: str) -> Corpus:
    """Return the corpus that commands call ``name``; raises InputError, listing those there are."""
    if name not in BY_NAME:
        raise InputError(f"no corpus is called {name!r}: there are {', '.join(BY_NAME)}")
    return BY_NAME[name]


def named_in(text: str) -> Corpus | None:
    """Return the corpus that a model card's line on its data names, as in "MELD (train)"."""
    found = [corpus for corpus in CORPORA if corpus.title.casefold() in text.casefold()]
    return max(found, key=lambda corpus: len(corpus.title), default=None)
