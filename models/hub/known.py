"""What is known of models that people are likely to name.

Of this, loading a model uses ``labels`` alone, and only where its own configuration names none. Licences and
notes are those of the models' cards, where one was seen.
"""

from dataclasses import dataclass
from pathlib import Path, PurePath

from affectstream.schemas.messages import Modality


@dataclass(frozen=True)
class Known:
    """One model of the hub."""

    model_id: str
    modality: Modality
    licence: str
    commercial: bool | None  # None: no licence seen, ask the owner
    labels: tuple[str, ...] = ()  # the order of its outputs, where its configuration may not name them
    obstacle: str = ""  # why it cannot be loaded as it is published
    note: str = ""


@dataclass(frozen=True)
class OnnxFace:
    """One family of face models in ONNX files, known by how the file is called."""

    stem: str  # what the name of the file begins with
    side: int  # pixels of its input
    mean: tuple[float, float, float]  # RGB in [0, 1]
    std: tuple[float, float, float]
    labels: tuple[str, ...]
    outputs: int  # labels and, in the models called mtl, valence and arousal after them
    licence: str = "Apache-2.0"
    note: str = "trained on AffectNet, which is for research"


AFFECTNET_8 = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
AFFECTNET_7 = tuple(name for name in AFFECTNET_8 if name != "contempt")
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

ONNX_FACES = (
    OnnxFace("enet_b0_8_va_mtl", 224, *IMAGENET, AFFECTNET_8, 10),
    OnnxFace("enet_b0_8", 224, *IMAGENET, AFFECTNET_8, 8),
    OnnxFace("enet_b2_8", 260, *IMAGENET, AFFECTNET_8, 8),
    OnnxFace("enet_b2_7", 260, *IMAGENET, AFFECTNET_7, 7),
    OnnxFace("mbf_va_mtl", 112, *HALF, AFFECTNET_8, 10),
)
"""EmotiEffLib's files; a longer stem stands before a shorter one that begins it."""

_EMOTION2VEC = (
    *("angry", "disgusted", "fearful", "happy", "neutral", "other", "sad", "surprised", "unknown"),
)
_EMOBERTA = ("neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear")
_BIN_ONLY = "it is published as .bin only"
_FUNASR = "it needs funasr and is no transformers model"

MODELS = (
    Known("trpakov/vit-face-expression", "video", "none seen on its card", None, note="trained on FER2013"),
    Known(
        "dima806/facial_emotions_image_detection",
        "video",
        "Apache-2.0",
        True,
        note="oversampled before its split: its 91 % leaks",
    ),
    Known(
        "ElenaRyumina/face_emotion_recognition",
        "video",
        "MIT",
        True,
        obstacle="it is no transformers model",
    ),
    Known(
        "litert-community/HSEmotion-B0-LiteRT",
        "video",
        "Apache-2.0",
        True,
        obstacle="it is saved for LiteRT and is no transformers model",
        note=f"EmotiEffLib's enet_b0_8; {ONNX_FACES[0].note}",
    ),
    Known(
        "superb/wav2vec2-base-superb-er",
        "audio",
        "Apache-2.0",
        True,
        ("neu", "hap", "ang", "sad"),
        _BIN_ONLY,
        "four classes; trained on IEMOCAP, which is for research",
    ),
    Known(
        "superb/hubert-large-superb-er",
        "audio",
        "Apache-2.0",
        True,
        ("neu", "hap", "ang", "sad"),
        _BIN_ONLY,
        "four classes; trained on IEMOCAP, which is for research",
    ),
    Known(
        "speechbrain/emotion-recognition-wav2vec2-IEMOCAP",
        "audio",
        "Apache-2.0",
        True,
        ("neu", "ang", "hap", "sad"),
        "it is saved for speechbrain and is no transformers model",
    ),
    Known(
        "emotion2vec/emotion2vec_plus_base",
        "audio",
        "a model licence of its own",
        None,
        _EMOTION2VEC,
        _FUNASR,
    ),
    Known(
        "emotion2vec/emotion2vec_plus_large",
        "audio",
        "a model licence of its own",
        None,
        _EMOTION2VEC,
        _FUNASR,
    ),
    Known(
        "FunAudioLLM/SenseVoiceSmall",
        "audio",
        "a model licence of its own",
        None,
        obstacle=_FUNASR,
        note="names one emotion, without probabilities",
    ),
    Known(
        "3loi/SER-Odyssey-Baseline-WavLM-Categorical",
        "audio",
        "MIT",
        True,
        obstacle="it needs code of its own, which is never run",
    ),
    Known(
        "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition",
        "audio",
        "Apache-2.0",
        True,
        obstacle="the weights of its classifier are stored under names that its configuration does not use",
        note="RAVDESS, split not stated",
    ),
    Known(
        "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim",
        "audio",
        "CC BY-NC-SA 4.0",
        False,
        obstacle="it predicts arousal, dominance and valence, no classes",
    ),
    Known(
        "j-hartmann/emotion-english-distilroberta-base",
        "text",
        "none seen on its card",
        None,
        note="trained on MELD and GoEmotions: figures on those say nothing",
    ),
    Known(
        "SamLowe/roberta-base-go_emotions",
        "text",
        "MIT",
        True,
        note="28 labels, several at once; curiosity and approval count as surprise and happy",
    ),
    Known(
        "SamLowe/roberta-base-go_emotions-onnx",
        "text",
        "MIT",
        True,
        obstacle="it is published as ONNX only: take SamLowe/roberta-base-go_emotions",
    ),
    Known("tae898/emoberta-base", "text", "MIT", True, _EMOBERTA, note="trained on MELD and IEMOCAP"),
    Known("tae898/emoberta-large", "text", "MIT", True, _EMOBERTA, note="trained on MELD and IEMOCAP"),
    Known(
        "bhadresh-savani/distilbert-base-uncased-emotion",
        "text",
        "Apache-2.0",
        True,
        note="six labels: no neutral and no disgust; love counts as happy",
    ),
)


def known(source: str) -> Known | None:
    """Return the model that ``source`` names: its id, or a local folder called like the end of its id.

    An id of another owner is another model, whatever it is called.
    """
    found = next((m for m in MODELS if source == m.model_id), None)
    if found is not None or not is_local(source):
        return found
    last = PurePath(source).name.lower()
    return next((m for m in MODELS if last == m.model_id.split("/")[1].lower()), None)


def is_local(source: str) -> bool:
    """Tell whether ``source`` is the path of a folder and no id; a relative one only where it is there."""
    if source.startswith(("/", ".", "~")):
        return True
    try:
        return Path(source).is_dir()
    except OSError:  # too long for a path
        return False


def onnx_face(source: str) -> OnnxFace | None:
    """Return the family of face models that the ONNX file ``source`` is called after."""
    stem = PurePath(source).stem
    return next((face for face in ONNX_FACES if stem.startswith(face.stem)), None)
