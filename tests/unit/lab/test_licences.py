"""Models and corpora in use are listed with their licences; commerce is refused what does not permit it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from affectstream.cli import app
from affectstream.lab.licences import (
    CASCADE,
    detector_in_use,
    fusion_in_use,
    in_use,
    notice,
    recogniser_in_use,
    require_commercial,
)
from affectstream.models.face import detect
from affectstream.models.weights import FOLDER, write_card
from affectstream.schemas.errors import ModelError, PolicyError


def _card(folder: Path, name: str, modality: str, data: tuple[str, ...]) -> None:
    (folder / f"{name}.safetensors").write_bytes(b"")
    card = {
        "model_id": f"{name}/1",
        "modality": modality,
        "temperature": 1.0,
        "licence": "Apache-2.0",
        "data": data,
        "trust": 0.5,
        "config": {},
        "figures": {},
    }
    write_card(name, card, folder)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    _card(tmp_path, "voice", "audio", ("RAVDESS (actors 01 to 20)",))
    own = "sentences of service calls (train)"
    _card(tmp_path, "text", "text", ("MELD (train)", "GoEmotions (train)", own))
    (tmp_path / "text.tokenizer.json").write_text("{}")
    return tmp_path


def test_a_shipped_model_is_listed_with_its_corpora_and_permits_what_they_do(weights: Path) -> None:
    lines = {(line.kind, line.name): line.commercial for line in in_use({}, weights)}
    assert lines == {
        ("shipped model", "voice/1"): False,
        ("training corpus", "RAVDESS"): False,
        ("shipped model", "text/1"): True,
        ("training corpus", "MELD"): True,
        ("training corpus", "GoEmotions"): True,
        ("training corpus", "sentences of service calls"): True,
    }


def test_results_name_the_models_that_are_not_for_commerce(weights: Path) -> None:
    assert notice(["voice/1", "text/1"], weights) == (
        "Not for commercial use: made with voice/1. `affectstream licences` lists the terms."
    )
    assert notice(["voice/1+balanced", "text/1"], weights) == notice(["voice/1", "text/1"], weights)
    assert notice(["text/1", "somebody/else"], weights) == ""


def test_a_hub_model_takes_the_place_of_the_shipped_one(weights: Path) -> None:
    file = "/models/enet_b0_8_best_vgaf.onnx"
    chosen = {"audio": "superb/hubert-large-superb-er", "video": file, "text": "a/b"}
    lines = in_use(chosen, weights)  # type: ignore[arg-type]
    assert [(line.modality, line.name, line.commercial) for line in lines] == [
        ("video", "enet_b0_8_best_vgaf.onnx", True),
        ("audio", "superb/hubert-large-superb-er", True),
        ("text", "a/b", None),
    ]
    assert lines[2].licence == "not known here: read its card"


def test_commerce_is_refused_what_is_forbidden_and_what_is_not_known(weights: Path) -> None:
    with pytest.raises(PolicyError, match=r"2 of the .*: voice/1 \(Apache-2.0\); RAVDESS \(CC BY-NC-SA"):
        require_commercial(in_use({}, weights))
    require_commercial(in_use({"audio": "superb/wav2vec2-base-superb-er"}, weights))
    with pytest.raises(PolicyError, match=r"someone/else \(not known here"):
        require_commercial(in_use({"audio": "someone/else"}, weights))


def test_a_corpus_that_the_catalogue_lacks_is_not_taken_as_permitted(tmp_path: Path) -> None:
    _card(tmp_path, "voice", "audio", ("recordings of our own",))
    model, data = in_use({}, tmp_path)
    assert (model.commercial, data.commercial, data.licence) == (None, None, "not in the catalogue")


def test_absent_cards_are_no_error_and_unreadable_ones_are(tmp_path: Path) -> None:
    assert in_use({}, tmp_path) == ()
    (tmp_path / "face.safetensors").write_bytes(b"")
    assert in_use({}, tmp_path) == ()
    (tmp_path / "face.json").write_text("{}")
    with pytest.raises(ModelError, match="is not a model card"):
        in_use({}, tmp_path)


def test_a_folder_is_known_by_its_name_and_another_owners_model_is_not(weights: Path) -> None:
    chosen = {"audio": "/models/hubert-large-superb-er", "text": "somebody/roberta-base-go_emotions"}
    audio, text = in_use(chosen, weights)  # type: ignore[arg-type]
    assert (audio.commercial, audio.note.split(";")[0]) == (True, "known by the name of its folder")
    assert (text.commercial, text.licence) == (None, "not known here: read its card")


def test_the_detector_of_faces_is_listed(tmp_path: Path) -> None:
    assert CASCADE == detect.CASCADE
    assert (detector_in_use(None).licence, detector_in_use(None).commercial) == ("Apache-2.0", True)
    named = detector_in_use(tmp_path / "face_detection_yunet_2023mar.onnx")
    assert (named.licence, named.commercial) == ("MIT", True)
    with pytest.raises(PolicyError, match=r"finder\.onnx .*video\.yunet_path"):
        require_commercial([detector_in_use(tmp_path / "finder.onnx")])


def test_the_command_lists_what_is_in_use_and_refuses_commerce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    shown = CliRunner().invoke(app, ["licences"])
    assert shown.exit_code == 0
    for name in ("detector", "face-resnet", "RAVDESS", "GoEmotions", "fusion.json"):
        assert name in shown.output
    refused = CliRunner().invoke(app, ["licences", "--commercial"])
    assert isinstance(refused.exception, PolicyError)
    assert "RAVDESS (CC BY-NC-SA 4.0" in str(refused.exception)


def test_the_models_of_this_copy_can_be_listed() -> None:
    assert all(line.licence for line in in_use({}, FOLDER))


def test_the_shipped_fusion_file_is_refused_in_commerce_and_ones_own_takes_its_place(tmp_path: Path) -> None:
    (line,) = fusion_in_use("uniform", None)
    assert (line.kind, line.name, line.commercial) == ("fitted fusion", "fusion.json", False)
    with pytest.raises(PolicyError, match=r"fusion\.json .*fusion\.fitted"):
        require_commercial([line])
    assert fusion_in_use("product", tmp_path / "mine.json") == ()
    assert fusion_in_use("product", None, tmp_path) == ()
    (network,) = fusion_in_use("concat", tmp_path / "mine.json")
    assert (network.name, network.commercial) == ("fusion-concat.safetensors", False)


def test_the_recogniser_counts_where_words_are_recognised() -> None:
    assert recogniser_in_use(False, "") == ()
    require_commercial(recogniser_in_use(True, ""))
    with pytest.raises(PolicyError, match="owner/asr"):
        require_commercial(recogniser_in_use(True, "owner/asr"))
