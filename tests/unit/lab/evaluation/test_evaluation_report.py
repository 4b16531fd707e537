"""The report is one document in two forms, the same bytes for the same predictions, and small."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from affectstream.lab.evaluation import document, outcome, report
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.outcome import About, Evaluation, Outcome, Point, Target
from affectstream.models.weights import Card
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS

N = 210


def _evaluation() -> Evaluation:
    rng = np.random.default_rng(0)
    labels = np.arange(N) % 7
    p = rng.dirichlet(np.ones(7), N) * 0.5 + 0.5 * np.eye(7)[labels]
    about = About("RAVDESS | clips", "RAVDESS", "five folds", "acted", "actors")
    whole = Outcome(about, labels, tuple(f"{i // 10}" for i in range(N)), p**2 / (p**2).sum(1)[:, None], p,
                    {"sex": tuple("fm"[i // 10 % 2] for i in range(N))})  # fmt: skip
    card = Card(
        model_id="voice-test/1", modality="audio", labels=EMOTIONS, temperature=1.2, sha256="ab" * 32,
        licence="none", data=("RAVDESS",), trust=0.5, config={}, figures={},
    )  # fmt: skip
    points = tuple(
        Point(c, s, u, summary(p, labels), N) for c, s, u in (("clean", 0, ""), ("noise", 10, "dB"))
    )
    targets = (
        Target("UAR", ">= 0.67", "0.9 [0.8, 1.0]", True, about, N, 21),
        Target("ms", "< 15 ms", "20", False, None),
    )
    notes = ("a note with <b>brackets</b>",)
    return Evaluation("voice", card, (whole,), points, "uar", targets, notes, "affectstream evaluate voice")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    report.write(_evaluation(), made, draws=20)
    return made


def test_a_report_is_written_whole_and_small(folder: Path) -> None:
    paths = [folder / name for name in (
        "voice-report.md", "voice-report.html", "voice-figures.json", "voice-outcomes.npz"
    )]  # fmt: skip
    text = paths[0].read_text()
    for word in (
        "UAR",
        "macro F1",
        "weighted F1",
        "NLL",
        "Brier",
        "AURC",
        "sex: f",
        "noise",
        "21 actors",
        "no |",
    ):
        assert word in text, word
    linked = {line.split("(")[1].rstrip(")") for line in text.splitlines() if line.startswith("![")}
    assert linked == {str(p.relative_to(folder)) for p in (folder / "plots").iterdir()}
    assert sum(p.stat().st_size for p in (folder / "plots").iterdir()) < 400_000
    figures = json.loads(paths[2].read_text())["RAVDESS | clips"]
    assert figures["accuracy"] == pytest.approx(
        summary(_evaluation().outcomes[0].after, np.arange(N) % 7)["accuracy"]
    )


def test_the_page_needs_no_other_file(folder: Path) -> None:
    sources: list[str] = []

    class Sources(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            sources.extend(value or "" for name, value in attrs if name in ("src", "href"))

    page = (folder / "voice-report.html").read_text()
    Sources().feed(page)
    assert len(sources) == 2
    assert all(s.startswith("data:image/png;base64,") for s in sources)
    assert "<b>" not in page


def test_the_same_predictions_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    report.write(_evaluation(), tmp_path, draws=20)
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".npz":
            assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes()


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    text = document.markdown([document.Table(("a", "b"), (("x | y", "1"),))], "plots")
    assert text == "| a | b |\n| --- | ---: |\n| x \\| y | 1 |\n"


def test_predictions_are_kept_for_later_comparisons(folder: Path) -> None:
    first = _evaluation().outcomes[0]
    (kept,) = outcome.of_run(folder)
    assert kept.about == first.about
    assert kept.groups == first.groups
    assert kept.parts == first.parts
    assert np.array_equal(kept.labels, first.labels)
    assert np.allclose(kept.after, first.after, atol=1e-6)


def test_a_folder_without_predictions_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="affectstream evaluate"):
        outcome.of_run(tmp_path)
    for broken in (b"no", b"", b"PK\x03\x04 cut off"):
        (tmp_path / "x-outcomes.npz").write_bytes(broken)
        with pytest.raises(InputError, match="holds no predictions"):
            outcome.of_run(tmp_path)
