"""Wrong requests, broken files of a run and data that a run has seen end in one line that says what to do."""

from pathlib import Path

import pytest
from support.reference_runs import faces, speech, texts, typed

from affectstream.schemas.errors import AffectError, InputError


def test_a_broken_run_says_which_file_and_what_to_do(tmp_path: Path) -> None:
    for name, n, seed in (("train", 40, 0), ("valid", 21, 1)):
        faces(tmp_path / "ferplus" / f"{name}.npz", n, seed)
    run = tmp_path / "run"
    short = ("--epochs", 1, "--sides", "[[0, 32]]", "--held-out", 0.2)
    train = ("train", "face", "--network", "fer-cnn", "--data", tmp_path, "-o", run, *short)
    typed(*train)
    judge = ("evaluate", run, "--data", tmp_path / "ferplus" / "valid.npz")
    broken = (
        ("logits.npz", train, "logits.npz is missing or broken: delete it"),
        ("checkpoint.pt", train, "checkpoint.pt is broken: delete it"),
        ("points.json", train, "points.json is broken: delete it"),
        ("best.safetensors", judge, "best.safetensors is missing or broken"),
    )
    for name, arguments, told in broken:
        whole = (run / name).read_bytes()
        if name == "checkpoint.pt":
            for done in ("logits.npz", "best.safetensors"):  # or nothing is left to train
                (run / done).unlink()
        (run / name).write_bytes(whole[:90])
        with pytest.raises(InputError, match=told):
            typed(*arguments)
        (run / name).write_bytes(whole)
        if name == "checkpoint.pt":
            assert typed(*train).exit_code == 0
    with pytest.raises(InputError, match="is the training split"):
        typed("evaluate", run, "--data", tmp_path / "ferplus" / "train.npz")


def test_a_pipeline_is_judged_only_as_it_was_trained_and_on_what_it_has_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts(tmp_path / "corpora" / "meld")
    texts(tmp_path / "others" / "meld")
    train = (tmp_path / "others" / "meld" / "train_sent_emo.csv").read_text()
    (tmp_path / "others" / "meld" / "train_sent_emo.csv").write_text(train.replace("awful", "fine"))
    run = tmp_path / "run"
    typed("train", "text", "--network", "tfidf-bayes", "--data", tmp_path / "corpora", "-o", run)
    monkeypatch.setenv("AFFECT_DATA", str(tmp_path / "corpora"))
    made = typed("evaluate", run, "--data", tmp_path / "corpora")
    assert "MELD test" in made.output
    with pytest.raises(InputError, match="has learnt from every group"):
        typed("evaluate", run, "--data", tmp_path / "corpora" / "meld" / "train_sent_emo.csv")
    monkeypatch.setenv("AFFECT_DATA", str(tmp_path / "others"))
    with pytest.raises(InputError, match="is not what the run learnt from"):
        typed("evaluate", run, "--data", tmp_path / "corpora")


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora")
    speech(folder / "ravdess", range(1, 11))
    faces(folder / "ferplus" / "train.npz", 14, 0)
    faces(folder / "ferplus" / "valid.npz", 14, 1)
    texts(folder)
    (folder / "a-file").write_text("")
    return folder


MISTAKES = [
    (
        ("train", "face", "--network", "cnn"),
        r"no network of face is called 'cnn': there are face, face-refined, face-video, face-wide",
    ),
    (("train", "voice", "--network", "cnn", "--speed", "3"), r"speed: Extra inputs are not permitted"),
    (
        ("train", "voice", "--network", "cnn", "--folds", "[7]", "--data", "{data}"),
        r"folds 0 to 4, not \[7\]",
    ),
    (
        ("train", "face", "--network", "fer-cnn", "--labels", "corpus", "--data", "{data}"),
        "faces have the lab",
    ),
    (("train", "face", "--network", "fer-cnn", "--data", "{data}/nowhere"), "no Training faces in"),
    (("train", "face", "--network", "clip", "--data", "{data}"), "give --weights"),
    (("train", "face", "--network", "fer-cnn", "--smote", "--data", "{data}"), "works on feature vectors"),
    (("train", "face", "--recipe", "{data}/recipe.json"), "cannot be read"),
    (("evaluate", "{data}/nowhere"), "neither face, voice nor text, nor the folder of a run"),
    (("evaluate", "{data}"), "is no finished run of a network"),
    (("evaluate", "{data}", "--quick"), "not for a run folder"),
    (("evaluate", "face", "--data", "{data}/ferplus/train.npz"), "is the training split"),
    (("evaluate", "text", "--data", "{data}/train_sent_emo.csv"), "is a training split"),
    (("evaluate", "face", "-o", "{data}/a-file"), "cannot make the folder"),
    (("train", "face", "-o", "{data}/a-file", "--data", "{data}"), "cannot make the folder"),
    (("train", "face", "--network", "fer-cnn", "-o", "{data}/a-file"), "cannot make the folder"),
    (("train", "voice", "--network", "cnn", "--device", "toaster"), "device 'toaster' cannot be used"),
    (("train", "face", "--network", "fer-cnn", "--sides", "[]"), "rising from epoch 0"),
    (("train", "face", "--network", "fer-cnn", "--sides", "[[3, 48]]"), "rising from epoch 0"),
    (("train", "face", "--network", "fer-cnn", "--sides", "[[0, 1]]"), "16 pixels or more"),
    (("train", "face", "--network", "fer-cnn", "--strengths", "[[0, -1]]"), "a strength is 0 or more"),
    (
        (
            "train",
            "face",
            "--network",
            "fer-cnn",
            "--rate",
            "1e20",
            "--sides",
            "[[0, 32]]",
            "--data",
            "{data}",
        ),
        "diverged in epoch 1",
    ),
]


@pytest.mark.parametrize(("arguments", "told"), MISTAKES)
def test_a_mistake_gives_one_clear_line(
    arguments: tuple[str, ...], told: str, corpora: Path, tmp_path: Path
) -> None:
    output = ("-o", tmp_path / "run") if arguments[0] == "train" and "-o" not in arguments else ()
    with pytest.raises(AffectError, match=told) as error:
        typed(*(a.replace("{data}", str(corpora)) for a in arguments), *output)
    assert "\n" not in str(error.value)
