"""The FER+ reader: layouts, the choice of labels, and what a broken file says."""

from pathlib import Path

import numpy as np
import pytest

from affectstream.lab.datasets.ferplus import (
    Faces,
    load_csv,
    load_npz,
    majority,
    second_opinions,
    trainable,
    vote_shares,
)
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, FERPLUS_VOTES


def votes(**counts: int) -> np.ndarray:
    return np.array([[counts.get(name.replace("-", "_"), 0) for name in FERPLUS_VOTES]])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (votes(neutral=6, sad=4), "neutral"),
        (votes(fear=4, surprise=3, sad=3), "fear"),
        (votes(sad=5, angry=5), None),
        (votes(happy=5, contempt=5), None),
        (votes(contempt=6, neutral=4), None),
        (votes(unknown=5, angry=3), None),
        (votes(not_a_face=10), None),
    ],
)
def test_majority_takes_the_lone_first_among_the_seven(row: np.ndarray, expected: str | None) -> None:
    assert majority(row).tolist() == [-1 if expected is None else EMOTIONS.index(expected)]


def test_vote_shares_drop_single_votes_and_follow_the_order_of_the_project() -> None:
    shares = vote_shares(votes(surprise=6, fear=2, sad=1, contempt=1))[0]
    named = {name: share for name, share in zip(EMOTIONS, shares.tolist(), strict=True) if share}
    assert named == {"surprise": 0.75, "fear": 0.25}


@pytest.mark.parametrize(
    ("row", "label", "expected"),
    [
        (votes(neutral=7, angry=1), "angry", {"neutral": 7 / 12, "angry": 5 / 12}),
        (votes(neutral=9, surprise=1), "angry", {"neutral": 1.0}),  # no tagger saw anger
        (votes(neutral=5, sad=5), "sad", {"neutral": 0.5, "sad": 0.5}),  # sadness is not in doubt
        (votes(disgust=6, angry=4), "disgust", {"disgust": 10 / 14, "angry": 4 / 14}),
        (votes(neutral=7, fear=3), None, {"neutral": 0.7, "fear": 0.3}),
    ],
)
def test_a_second_opinion_counts_where_a_tagger_saw_the_same(
    row: np.ndarray, label: str | None, expected: dict[str, float]
) -> None:
    own = np.array([-1 if label is None else EMOTIONS.index(label)])
    face = Faces(np.zeros((1, 48, 48), np.uint8), row, own, np.array(["a"]))
    shares = second_opinions(face, 4.0)[0].tolist()
    named = {name: share for name, share in zip(EMOTIONS, shares, strict=True) if share}
    assert named == pytest.approx(expected)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (votes(sad=5, angry=5), True),
        (votes(contempt=6, neutral=4), False),
        (votes(not_a_face=8, sad=2), False),
        (votes(happy=1, sad=1, angry=1), False),
    ],
)
def test_trainable_takes_ties_among_the_seven_and_nothing_else_on_top(
    row: np.ndarray, expected: bool
) -> None:
    assert trainable(row).tolist() == [expected]


def arrays(n: int = 3) -> dict[str, np.ndarray]:
    return {
        "images": np.full((n, 48, 48), 7, np.uint8),
        "votes": np.ones((n, 10), np.int8),
        "fer2013": np.array([-1, 0, 6], np.int8)[:n],
        "names": np.array(["a.png", "b.png", "c.png"])[:n],
    }


def test_npz_is_read_whole(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", **arrays())
    faces = load_npz(tmp_path / "train.npz")
    assert faces.images.shape == (3, 48, 48)
    assert faces.fer2013.tolist() == [-1, 0, 6]
    assert faces.take(np.array([2])).names.tolist() == ["c.png"]


def test_npz_that_is_missing_or_broken_names_the_layout(tmp_path: Path) -> None:
    cases = {"missing.npz": None, "text.npz": b"not an archive", "empty.npz": b""}
    for name, content in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=r"images uint8 \(n, 48, 48\)"):
            load_npz(tmp_path / name)


def test_npz_that_is_torn_or_none_names_the_layout(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "whole.npz", **arrays())
    whole = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "holed.npz").write_bytes(whole[:100] + bytes(300) + whole[400:])
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "array.npy").rename(tmp_path / "array.npz")
    for name in ("half", "holed", "array"):
        with pytest.raises(InputError, match=r"is not a whole npz of arrays; expected images uint8"):
            load_npz(tmp_path / f"{name}.npz")


def test_npz_with_wrong_arrays_names_the_layout(tmp_path: Path) -> None:
    lacking = {k: v for k, v in arrays().items() if k != "votes"}
    empty = {name: array[:0] for name, array in arrays().items()}
    wrong = [
        lacking,
        empty,
        arrays() | {"images": np.zeros((3, 64, 64), np.uint8)},
        arrays() | {"images": np.uint8(3)},
        arrays() | {"votes": np.full((3, 10), "many")},
    ]
    for number, broken in enumerate(wrong):
        np.savez(tmp_path / f"{number}.npz", **broken)
        with pytest.raises(InputError, match="expected images uint8"):
            load_npz(tmp_path / f"{number}.npz")


PIXELS = " ".join(["9"] * 48 * 48)
FER2013_CSV = f"emotion,pixels,Usage\n0,{PIXELS},Training\n3,{PIXELS},PublicTest\n6,{PIXELS},PublicTest\n"
FERPLUS_CSV = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    "Training,fer0.png,0,0,0,0,10,0,0,0,0,0\nPublicTest,fer1.png,1,9,0,0,0,0,0,0,0,0\n"
    "PublicTest,,0,0,0,0,0,0,0,0,0,10\n"
)


def test_original_csv_files_are_joined_by_row_and_withdrawn_images_left_out(tmp_path: Path) -> None:
    pixels, counts = tmp_path / "fer2013.csv", tmp_path / "fer2013new.csv"
    pixels.write_text(FER2013_CSV)
    counts.write_text(FERPLUS_CSV)
    faces = load_csv(pixels, counts, "PublicTest")
    assert faces.names.tolist() == ["fer1.png"]
    assert EMOTIONS[faces.fer2013[0]] == EMOTIONS[majority(faces.votes)[0]] == "happy"


def test_csv_files_of_different_images_are_refused(tmp_path: Path) -> None:
    pixels, counts = tmp_path / "fer2013.csv", tmp_path / "fer2013new.csv"
    pixels.write_text(FER2013_CSV.replace("Training", "PublicTest"))
    counts.write_text(FERPLUS_CSV)
    with pytest.raises(InputError, match="row by row"):
        load_csv(pixels, counts, "Training")
    with pytest.raises(InputError, match=r"cannot read .*absent\.csv"):
        load_csv(tmp_path / "absent.csv", counts, "Training")
