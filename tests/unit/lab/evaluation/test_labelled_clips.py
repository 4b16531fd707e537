"""Labels of clips by name and by table, and the figures of each modality and of the fused emotion."""

from pathlib import Path

import numpy as np
import pytest
from support.session_lines import spread, states, window
from typer.testing import CliRunner

from affectstream import cli
from affectstream.lab.evaluation.document import markdown
from affectstream.lab.evaluation.labelled_clips import LabelledClip, blocks, outcomes, read
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX


def folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_the_emotion_is_read_from_the_name_and_words_from_the_transcript_beside_it(tmp_path: Path) -> None:
    place = folder(
        tmp_path, "M003_level_1_happy_024.mp4", "W1_disgusted.wav", "W1_disgusted.vtt", "notes.mp4"
    )
    happy, disgusted = read(place)
    assert (happy.label, happy.speaker, happy.transcript) == (INDEX["happy"], "M003", None)
    assert (disgusted.label, disgusted.transcript) == (INDEX["disgust"], place / "W1_disgusted.vtt")


def test_names_of_ravdess_say_their_emotion(tmp_path: Path) -> None:
    (clip,) = read(folder(tmp_path, "Actor_21/01-01-02-01-01-01-21.mp4"))
    assert clip.label == INDEX["neutral"]  # calm


def test_a_table_names_path_emotion_and_speaker(tmp_path: Path) -> None:
    place = folder(tmp_path, "a.wav", "b.wav")
    (place / "labels.csv").write_text("path,emotion,speaker\nb.wav,anger,Ann\na.wav,fear,\n")
    assert [(c.path.name, c.label, c.speaker) for c in read(place)] == [
        ("b.wav", INDEX["angry"], "Ann"),
        ("a.wav", INDEX["fear"], "a"),
    ]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("path,emotion\nmissing.wav,happy\n", "line 2: its path names no file"),
        ("path,emotion\na.wav,bored\n", "line 2: its emotion is none of the seven"),
        ("file,label\na.wav,happy\n", "line 2"),
    ],
)
def test_a_line_of_the_table_that_is_wrong_is_named(table: str, reason: str, tmp_path: Path) -> None:
    (folder(tmp_path, "a.wav") / "labels.csv").write_text(table)
    with pytest.raises(InputError, match=reason):
        read(tmp_path)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), "no labelled clip in .*name the emotion"),
        (("holiday.mp4",), "no labelled clip"),
        (("happy_or_sad.mp4",), "emotions happy and sad"),
    ],
)
def test_a_folder_without_labels_is_refused_by_the_command(
    names: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=reason):
        CliRunner().invoke(
            cli.app, ["evaluate", "clips", str(folder(tmp_path, *names))], catch_exceptions=False
        )


def clip(emotion: str, speaker: str) -> LabelledClip:
    return LabelledClip(Path(f"{speaker}_{emotion}.mp4"), INDEX[emotion], speaker, None)


CLIPS = (clip("happy", "Ann"), clip("sad", "Bob"))
WINDOWS = {
    0: [
        window(0, spread("happy", 0.6), modalities=states(video="happy", audio="sad")),
        window(1, None, modalities=()),
    ],
    1: [window(0, spread("happy", 0.6), modalities=states(video="happy", audio="sad"))],
}


def test_every_modality_and_the_fused_are_judged_by_window_and_by_clip() -> None:
    by_window, by_clip = (outcomes(CLIPS, WINDOWS, whole) for whole in (False, True))
    assert list(by_window) == list(by_clip) == ["video", "audio", "fused"]  # no words anywhere
    assert by_window["video"].labels.tolist() == [INDEX["happy"]] * 2 + [INDEX["sad"]]
    assert by_window["video"].after[1] == pytest.approx([1 / 7] * 7)  # nothing there is uniform
    assert by_clip["fused"].after[0] == pytest.approx(spread("happy", 0.6))
    right = {name: (o.after.argmax(axis=1) == o.labels).tolist() for name, o in by_clip.items()}
    assert right == {"video": [True, False], "audio": [False, True], "fused": [True, False]}
    assert by_clip["audio"].groups == ("Ann", "Bob")


def test_the_page_says_whether_the_fused_is_worse_than_its_best_part() -> None:
    text = markdown(list(blocks(CLIPS, WINDOWS, 50)), "plots")
    assert "| Ann_happy | happy | 2 | happy 0.70 | sad 0.70 | - | happy 0.60 |" in text
    assert "accuracy: fused 0.500, not worse than the best single modality" in text
    nll = -np.log(0.6) - np.log((1 - 0.6) / 6)
    assert f"NLL: fused {nll / 2:.3f}" in text
