"""What `affectstream evaluate` prints can be read on a terminal of 80 columns."""

import io

import numpy as np
from rich.console import Console

from affectstream.lab.evaluation.outcome import About, Evaluation, Outcome, Target
from affectstream.lab.evaluation.tables import show_evaluation
from affectstream.models.weights import Card
from affectstream.schemas.labels import EMOTIONS

ABOUT = About("FER+ majority, PublicTest", "FER+", "not trained on", "most of ten votes", "sets of twins")


def printed(targets: tuple[Target, ...]) -> str:
    labels = np.arange(14) % 7
    p = np.full((14, 7), 1 / 7)
    outcome = Outcome(ABOUT, labels, tuple(map(str, labels)), p, p)
    card = Card(
        model_id="face-test/1", modality="face", labels=EMOTIONS, temperature=1.2, sha256="ab" * 32,
        licence="none", data=("FER+",), trust=0.5, config={}, figures={},
    )  # fmt: skip
    out = io.StringIO()
    found = Evaluation(
        "face", card, (outcome,), (), "accuracy", targets, ("a note",), "affectstream evaluate"
    )
    show_evaluation(found, 20, Console(file=out, width=80))
    return out.getvalue()


def test_a_figure_stands_on_one_line_with_its_aim_its_interval_and_its_set() -> None:
    error = "0.017 (exactly right ones: 0.015, 95 % below 0.022)"
    lines = printed((
        Target("accuracy", ">= 0.84", "0.845 [0.833, 0.858]", True, ABOUT, 3372, 3340),
        Target("ECE", "<= 0.03", error, True, ABOUT, 3372, 3340),
        Target("faces a second at batch 32", ">= 1,000", "900", False, None),
    )).splitlines()  # fmt: skip
    whole = ["accuracy", ">=", "0.84", "0.845", "[0.833,", "0.858]", "yes", "(1)"]
    assert whole in [line.split() for line in lines]
    assert any(line.startswith(" ECE ") and "<= 0.03" in line and "yes" in line for line in lines)
    assert any("faces a second" in line and "no" in line.split() for line in lines)
    where = "(1) FER+ majority, PublicTest: not trained on; most of ten votes; 3372 items, 3340 sets of twins"
    assert " ".join(" ".join(lines).split()).count(where) == 1
