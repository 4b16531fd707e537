"""Evaluation of the text model: figures on small corpora in the official layouts, tables and the command."""

import json
from pathlib import Path

import numpy as np
import pytest

from affectstream.lab.text.corpus import Row
from affectstream.lab.text.evaluate import figures, main, tables


def test_figures_of_a_perfect_and_sure_prediction() -> None:
    rows = [Row("x", (), i % 7, 0, f"d{i // 7}") for i in range(21)]
    got = figures(np.eye(7)[[r.label for r in rows]], rows)
    assert got["weighted_f1"] == got["macro_f1"] == got["uar"] == got["accuracy"] == 1.0
    assert got["ece"] == 0.0
    assert got["groups"] == 3
    assert tables({"MELD": got})[0].row_count == 1


def test_the_command_writes_the_figures_of_files_in_the_official_layouts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meld = tmp_path / "dev.csv"
    lines = ["I love it!,A,joy,0,0", "Go away!,B,anger,0,1", "Okay.,A,neutral,1,0", "She died.,B,sadness,1,1"]
    meld.write_text("Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\n" + "\n".join(lines))
    comments = tmp_path / "dev.tsv"
    comments.write_text("Thank you!\t15\ta\nI hate this.\t3\tb\ntie\t2,27\tc\n")
    out = tmp_path / "figures.json"
    main(["--meld", str(meld), "--goemotions", str(comments), "--threads", "1", "--json", str(out)])
    written = json.loads(out.read_text())
    assert [row["n"] for row in written["figures"].values()] == [4, 4, 4, 2]
    assert written["speed"]["median_ms"] > 0
    assert "precision" in capsys.readouterr().out
