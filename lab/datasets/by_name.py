"""Corpora of acted speech whose file names state who speaks and with which emotion."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from affectstream.lab.datasets.clips import Clip, Corpus, Said, named, read_clips
from affectstream.schemas.errors import InputError

EMODB_NAMES = {
    "W": "angry",
    "E": "disgust",
    "A": "fear",
    "F": "happy",
    "T": "sad",
    "N": "neutral",
}
EMODB_BOREDOM = "L"  # no place among the seven, and not neutral to a listener: left out
EMODB_SEX = {
    **dict.fromkeys(("03", "10", "11", "12", "15"), "male"),
    **dict.fromkeys(("08", "09", "13", "14", "16"), "female"),
}
EMOSPEECH_NAMES = {"angry": "angry", "calm": "neutral", "fearful": "fear", "happy": "happy"}
NEMO_NAMES = {
    "anger": "angry",
    "fear": "fear",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprised": "surprise",
}
NEMO_SEX = {
    **dict.fromkeys(("EB0", "IC0", "KD0", "MK0"), "female"),
    **dict.fromkeys(("KS0", "MP0", "SM0", "TP0", "WR0"), "male"),
}
SAVEE_SPEAKERS = ("DC", "JE", "JK", "KL")
SAVEE_NAMES = {
    "a": "angry",
    "d": "disgust",
    "f": "fear",
    "h": "happy",
    "n": "neutral",
    "sa": "sad",
    "su": "surprise",
}
TESS_NAMES = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "surprise",  # pleasant surprise: the only surprise of the corpus
    "surprise": "surprise",
    "sad": "sad",
}
TUREV_NAMES = {"kz": "angry", "hl": "sad", "sk": "neutral", "mt": "happy"}  # sk, calm, is counted as neutral

_EMODB = re.compile(rf"({'|'.join(EMODB_SEX)})([ab]\d\d)([WLEAFTN])([a-z]?)")
_EMOSPEECH = re.compile(r"([a-z]+)_\d+")
_NEMO = re.compile(rf"({'|'.join(NEMO_SEX)})_({'|'.join(NEMO_NAMES)})_\d+")  # the number is that of the take
_SAVEE = re.compile(r"(?:([A-Z]{2})_)?([a-z]{1,2})(\d{2})")
_TESS = re.compile(r"(OAF?|YAF)_([a-z]+)_([a-z]+)", re.IGNORECASE)
_TUREV = re.compile(r"(\d{4})_(kz|hl|sk|mt)_(\w+)")


@dataclass(frozen=True)
class SpeechCorpus:
    """A corpus, and how its file names are read."""

    title: str
    source: str  # with its authors, as cards state it
    layout: str  # that is expected
    said: Callable[[Path], Said]  # raises InputError for a file that is to be left out
    twice: bool = False  # a common copy holds every file again, in a folder of the same name one level down

    def read(self, folder: Path) -> Corpus[Clip]:
        """Return the clips under ``folder``; raises InputError where the layout is another one."""
        corpus = read_clips(folder, self.said, self.title, self.layout)
        return _without_copies(corpus) if self.twice else corpus


def _without_copies(corpus: Corpus[Clip]) -> Corpus[Clip]:
    first: dict[tuple[str, str], Clip] = {}
    for clip in corpus.clips:
        first.setdefault((clip.path.name, clip.sha256), clip)
    kept = tuple(first.values())
    read_here = {clip.path for clip in kept}
    again = ((c.path, "a copy of a file that was read") for c in corpus.clips if c.path not in read_here)
    return Corpus(kept, (*corpus.skipped, *again))


def _emodb(path: Path) -> Said:
    name = named(path, _EMODB, "speaker, text, emotion and version as in 03a01Fa")
    if name[3] == EMODB_BOREDOM:
        raise InputError("boredom, which is none of the seven")
    return Said(EMODB_NAMES[name[3]], name[3], name[1], EMODB_SEX[name[1]], name[2])


def _emospeech(path: Path) -> Said:
    found, code = _EMOSPEECH.fullmatch(path.stem), path.parent.name
    if found is None or code not in EMOSPEECH_NAMES:
        raise InputError("the name is not PLACE_NUMBER in a folder of one of the four emotions")
    return Said(EMOSPEECH_NAMES[code], code, found[1], "", "")


def _nemo(path: Path) -> Said:
    name = named(path, _NEMO, "SPEAKER_EMOTION_NUMBER with one of the six emotions")
    return Said(NEMO_NAMES[name[2]], name[2], name[1], NEMO_SEX[name[1]], "")


def _savee(path: Path) -> Said:
    found = _SAVEE.fullmatch(path.stem)
    if found is None or found[2] not in SAVEE_NAMES:
        raise InputError("the name is not an emotion (a, d, f, h, n, sa, su) and two digits")
    speaker = found[1] or path.parent.name
    if speaker not in SAVEE_SPEAKERS:
        raise InputError(
            f"neither the name nor the folder is one of the speakers {', '.join(SAVEE_SPEAKERS)}"
        )
    # Sentences are numbered within each emotion, 01 to 03 being common to all of them.
    sentence = found[3] if found[3] <= "03" else f"{found[2]}{found[3]}"
    return Said(SAVEE_NAMES[found[2]], found[2], speaker, "male", sentence)


def _tess(path: Path) -> Said:
    found = _TESS.fullmatch(path.stem)
    if found is None or found[3].lower() not in TESS_NAMES:
        raise InputError("the name is not SPEAKER_WORD_EMOTION with one of the seven emotions")
    speaker = "OAF" if found[1].upper().startswith("OA") else "YAF"  # one file is called OA_
    code = found[3].lower()
    return Said(TESS_NAMES[code], code, speaker, "female", found[2].lower())


def _turev(path: Path) -> Said:
    name = named(path, _TUREV, "SPEAKER_EMOTION_WORD with one of the four emotions")
    return Said(TUREV_NAMES[name[2]], name[2], name[1], "", name[3])


# German, ten actors: Burkhardt et al., "A Database of German Emotional Speech", Interspeech 2005.
EMODB = SpeechCorpus(
    "EmoDB",
    "EmoDB (Burkhardt et al., 2005)",
    "expected FOLDER/wav/SSTTTEV.wav (speaker 03 or 08 to 16, text a01 to b10, emotion W, L, E, A, F, T or "
    "N, version)",
    _emodb,
)
# One-word recordings made on telephones. The labels are weak and the speakers unknown, the place stands for
# them: train on it, never judge by it.
EMOSPEECH = SpeechCorpus(
    "EmoSpeech",
    "EmoSpeech (a part of 1,100 recordings)",
    "expected EMOTION/PLACE_NUMBER.wav or .ogg (emotion angry, calm, fearful or happy)",
    _emospeech,
)
# Polish, nine actors: Christop, "nEMO: Dataset of Emotional Speech in Polish", LREC-COLING 2024.
NEMO = SpeechCorpus(
    "nEMO",
    "nEMO (Christop, 2024)",
    "expected files SPEAKER_EMOTION_NUMBER.wav or .ogg in any folders (speaker as EB0; emotion anger, fear, "
    "happiness, neutral, sadness or surprised)",
    _nemo,
)
# Four English men: Haq and Jackson, "Multimodal Emotion Recognition", 2010.
SAVEE = SpeechCorpus(
    "SAVEE",
    "SAVEE (Haq & Jackson, 2010)",
    "expected FOLDER/AudioData/SPEAKER/ENN.wav, or all files in one folder as SPEAKER_ENN.wav (speaker DC, "
    "JE, JK or KL; emotion a, d, f, h, n, sa or su; number of the sentence)",
    _savee,
)
# Two women: Pichora-Fuller and Dupuis, "Toronto emotional speech set", 2020. Two speakers in all: beside its
# own training data it measures nothing, so use it for training or across corpora.
TESS = SpeechCorpus(
    "TESS",
    "TESS (Pichora-Fuller & Dupuis, 2020)",
    "expected files SPEAKER_WORD_EMOTION.wav or .ogg in any folders (speaker OAF or YAF; emotion angry, "
    "disgust, fear, happy, neutral, ps or sad)",
    _tess,
    twice=True,
)
# Turkish words, six people: Canpolat et al., "Turkish Emotion Voice Database (TurEV-DB)", SLTU-CCURL 2020.
TUREV = SpeechCorpus(
    "TurEV",
    "TurEV-DB (Canpolat et al., 2020)",
    "expected files SPEAKER_EMOTION_WORD.wav or .ogg in any folders (speaker as 1157; emotion kz angry, "
    "hl sad, sk calm or mt happy)",
    _turev,
)
