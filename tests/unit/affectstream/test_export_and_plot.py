"""What a user is handed: the lines of analyze, the plot and the live table."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.observations import final

from affectstream import plot, tables
from affectstream.analytics.alerts import alerts
from affectstream.analytics.label import Display
from affectstream.analytics.lines import COLUMNS, lines
from affectstream.analytics.rules import Rule
from affectstream.export import write
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion, ModalityState, Reason
from affectstream.session_file import Event, events
from affectstream.tables import LiveTable, weight_bar

PLAIN = Display()
P = (0.1, 0.5, 0.1, 0.1, 0.1, 0.05, 0.05)
SURE = (0.05, 0.7, 0.05, 0.05, 0.05, 0.05, 0.05)


def as_json(fused: FusedEmotion, display: Display = PLAIN) -> dict[str, Any]:
    (line,) = lines([fused], display)
    found: dict[str, Any] = json.loads(line)
    return found


def window(second: int, party: str = "customer", pane: str = "final", said: bool = True) -> FusedEmotion:
    state = ModalityState(modality="audio", state="abstained", reason=Reason.SILENCE)
    if said:
        state = ModalityState(
            modality="audio", state="present", p=P, weight=1.0, quality=0.5, count=2, model_id="voice/1"
        )
    return final(
        second * 1000 + 1000,
        P if said else None,
        party=party,
        pane=pane,
        uncertainty=0.8 if said else 1.0,
        modalities=(state, ModalityState(modality="text", state="missing")),
    )


def test_a_json_line_names_every_probability_and_says_why() -> None:
    line = as_json(window(3))
    assert line["probabilities"] == dict(zip(EMOTIONS, P, strict=True))
    assert line["modalities"]["audio"]["weight"] == 1.0
    assert line["modalities"]["text"]["state"] == "missing"
    assert as_json(window(3, said=False))["modalities"]["audio"]["reason"] == "silence"


def in_conflict() -> FusedEmotion:
    sad = (0.1, 0.1, 0.5, 0.1, 0.1, 0.05, 0.05)
    states = (
        ModalityState(modality="audio", state="present", p=P, weight=0.7, trust=0.6),
        ModalityState(modality="text", state="present", p=sad, weight=0.3, trust=0.2),
    )
    return window(7).model_copy(update={"modalities": states, "disagreement": 0.4})


def test_a_json_line_says_what_to_show_who_contradicts_whom_and_how_far_each_was_trusted() -> None:
    line = as_json(in_conflict(), Display(min_probability=0.6))
    assert (line["label"], line["shown"], line["conflict"]) == ("happy", None, "words sad, voice happy")
    text = line["modalities"]["text"]
    assert (text["state"], text["weight"], text["trust"]) == ("present", 0.3, 0.2)
    assert as_json(window(1))["conflict"] is None


def test_the_live_table_says_the_newest_conflict_and_marks_what_is_uncertain() -> None:
    table = LiveTable("call", 0, Display(min_probability=0.6))
    table.add([window(0).model_copy(update={"p": SURE}), in_conflict()])
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table)
    rows = captured.get().splitlines()
    assert "7 s, customer: words sad, voice happy" in captured.get()
    assert any(row.split()[:4] == ["7", "s", "customer", "?"] for row in rows)
    assert any(row.split()[:4] == ["0", "s", "customer", "happy"] for row in rows)


def test_csv_has_one_column_per_value_and_empty_cells_for_what_is_not_there(tmp_path: Path) -> None:
    write([window(0), window(1, said=False)], tmp_path / "out.csv", PLAIN)
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert float(rows[0]["happy"]) == float(rows[0]["audio_happy"]) == 0.5
    assert rows[1]["label"] == rows[1]["happy"] == rows[0]["video_state"] == ""


def test_an_output_of_unknown_kind_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"out\.xls.*\.jsonl or \.csv"):
        write([], tmp_path / "out.xls", PLAIN)


def test_an_output_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        write([], tmp_path / "nowhere" / "out.csv", PLAIN)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_plot_is_drawn_with_gaps(tmp_path: Path, ending: str) -> None:
    windows = [window(i, party, said=i != 2) for party in ("agent", "customer") for i in range(5)]
    plot.draw(windows, tmp_path / f"out.{ending}", "call")
    assert (tmp_path / f"out.{ending}").stat().st_size > 5_000


def test_a_plot_says_in_words_what_happened(tmp_path: Path) -> None:
    rule = Rule(name="happy", kind="above", emotions=("happy",), level=0.4, seconds=3)
    finals = [window(i) for i in range(20)]
    plot.draw(
        finals, tmp_path / "out.svg", "call", PLAIN, alerts([rule], finals), [Event(5, 9, "face hidden")]
    )
    drawn = (tmp_path / "out.svg").read_text()
    for text in ("ALERT happy 0.50 of 0.40 (voice 0.50)", "face hidden", "customer", "voice", "no evidence"):
        assert f"<!-- {text} -->" in drawn, text  # matplotlib names every text that it draws as outlines


def test_the_same_session_gives_the_same_svg(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        plot.draw([window(i) for i in range(3)], tmp_path / name, "call")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_session_file_names_what_happened_and_other_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "session.json").write_text(
        json.dumps(
            {
                "session": "a",
                "parties": [{"party": "customer", "media": "a.wav"}],
                "events": [
                    {"event": "silence", "start_s": 1, "end_s": 2.5, "about": "x"},
                    {"note": "no event"},
                ],
            }
        )
    )
    assert events(tmp_path / "session.json") == (Event(1, 2.5, "silence"),)
    assert events(tmp_path / "call.mp4") == ()


def test_a_plot_of_nothing_or_of_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no final window"):
        plot.draw([], tmp_path / "out.png", "call")
    with pytest.raises(InputError, match=r"\.png, \.svg or \.pdf"):
        plot.draw([window(0)], tmp_path / "out.gif", "call")


def test_the_live_table_replaces_an_early_window_by_its_final() -> None:
    table = LiveTable("call", 0, PLAIN)
    table.add([window(0, pane="early"), window(0), window(1, said=False)])
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table)
    text = captured.get()
    assert sum(line.lstrip().startswith("0 s ") for line in text.splitlines()) == 1
    table.add([window(second) for second in (40, 3, 2)] + [window(second) for second in range(4, 30)])
    with console.capture() as captured:
        console.print(table)
    times = [line.partition(" s ")[0].strip() for line in captured.get().splitlines()]
    assert "40" in times and "3" not in times
    assert "happy ██" in text
    assert "silence" in text
    assert "missing" in text


def widest() -> FusedEmotion:
    """A window with the longest words that a row may have, six hours after the call's start."""
    p = tuple(0.4 if name == "surprise" else 0.1 for name in EMOTIONS)
    states = [
        ModalityState(modality=m, state="present", p=p, weight=weight, count=1)
        for m, weight in (("video", 0.55), ("audio", 0.02))
    ]
    withheld = ModalityState(modality="text", state="abstained", reason=Reason.NOT_PERMITTED)
    return window(6 * 3600).model_copy(
        update={"p": p, "label": "surprise", "modalities": (*states, withheld), "disagreement": 0.25}
    )


def test_the_live_table_fits_80_columns_and_shows_weights_as_bars() -> None:
    table = LiveTable("call", 0, PLAIN)
    table.add([widest()])
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table)
    (row,) = [line for line in captured.get().splitlines() if "21600 s" in line]
    assert "…" not in captured.get()
    assert row.split()[2:4] == ["customer", "surprise"]
    assert row.split()[-6:] == ["surprise", "█▏", "surprise", "▏", "withheld", "0.25"]


def test_a_terminal_without_blocks_has_plain_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "can_print", lambda text: False)
    assert [weight_bar(weight) for weight in (0.0, 0.1, 0.6, 1.0)] == ["", "#", "#", "##"]
