"""The files of a hub model, from its cache or a local folder, checked.

Only configuration, vocabularies and safetensors are ever fetched: what could run code stays where it is.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from affectstream.models.hub.known import Known, known
from affectstream.schemas.errors import ModelError, Unavailable

WANTED = ("*.json", "*.safetensors", "*.txt", "*.model")
DIGITS = 12  # of the commit or the hash in a model's name


@dataclass(frozen=True)
class Snapshot:
    """One state of a model's files."""

    folder: Path
    model_id: str  # its name and the state, as written into every observation: "org/name@0123456789ab"
    known: Known | None
    config: dict[str, Any]


def fetch(source: str, revision: str | None = None) -> Snapshot:
    """Return the files of a hub id at ``revision`` (a commit, tag or branch) or of a local folder.

    The revision of a local folder is the sha256 of its weights, or the beginning of it. Raises ModelError,
    saying what to do, and Unavailable where the hub does not answer.
    """
    path, local = _local(source)
    if local:
        folder, state = path, _hash(path)
        if revision and not state.startswith(revision.lower()):
            raise ModelError(f"the weights in {path} have the sha256 {state}, not the revision {revision}")
    elif path.is_absolute() or source.startswith((".", "~")):
        raise ModelError(f"{path} is not a folder: name a local folder or an id such as owner/name")
    else:
        folder = _download(source, revision)
        state = folder.name
    name = path.resolve().name if local else source
    return Snapshot(folder, f"{name}@{state[:DIGITS]}", known(source), _checked(folder, source))


def _local(source: str) -> tuple[Path, bool]:
    """Return ``source`` as a path and whether a folder is there; no path can be as long as some ids are."""
    try:
        path = Path(source).expanduser()
        return path, path.is_dir()
    except (OSError, RuntimeError):  # too long, or the home of nobody
        return Path(source), False


def _download(model_id: str, revision: str | None) -> Path:
    at = f" at revision {revision}" if revision else ""
    try:
        return Path(
            snapshot_download(model_id, revision=revision, allow_patterns=list(WANTED), ignore_patterns="*/*")
        )
    except GatedRepoError as error:
        raise ModelError(
            f"{model_id} is gated: accept its terms on its page and set HF_TOKEN, or name a local folder"
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"the hub has no model {model_id}, or it is private: check the id, or set HF_TOKEN"
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError(
            f"{model_id} has no revision {revision}: name a commit, a tag or a branch"
        ) from error
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{model_id}{at} is not in the hub's cache, and the hub is switched off (HF_HUB_OFFLINE) or does "
            f"not answer: fetch it once where there is a network (hf download {model_id}), or name a local "
            "folder"
        ) from error
    except HFValidationError as error:
        raise ModelError(f"{model_id!r} is neither a local folder nor an id such as owner/name") from error
    except (httpx.HTTPError, OSError) as error:
        raise Unavailable(
            f"the hub did not give {model_id}{at} ({type(error).__name__}): try again, or set "
            "HF_HUB_OFFLINE=1 to use the copy in its cache"
        ) from error


def _checked(folder: Path, source: str) -> dict[str, Any]:
    """Return config.json; raises ModelError where weights are missing or code would be needed."""
    found = known(source)
    why = f" ({found.obstacle})" if found and found.obstacle else ""
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"{source} has no readable config.json: it is no transformers model{why}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{source} has no readable config.json: it is no transformers model{why}")
    if "auto_map" in config:
        raise ModelError(f"{source} needs code of its own, which is never run: choose another model")
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"{source} has no safetensors weights{why}: name a revision that has them (often refs/pr/1), or "
            "convert a copy that you trust: from_pretrained() and save_pretrained() write a local folder"
        )
    return config


def _hash(folder: Path) -> str:
    """Return the sha256 of the weights, as sha256sum prints it; of several files, that of theirs in a row."""
    digests = []
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with path.open("rb") as file:
                digests.append(hashlib.file_digest(file, "sha256"))
        except OSError as error:
            raise ModelError(f"the weights {path} cannot be read") from error
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(digest.digest() for digest in digests)).hexdigest()
