"""Each kind of reference network runs from the command line on a tiny corpus, and its runs compare."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support.reference_runs import faces, speech, texts, typed
from transformers import BertConfig, BertModel, CLIPVisionConfig, CLIPVisionModelWithProjection

from affectstream.lab.evaluation.degrade_faces import FACES
from affectstream.lab.evaluation.outcome import of_run
from affectstream.lab.training import page
from affectstream.lab.training.augment import clips as speech_variants
from affectstream.lab.training.catalogue import NETWORKS
from affectstream.lab.training.command import recipe_of
from affectstream.lab.training.networks.clip import ClipFrames, FeatureHead, as_frames, clip_frames
from affectstream.lab.training.networks.voice import RATE_HZ
from affectstream.lab.training.recipe import VOTED, shipped_recipe
from affectstream.models.weights import FOLDER, read_card
from affectstream.schemas.errors import InputError, ModelError

TINY_CLIP = CLIPVisionConfig(
    hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=32,
    patch_size=8, projection_dim=12,
)  # fmt: skip


@pytest.mark.proof
def test_a_face_network_trains_is_shown_again_and_judged_on_other_faces(tmp_path: Path) -> None:
    for name, n, seed in (("train", 40, 0), ("valid", 21, 1), ("test", 14, 2)):
        faces(tmp_path / "ferplus" / f"{name}.npz", n, seed)
    run = tmp_path / "run"
    short = ("--epochs", 1, "--batch", 32, "--sides", "[[0, 32]]", "--held-out", 0.2)
    made = typed("train", "face", "--network", "fer-cnn", "--data", tmp_path, "-o", run, *short)
    assert made.exit_code == 0, made.output
    assert {path.name for path in run.iterdir()} >= {
        *("recipe.json", "log.jsonl", "checkpoint.pt", "best.safetensors", "card.json", "starts.jsonl"),
        *("face-outcomes.npz", "face-report.md"),
    }
    assert json.loads((run / "recipe.json").read_text())["sides"] == [[0, 32]]
    assert len(of_run(run)[0].labels) == 21
    assert len(json.loads((run / "points.json").read_text())) == 1 + sum(len(c[3]) for c in FACES)
    assert "On 7 items of the first set" in (run / "face-report.md").read_text()
    shown = typed("evaluate", run).output
    assert "FER2013's own labels, PublicTest" in shown
    assert "mouth covered" in shown
    assert "FER2013's own labels, PrivateTest" in typed("evaluate", run, "--data", tmp_path).output
    again = typed("train", "face", "--recipe", run / "recipe.json", "--data", tmp_path, "-o", tmp_path / "b")
    assert again.exit_code == 0, again.output
    assert np.array_equal(of_run(run)[0].before, of_run(tmp_path / "b")[0].before)
    beside = typed("compare", run, tmp_path / "b")
    assert "+0.000" in beside.output


def test_speech_networks_keep_actors_apart_and_refuse_those_they_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speech_variants, "variants", lambda samples, rng: iter([samples]))  # the plain one
    speech(tmp_path / "ravdess", range(1, 11))
    (tmp_path / "ravdess" / "Actor_01" / "03-01-01-01-02-01-01.wav").write_bytes(b"cut off")
    run = tmp_path / "run"
    arguments = ("train", "voice", "--network", "cnn", "--data", tmp_path, "-o", run)
    made = typed(*arguments, "--folds", "[1, 3]", "--epochs", 1, "--held-out", 0.4)
    assert made.exit_code == 0, made.output
    outcome = of_run(run)[0]
    assert outcome.about.name == "RAVDESS, fold 1, 3 of five"
    assert set(outcome.parts) == {"sex", "actor"}
    assert outcome.about.split.endswith("1 files that are no whole clip left out")
    report = (run / "voice-report.md").read_text()
    for part in (
        "sex: female",
        "| telephone | 8 kHz, 300 to 3400 Hz, mu-law |",
        "| babble | 0 dB",
        "| packet loss | 0.5",
    ):
        assert part in report, part
    for fold in ("fold-1", "fold-3"):
        with np.load(run / fold / "logits.npz") as kept:
            assert len(kept["learnt"]) == 8
            assert not set(outcome.groups) <= set(kept["learnt"])
    with pytest.raises(InputError, match="has learnt from every group"):
        typed("evaluate", run, "--data", tmp_path)
    speech(tmp_path / "others", range(21, 23))
    assert "RAVDESS, other actors" in typed("evaluate", run, "--data", tmp_path / "others").output


@pytest.mark.parametrize("balance", ["--smote", "--class-weights"])
def test_a_text_pipeline_balances_its_classes_and_is_tabulated(balance: str, tmp_path: Path) -> None:
    texts(tmp_path / "meld")
    run = tmp_path / "run"
    made = typed("train", "text", "--network", "tfidf-logistic", "--data", tmp_path, "-o", run, balance)
    assert made.exit_code == 0, made.output
    assert float((of_run(run)[0].after.argmax(axis=1) == of_run(run)[0].labels).mean()) == 1.0
    report = (run / "text-report.md").read_text()
    assert "| speaker: Ross |" in report
    assert "| word errors | 0.4 word error rate |" in report
    page.main([run], tmp_path / "page.md")
    written = (tmp_path / "page.md").read_text()
    field = balance[2:]
    assert f"affectstream train text --network tfidf-logistic {balance} true -o runs/run" in written, field
    assert "| fer-cnn | 002 |" in written.partition("Not trained here")[2]


def test_an_encoder_of_transformers_is_tuned_from_a_local_folder(tmp_path: Path) -> None:
    texts(tmp_path / "meld")
    config = BertConfig(
        vocab_size=30, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(tmp_path / "bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "day", "what", "lovely", "awful", "it", "is"]
    (tmp_path / "bert" / "vocab.txt").write_text("\n".join(words))
    (tmp_path / "bert" / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    run = tmp_path / "run"
    arguments = ("train", "text", "--network", "bert", "--data", tmp_path, "-o", run, "--epochs", 1)
    with pytest.raises(InputError, match="give --weights"):
        typed(*arguments)
    made = typed(*arguments[:-4], "-o", tmp_path / "two", "--epochs", 1, "--weights", tmp_path / "bert")
    assert made.exit_code == 0, made.output
    assert "| truncation | 0.25" in (tmp_path / "two" / "text-report.md").read_text()


def clip_folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    CLIPVisionModelWithProjection(TINY_CLIP).save_pretrained(tmp_path / "clip")
    return tmp_path / "clip"


def test_a_head_learns_on_vectors_of_clip_with_smote(tmp_path: Path) -> None:
    for name, n, seed in (("train", 60, 0), ("valid", 21, 1)):
        faces(tmp_path / "ferplus" / f"{name}.npz", n, seed)
    arguments = ("train", "face", "--network", "clip", "--data", tmp_path, "--weights", clip_folder(tmp_path))
    made = typed(*arguments, "-o", tmp_path / "run", "--epochs", 2, "--smote", "--class-weights", "false")
    assert made.exit_code == 0, made.output
    assert len(list((tmp_path / "features").glob("clip-*.npz"))) == 1
    assert "| darkness | 0.06" in (tmp_path / "run" / "face-report.md").read_text()


def test_clip_is_frozen_averages_frames_and_its_head_learns_a_tiny_batch_by_heart() -> None:
    torch.manual_seed(0)
    encoder = ClipFrames(CLIPVisionModelWithProjection(TINY_CLIP)).train()
    head = FeatureHead(encoder.width, dropout=0.0).train()
    frames = torch.rand(7, 3, 3, 40, 40) * 255
    features = encoder(frames)
    assert features.shape == (7, 12)
    each = torch.stack([encoder(frames[:, i : i + 1]) for i in range(3)])
    assert torch.allclose(features, each.mean(dim=0), atol=1e-5)
    learnt = [p for p in (*encoder.parameters(), *head.parameters()) if p.requires_grad]
    assert len(learnt) == 4
    optimiser, labels = torch.optim.Adam(learnt, lr=0.02), torch.arange(7)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(head(features), labels)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    assert float(loss.detach()) < 0.05
    assert not encoder.encoder.training
    assert as_frames(torch.zeros(2, 48, 48)).shape == (2, 1, 3, 48, 48)


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=9)
    BertModel(config).save_pretrained(tmp_path / "bert")
    with pytest.raises(ModelError, match="type bert, not CLIP"):
        clip_frames(str(tmp_path / "bert"))


def test_speech_is_stretched_moved_in_pitch_and_made_noisy() -> None:
    rate_hz = RATE_HZ
    tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)).astype(np.float32)
    plain, stretched, moved, noisy = speech_variants.variants(tone, np.random.default_rng(3))

    def pitch_hz(samples: np.ndarray) -> float:
        return float(np.abs(np.fft.rfft(samples[:8192])).argmax() * rate_hz / 8192)

    assert np.array_equal(plain, tone)
    assert 0.9 <= len(tone) / len(stretched) <= 1.1
    assert len(stretched) != len(tone)
    assert pitch_hz(stretched) == pytest.approx(440, abs=6)
    assert len(moved) == len(tone)
    assert 1 < abs(pitch_hz(moved) - 440) < 440 * (2 ** (2.2 / 12) - 1)
    snr_db = 10 * np.log10(np.mean(tone**2) / np.mean((noisy - tone) ** 2))
    assert snr_db == pytest.approx(15, abs=0.5)


def test_masks_blank_some_rows_and_frames_but_never_most() -> None:
    rows = torch.ones(50, 1, 20, 100)
    shown = (speech_variants.varied(rows, torch.Generator().manual_seed(0), -1.0) > 0).float()
    assert shown.shape == (50, 20, 100)
    assert 0.5 < float(shown.mean()) < 0.95
    assert float(shown.mean(dim=(1, 2)).min()) > 0.4


def test_a_folder_keeps_one_recipe(tmp_path: Path) -> None:
    texts(tmp_path / "meld")
    arguments = ("train", "text", "--network", "tfidf-bayes", "--data", tmp_path, "-o", tmp_path / "run")
    typed(*arguments)
    with pytest.raises(InputError, match="is another recipe"):
        typed(*arguments, "--seed", 4)


def test_a_start_that_failed_keeps_no_recipe(tmp_path: Path) -> None:
    arguments = ("train", "text", "--network", "tfidf-bayes", "-o", tmp_path / "run", "--data", tmp_path)
    with pytest.raises(InputError, match="meld"):
        typed(*arguments)
    texts(tmp_path / "meld")
    typed(*arguments, "--seed", 4)
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["seed"] == 4


@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_network_has_a_recipe_of_its_own_name(name: str) -> None:
    assert recipe_of(NETWORKS[name].modality, name, None, ()).network == name


@pytest.mark.parametrize("name", [*VOTED, "voice", "text", "fusion-networks", "face-fer2013"])
def test_the_recipes_beside_the_cards_are_read_as_they_are_written(name: str) -> None:
    written = json.loads((FOLDER / f"{name}.recipe.json").read_text())
    read = json.loads(shipped_recipe(name).model_dump_json())
    assert {field: read[field] for field in written} == written


def test_the_recipe_of_the_own_labels_is_that_of_its_card() -> None:
    config = read_card("face-fer2013").config
    assert config | json.loads((FOLDER / "face-fer2013.recipe.json").read_text()) == config
