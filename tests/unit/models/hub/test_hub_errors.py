"""What cannot be used as a hub model is refused with a text that says what to do; no code is ever run."""

import hashlib
import json
from pathlib import Path

import httpx
import pytest
from huggingface_hub import constants, errors
from support import hub

from affectstream.models.hub import snapshot
from affectstream.models.hub.face import HubFace
from affectstream.models.hub.snapshot import fetch
from affectstream.models.hub.text import HubText
from affectstream.models.hub.voice import HubVoice
from affectstream.schemas.errors import ModelError, Unavailable
from affectstream.schemas.labels import EMOTIONS

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Switch the hub off and return its empty cache."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _cached(cache: Path, model_id: str) -> Path:
    """Lay a model into the cache as a download leaves it."""
    folder = cache / f"models--{model_id.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    return folder / "snapshots" / COMMIT


def test_offline_a_model_comes_from_the_cache_by_its_id(offline: Path) -> None:
    hub.bert(_cached(offline, "tae898/emoberta-base"), EMOTIONS)
    model = HubText(fetch("tae898/emoberta-base"))
    model.load("cpu")
    assert model.model_id == "tae898/emoberta-base@0123456789ab"
    assert fetch("tae898/emoberta-base", COMMIT).model_id == model.model_id
    with pytest.raises(ModelError, match="at revision v9 is not in the hub's cache"):
        fetch("tae898/emoberta-base", "v9")


def test_offline_a_model_that_was_never_fetched_says_how_to_fetch_it(offline: Path) -> None:
    with pytest.raises(ModelError, match=r"HF_HUB_OFFLINE.* fetch it once .*\(hf download owner/name\)"):
        fetch("owner/name")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("./nowhere", "is not a folder: name a local folder or an id"),
        ("~/nowhere/at/all", "is not a folder"),
        ("a/b/c", "neither a local folder nor an id such as owner/name"),
        ("white space/x", "neither a local folder nor an id"),
    ],
)
def test_what_is_neither_folder_nor_id_is_refused(offline: Path, source: str, text: str) -> None:
    with pytest.raises(ModelError, match=text):
        fetch(source)


def _answer(status: int) -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("GET", "http://hub.invalid/"))


@pytest.mark.parametrize(
    ("raised", "kind", "text"),
    [
        (errors.GatedRepoError("x", response=_answer(403)), ModelError, "is gated: accept its terms"),
        (errors.RepositoryNotFoundError("x", response=_answer(404)), ModelError, "has no model owner/name"),
        (errors.RevisionNotFoundError("x", response=_answer(404)), ModelError, "has no revision v9"),
        (errors.HfHubHTTPError("x", response=_answer(503)), Unavailable, "did not give owner/name"),
        (httpx.ProxyError("x"), Unavailable, "did not give owner/name"),
        (OSError("disk full"), Unavailable, r"did not give owner/name at revision v9 \(OSError\)"),
    ],
)
def test_every_answer_of_the_hub_becomes_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, kind: type[Exception], text: str
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise raised

    monkeypatch.setattr(snapshot, "snapshot_download", refuse)
    with pytest.raises(kind, match=text):
        fetch("owner/name", "v9")


def test_only_files_that_hold_no_code_are_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hub.bert(tmp_path / COMMIT, EMOTIONS)
    asked: dict[str, object] = {}

    def download(model_id: str, **how: object) -> str:
        asked.update(how)
        return str(tmp_path / COMMIT)

    monkeypatch.setattr(snapshot, "snapshot_download", download)
    fetch("owner/name", "v1")
    assert asked["allow_patterns"] == ["*.json", "*.safetensors", "*.txt", "*.model"]
    assert asked["revision"] == "v1"


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    folder = hub.hubert(tmp_path / "wav2vec2-base-superb-er", ("neu", "hap", "ang", "sad"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(
        ModelError, match=r"has no safetensors weights \(it is published as \.bin only\): name a"
    ):
        fetch(str(folder))


def test_a_model_that_brings_code_is_refused_and_the_code_is_not_run(tmp_path: Path) -> None:
    folder = hub.bert(tmp_path / "m", EMOTIONS)
    proof = tmp_path / "ran"
    (folder / "modeling.py").write_text(f"import pathlib\npathlib.Path({str(proof)!r}).touch()\n")
    hub.edit(folder, auto_map={"AutoModelForSequenceClassification": "modeling.Model"})
    with pytest.raises(ModelError, match="needs code of its own, which is never run"):
        fetch(str(folder))
    hub.edit(folder, auto_map=None)
    path = folder / "tokenizer_config.json"
    theirs = {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["modeling.Own", None]}}
    path.write_text(json.dumps({**json.loads(path.read_text()), **theirs}))
    try:
        HubText(fetch(str(folder)))
    except ModelError as error:
        assert "tokenizer" in str(error)
    assert not proof.exists()


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_a_folder_without_a_configuration_is_no_model(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"has no readable config\.json: it is no transformers model"):
        fetch(str(tmp_path))


def test_a_model_that_does_not_name_its_labels_is_refused_unless_its_order_is_known(tmp_path: Path) -> None:
    plain = tuple(f"LABEL_{i}" for i in range(7))
    with pytest.raises(ModelError, match="does not name its labels: in a local copy"):
        HubText(fetch(str(hub.bert(tmp_path / "unheard", plain))))
    model = HubText(fetch(str(hub.bert(tmp_path / "emoberta-large", plain))))
    model.load("cpu")
    assert model.predict([model.prepare("i am")]).p.shape == (1, 7)
    with pytest.raises(ModelError, match=r"the labels \['hungry'\] of the model are not understood"):
        HubText(fetch(str(hub.bert(tmp_path / "other", ("happy", "hungry")))))


def test_weights_that_would_be_random_are_refused(tmp_path: Path) -> None:
    folder = hub.bert(tmp_path / "m", EMOTIONS)
    model = HubText(fetch(str(folder)))
    from safetensors.torch import load_file, save_file

    tensors = {k: v for k, v in load_file(folder / "model.safetensors").items() if "classifier" not in k}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks weights of its own network \(classifier"):
        model.load("cpu")


def test_a_model_of_another_modality_is_refused(tmp_path: Path) -> None:
    text = str(hub.bert(tmp_path / "text", EMOTIONS))
    with pytest.raises(ModelError, match="lacks the files of its imageprocessor"):
        HubFace(fetch(text))
    with pytest.raises(ModelError, match="lacks the files of its featureextractor"):
        HubVoice(fetch(text))
    face = hub.vit(tmp_path / "face", EMOTIONS)
    hub.tokenizer(__import__("transformers").PreTrainedTokenizerFast, face, ["input_ids"])
    with pytest.raises(ModelError, match="cannot be loaded as the kind of model this modality needs"):
        HubText(fetch(str(face))).load("cpu")


def test_torn_weights_and_unknown_devices_are_model_errors(tmp_path: Path) -> None:
    folder = hub.bert(tmp_path / "m", EMOTIONS)
    model = HubText(fetch(str(folder)))
    with pytest.raises(ModelError, match="cannot be moved to the device 'warp': is it there"):
        model.load("warp")
    (folder / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(ModelError, match=r"cannot be loaded as .* that its files are whole"):
        model.load("cpu")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        fetch(str(folder))


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ({"joy": "joy", "sad": "sad"}, "must name the outputs 0 to 1, not joy, sad"),
        ({"0": "joy", "2": "sad"}, "must name the outputs 0 to 1, not 0, 2"),
        ({"0": "joy", "1": "sad"}, "cannot be loaded as the kind of model"),  # the weights have seven
    ],
)
def test_names_that_do_not_fit_the_outputs_are_refused(tmp_path: Path, names: object, text: str) -> None:
    folder = hub.bert(tmp_path / "m", EMOTIONS)
    hub.edit(folder, id2label=names)
    with pytest.raises(ModelError, match=text):
        HubText(fetch(str(folder))).load("cpu")


def test_a_configuration_with_a_value_of_another_type_is_refused(tmp_path: Path) -> None:
    folder = hub.bert(tmp_path / "m", EMOTIONS)
    hub.edit(folder, hidden_size="sixteen")
    with pytest.raises(ModelError, match="lacks the files of its tokenizer"):
        HubText(fetch(str(folder)))


def test_a_model_that_cannot_read_its_own_preprocessing_is_refused_before_the_stream(tmp_path: Path) -> None:
    face = hub.vit(tmp_path / "face", EMOTIONS)
    _preprocessing(face, size={"height": 64, "width": 64})
    with pytest.raises(ModelError, match="cannot read what its own preprocessing makes"):
        HubFace(fetch(str(face))).load("cpu")
    voice = hub.hubert(tmp_path / "voice", ("neu", "hap", "ang", "sad"))
    _preprocessing(voice, feature_size=2)
    with pytest.raises(ModelError, match="cannot read what its own preprocessing makes"):
        HubVoice(fetch(str(voice))).load("cpu")
    text = hub.bert(tmp_path / "text", EMOTIONS, max_position_embeddings=64)  # a long text has 128 pieces
    with pytest.raises(ModelError, match="cannot read what its own preprocessing makes"):
        HubText(fetch(str(text))).load("cpu")


def _preprocessing(folder: Path, **changes: object) -> None:
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_local_folder_may_be_pinned_by_the_hash_of_its_weights(tmp_path: Path) -> None:
    folder = str(hub.bert(tmp_path / "m", EMOTIONS))
    digits = hashlib.sha256((tmp_path / "m" / "model.safetensors").read_bytes()).hexdigest()
    assert fetch(folder, digits.upper()).folder == Path(folder)
    assert fetch(folder, digits[:12]).model_id == f"m@{digits[:12]}"
    with pytest.raises(ModelError, match=r"have the sha256 .*, not the revision 00ff"):
        fetch(folder, "00ff")
