"""Each modality is evaluated on what it was not trained on, with tiny weights and small corpora."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from rich.console import Console
from rich.progress import Progress
from safetensors.torch import save_file
from scipy.special import softmax
from typer.testing import CliRunner

from affectstream.cli import app
from affectstream.lab.evaluation.degrade_faces import FACES
from affectstream.lab.evaluation.outcome import SUFFIX, About, Outcome, save
from affectstream.lab.evaluation.run import EvaluationRequest
from affectstream.lab.evaluation.tasks import face, text, voice
from affectstream.lab.training import command
from affectstream.lab.training.recipe import changed, shipped_recipe, write_recipe
from affectstream.models.face.network import FaceNet
from affectstream.models.voice.network import VoiceNet
from affectstream.models.weights import FOLDER, write_card
from affectstream.schemas.errors import InputError

CARD = {"temperature": 1.3, "licence": "none", "data": ("none",), "trust": 0.5, "figures": {}}


@pytest.fixture(autouse=True)
def few_sounds_and_few_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "QUICK_SOUNDS", 1)
    monkeypatch.setattr(voice, "CHUNKS", 2)
    monkeypatch.setattr(face, "TIMED", 2)


def _given(data: Path, weights: Path, run: Path = Path("none")) -> EvaluationRequest:
    return EvaluationRequest(
        data, weights, run, "cpu", True, "affectstream evaluate", Progress(console=Console(quiet=True))
    )


def _save(network: torch.nn.Module, name: str, folder: Path, config: dict[str, object]) -> Path:
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / f"{name}.safetensors")
    write_card(name, CARD | {"model_id": f"{name}-tiny/1", "modality": name, "config": config}, folder)
    return folder


@pytest.fixture
def face_weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    shape = {"widths": (4, 4, 8, 8), "depths": (1, 1, 1, 1)}
    return _save(FaceNet(shape["widths"], shape["depths"]), "face", tmp_path, shape)


@pytest.fixture
def voice_weights(small_voice: None, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    return _save(VoiceNet(members=1, hidden=4), "voice", tmp_path, {"members": 1, "hidden": 4})


def _faces(path: Path, n: int = 28, labels: int = -1) -> None:
    rng = np.random.default_rng(0)
    votes = np.zeros((n, 10), np.int8)
    votes[np.arange(n), np.arange(n) % 7] = 10
    images = rng.integers(0, 255, (n, 48, 48), dtype=np.uint8)
    path.parent.mkdir(exist_ok=True)
    np.savez(path, images=images, votes=votes, fer2013=np.full(n, labels), names=np.arange(n).astype(str))


def _speech(folder: Path, actors: tuple[int, ...]) -> Path:
    rng = np.random.default_rng(0)
    for actor in actors:
        for emotion in range(1, 9):
            path = folder / f"Actor_{actor:02d}" / f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            loud = 0.3 * np.sin(np.arange(12_000) / (2 + emotion)) * (np.arange(12_000) // 1500 % 2)
            soundfile.write(path, loud + rng.normal(0, 0.01, 12_000), 8000)
    return folder


def _out_of_fold(run: Path) -> Path:
    """Keep out-of-fold logits of four actors in ``run``, and return the folder of their clips."""
    label = np.tile([0, 0, 1, 2, 3, 4, 5, 6], 4)
    logits = np.random.default_rng(0).normal(0, 1, (32, 7)) + 2 * np.eye(7)[label]
    kept = {"label": label, "actor": np.repeat([1, 2, 3, 4], 8), "fold": np.repeat([0, 0, 1, 1], 8)}
    for name in ("clip", "clip, telephone", "stream", "stream, telephone"):
        kept |= {name: logits, f"{name}, windows": logits, f"{name}, rows": np.arange(32)}
    np.savez(run / "out-of-fold.npz", **kept)
    return _speech(run / "ravdess", (1, 2, 3, 4))


def test_faces_are_judged_on_every_split_but_the_training_one(face_weights: Path, tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        _faces(tmp_path / "ferplus" / f"{name}.npz")
    found = face.evaluate(_given(tmp_path, face_weights))
    assert [o.about.split for o in found.outcomes if o.about.main] == [
        "PublicTest, not trained on",
        "PrivateTest, not trained on",
    ]
    assert found.points[0].condition == "clean"
    assert {p.condition for p in found.points[1:]} == {condition for condition, *_ in FACES}
    wanted = {(a.figure, a.wanted) for a in found.targets}
    assert {("accuracy", ">= 0.85"), ("macro F1", ">= 0.72"), ("ECE", "<= 0.03")} <= wanted


def test_own_labels_are_judged_by_the_weights_that_learnt_them(face_weights: Path, tmp_path: Path) -> None:
    _faces(tmp_path / "ferplus" / "valid.npz", labels=3)
    alone = face.evaluate(_given(tmp_path, face_weights))
    assert not [a for a in alone.targets if face.OWN_LABELS in a.figure]
    shape = {"widths": (4, 4, 8, 8), "depths": (1, 1, 1, 1)}
    network = FaceNet(shape["widths"], shape["depths"])
    torch.nn.init.constant_(network.head.bias, 0.0)
    network.head.bias.data[3] = 100.0  # says the label of every face
    _save(network, face.OWN_LABELS, face_weights, shape)
    found = face.evaluate(_given(tmp_path, face_weights))
    (own,) = [a for a in found.targets if face.OWN_LABELS in a.figure]
    assert (own.figure, own.wanted, own.met) == ("accuracy of face-fer2013", ">= 0.66", True)
    assert own.reached.startswith("1.000")


def test_missing_faces_name_the_layout(face_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"valid\.npz"):
        face.evaluate(_given(tmp_path / "nothing", face_weights))


def test_the_shipped_voice_is_judged_on_actors_that_it_never_heard(
    voice_weights: Path, tmp_path: Path
) -> None:
    folder = _speech(tmp_path / "ravdess", (3, 21, 22))
    (folder / "Actor_21" / "03-01-01-01-02-01-21.wav").write_bytes(b"cut off")
    found = voice.evaluate(_given(folder, voice_weights))
    assert "1 files that are no whole clip of speech are left out." in found.notes
    assert {group for outcome in found.outcomes for group in outcome.groups} == {"21", "22"}
    assert "actors 21, 22, not trained on" in found.outcomes[0].about.split
    assert any("8 clips of actors" in note for note in found.notes)
    assert {p.condition for p in found.points} == {
        "clean",
        "telephone",
        "white noise",
        "babble",
        "reverberation",
        "packet loss",
        "clipping",
    }
    assert set(found.outcomes[0].parts) == {"sex", "actor"}


def test_the_voice_is_never_judged_on_actors_that_it_was_trained_on(
    voice_weights: Path, tmp_path: Path
) -> None:
    found = voice.evaluate(_given(_speech(tmp_path / "ravdess", (1, 2)), voice_weights, tmp_path))
    assert found.outcomes == ()
    assert "trained on every actor" in found.notes[0]
    assert "affectstream train voice" in found.notes[-1]


def test_kept_folds_are_calibrated_without_their_own_clips(voice_weights: Path, tmp_path: Path) -> None:
    clips = _out_of_fold(tmp_path)
    found = voice.evaluate(_given(clips, voice_weights, tmp_path))
    first = found.outcomes[0]
    assert first.parts["sex"][:9] == ("male",) * 8 + ("female",)
    assert np.array_equal(first.before.argmax(axis=1), first.after.argmax(axis=1))
    scale = np.log(first.after[:, 0] / first.after[:, 1]) / np.log(first.before[:, 0] / first.before[:, 1])
    assert len({round(s, 6) for s in scale}) == 2
    assert found.points == ()


def test_corpora_never_heard_are_judged_with_and_without_other_clips_of_a_speaker(
    voice_weights: Path, tmp_path: Path
) -> None:
    clips = _out_of_fold(tmp_path)
    said = np.tile([0, 3], 20)  # of one speaker of TESS, whose voice sounds sad
    p = softmax(2 * np.eye(7)[said] + 4 * np.eye(7)[2], axis=1)
    about = About("speech", "RAVDESS, TESS", "folds", "as acted", "speakers")
    save(
        [Outcome(about, said, ("tess OAF",) * 40, p, p, {"corpus": ("tess",) * 40})],
        tmp_path / f"voice{SUFFIX}",
    )
    found = voice.evaluate(_given(clips, voice_weights, tmp_path))
    told = {target.figure: (target.wanted, target.reached[:5], target.met) for target in found.targets}
    assert told["UAR, TESS, never heard"] == (">= 0.72", "0.000", False)
    assert told["UAR, TESS, never heard, speakers known"] == ("", "1.000", None)
    names = [outcome.about.name for outcome in found.outcomes]
    assert names[-2:] == ["TESS, never heard", "TESS, never heard, speakers known"]


def test_a_broken_file_of_folds_says_how_to_make_it_again(voice_weights: Path, tmp_path: Path) -> None:
    clips = _speech(tmp_path / "ravdess", (1, 2))
    (tmp_path / "out-of-fold.npz").write_bytes(b"no")
    with pytest.raises(InputError, match="is broken; to make it again, delete it"):
        voice.evaluate(_given(clips, voice_weights, tmp_path))
    np.savez(tmp_path / "out-of-fold.npz", label=np.zeros(2))
    with pytest.raises(InputError, match="lacks actor, clip"):
        voice.evaluate(_given(clips, voice_weights, tmp_path))


def test_texts_are_read_from_the_official_names(tmp_path: Path) -> None:
    (tmp_path / "meld").mkdir()
    row = "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\nfine,Ross,joy,0,0\nno,Guest,anger,0,1\n"
    for split in ("train", "dev", "test"):
        (tmp_path / "meld" / f"{split}_sent_emo.csv").write_text(row)
    given = _given(tmp_path, FOLDER)
    assert [path.name for path in text.files(given)] == ["dev_sent_emo.csv", "test_sent_emo.csv"]
    said = text.read(tmp_path / "meld" / "dev_sent_emo.csv")
    assert [(s.speaker, s.context) for s in said] == [("Ross", ()), ("others", ("fine",))]
    with pytest.raises(InputError, match=r"goemotions/dev\.tsv"):
        text.files(_given(tmp_path / "nothing", FOLDER))


@pytest.mark.proof
def test_a_report_and_a_comparison_come_from_the_command_line(face_weights: Path, tmp_path: Path) -> None:
    _faces(tmp_path / "ferplus" / "valid.npz")
    arguments = ["evaluate", "face", "--data", str(tmp_path), "--weights", str(face_weights), "--quick"]
    runner = CliRunner()
    made = runner.invoke(app, [*arguments, "--threads", "1", "-o", str(tmp_path / "a")])
    assert made.exit_code == 0, made.output
    assert (tmp_path / "a" / "face-report.html").exists()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "face-outcomes.npz").write_bytes((tmp_path / "a" / "face-outcomes.npz").read_bytes())
    beside = runner.invoke(app, ["compare", str(tmp_path / "a"), str(tmp_path / "b")], env={"COLUMNS": "200"})
    assert beside.exit_code == 0, beside.output


def test_training_notes_every_start_in_the_run_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("affectstream.lab.training.run.run", lambda recipe, data, folder, say: None)
    chosen = command.recipe_of("voice", None, None, ("--seed", "1"))
    for _ in range(2):
        command.start(chosen, tmp_path, tmp_path / "run", lambda line: None)
    lines = (tmp_path / "run" / "starts.jsonl").read_text().splitlines()
    assert [json.loads(line)["recipe"]["seed"] for line in lines] == [1, 1]
    assert command.default_folder(chosen) == Path("runs/voice")


@pytest.mark.proof
def test_out_of_fold_logits_are_made_where_the_fold_networks_are(voice_weights: Path, tmp_path: Path) -> None:
    clips = _speech(tmp_path / "ravdess", tuple(range(1, 11)))
    run = tmp_path / "run"
    torch.manual_seed(0)
    made = VoiceNet(members=1, hidden=4)
    for k in range(5):
        (run / f"fold-{k}").mkdir(parents=True)
        save_file(made.state_dict(), run / f"fold-{k}" / "best.safetensors")
    write_recipe(changed(shipped_recipe("voice"), {"members": 1, "hidden": 4}), run / "recipe.json")
    found = voice.evaluate(_given(clips, voice_weights, run))
    assert (run / "out-of-fold.npz").exists()
    assert {group for outcome in found.outcomes for group in outcome.groups} == {
        f"{k:02d}" for k in range(1, 11)
    }
    assert found.outcomes[0].about.split.startswith("five folds by actor")
    assert [point.condition for point in found.points][:2] == ["clean", "telephone"]
