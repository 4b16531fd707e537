"""The bench on small corpora made here: the stream's own path, staged splices, the page."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.progress import Progress
from support.paths import ROOT
from typer.testing import CliRunner

from affectstream.analytics.label import Display
from affectstream.analytics.rules import read
from affectstream.analytics.usual import FLOOR, voice_of
from affectstream.analyze import finals as analyzed
from affectstream.cli import app
from affectstream.lab.calls import page
from affectstream.lab.calls.acted import CORPORA, LINE_HZ, Speaker, loudness, reel, speakers
from affectstream.lab.calls.bench import Bench, Measured
from affectstream.lab.calls.recordings import Recording, load, routine
from affectstream.lab.calls.staged import EMOTIONS, LEAD_S, SPLICE_S, TAIL_S, staged
from affectstream.lab.calls.stream import Stream
from affectstream.lab.calls.unheard import Unheard
from affectstream.lab.calls.usual import usual_of
from affectstream.lab.evaluation.document import Table
from affectstream.producers.session import messages
from affectstream.runtime.settings import load as settings_of
from affectstream.schemas.errors import InputError
from affectstream.session_file import SessionArguments, plan
from affectstream.workers.audio import AudioAnalyst, analyst


def speech(seconds: float, seed: int, rate_hz: int = 16_000) -> np.ndarray:
    """Syllables of harmonics with pauses: enough for the gate to take it for speech."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    pitch = 120 + 40 * rng.random() + 20 * np.sin(2 * np.pi * 0.7 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / rate_hz
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    return (0.1 * voice * (np.sin(2 * np.pi * 3 * t) > -0.3)).astype(np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A call of 90 s, and two speakers of a corpus who act three emotions."""
    folder = tmp_path_factory.mktemp("corpora")
    (folder / "calls").mkdir()
    soundfile.write(folder / "calls" / "routine.flac", speech(90, 0, LINE_HZ), LINE_HZ)
    (folder / "nemo").mkdir()
    rows = [
        {
            "path": f"{speaker}-{emotion}-{n}.wav",
            "emotion": emotion,
            "speaker": speaker,
            "sex": "",
            "sentence": "",
        }
        for speaker in "AB"
        for emotion in ("anger", "happiness", "neutral", "fear")
        for n in range(3)
    ]
    for number, row in enumerate(rows):
        soundfile.write(folder / "nemo" / row["path"], speech(2, number), 16_000)
    with (folder / "nemo" / "labels.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    return folder


def test_a_recording_gives_the_finals_of_analyze(data: Path) -> None:
    path = data / "calls" / "routine.flac"
    settings = settings_of()
    short = load(path)
    short = Recording("bench", short.part(0, 9.5), short.rate_hz)
    cut = data / "bench.wav"
    soundfile.write(cut, short.samples, short.rate_hz, subtype="FLOAT")
    session = plan(SessionArguments([cut], session="bench"), settings.producer, 0, None)
    assert Stream(analyst(settings), settings).finals(short) == list(analyzed(messages(session), settings))


def test_a_staged_call_is_calm_speech_of_a_speaker_with_other_speech_of_theirs_in_it(data: Path) -> None:
    calls, actors = routine(data), speakers(data)
    assert [speaker.title for speaker in actors] == ["nEMO A", "nEMO B"]
    made = list(staged(actors, calls))
    assert [(each.speaker.name, each.emotion) for each in made] == [
        (s, e) for s in "AB" for e in EMOTIONS if e != "sad"
    ]
    for each in made:
        lead_s, splice_s = each.start_ms / 1000, (each.end_ms - each.start_ms) / 1000
        assert LEAD_S <= lead_s < LEAD_S + 3
        assert SPLICE_S <= splice_s < SPLICE_S + 3
        assert TAIL_S <= each.call.seconds - lead_s - splice_s < TAIL_S + 3
    lead_s = made[0].start_ms / 1000
    for each in made[1:3]:
        np.testing.assert_array_equal(each.call.part(0, lead_s), made[0].call.part(0, lead_s))
    assert loudness(made[0].call.part(0, lead_s)) == pytest.approx(loudness(calls[0].samples), rel=0.05)


def test_the_halves_of_a_speaker_share_no_recording_but_one_that_is_alone(data: Path) -> None:
    whole = speakers(data)[0]
    one, other = (set(whole.part("neutral", half).clips["neutral"]) for half in (0, 1))
    assert one | other == set(whole.clips["neutral"])
    assert not one & other
    assert whole.part("neutral", 0).clips["angry"] == whole.clips["angry"]
    alone = Speaker("nemo", "C", {"neutral": whole.clips["neutral"][:1]})
    assert alone.part("neutral", 1).clips == alone.clips


def test_what_is_usual_is_the_geometric_mean_of_the_voice_each_call_counting_alike(data: Path) -> None:
    settings = settings_of()
    stream, call = Stream(analyst(settings), settings), routine(data)[0]
    short, held = Recording("one", call.part(0, 5), LINE_HZ), Recording("auto0_x", call.part(5, 9), LINE_HZ)
    voices = [voice.p for w in stream.finals(short) if (voice := voice_of(w)) is not None]
    expected = np.exp(np.log(np.maximum(voices, FLOOR)).mean(axis=0))
    found = usual_of(stream, [short, held])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    silent = Recording("two", np.zeros(5 * LINE_HZ, np.float32), LINE_HZ)
    assert usual_of(stream, [silent, short, held]) == found
    with pytest.raises(InputError, match="holds speech"):
        usual_of(stream, [silent, held])


class OneUnheard(Unheard):
    """One network for every speaker: the shipped one under another name."""

    def analyst(self, speaker: Speaker) -> AudioAnalyst:
        found = analyst(settings_of())
        found.model_id = "another"
        return found


def test_a_network_that_never_heard_a_speaker_is_compared_with_what_it_makes_of_routine_calls(
    data: Path, tmp_path: Path
) -> None:
    settings = settings_of()
    shipped = Stream(analyst(settings), settings)
    unheard = OneUnheard(tmp_path, data)
    display = Display(routine={"the shipped voice": (0.1,) * 7})
    whole = Bench(shipped, display, read(), Progress(), settings, unheard)
    calls = [Recording("one", routine(data)[0].part(0, 5), LINE_HZ)]
    own = whole.of_speaker(speakers(data)[0], calls)
    assert own.stream is not shipped
    assert [rule.name for rule in own.rules] == [rule.name for rule in whole.rules]
    relative = [rule.relative for rule in own.rules if rule.relative]
    assert relative == [{"another": usual_of(shipped, calls)}] != []
    assert own.display.routine == relative[0]
    assert replace(whole, display=Display()).of_speaker(speakers(data)[0], calls).display == Display()
    assert Unheard(tmp_path, data).analyst(speakers(data)[0]) is None
    assert (
        replace(whole, unheard=Unheard(tmp_path, data)).of_speaker(speakers(data)[0], calls).rules == read()
    )


def test_a_reel_has_the_level_and_the_band_of_a_telephone(data: Path) -> None:
    sound = reel(speakers(data)[0], "angry", 4.0, level=0.05)
    assert loudness(sound) == pytest.approx(0.05, rel=0.02)
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    below = np.fft.rfftfreq(len(sound), 1 / LINE_HZ) < 150
    assert spectrum[below].sum() < 0.01 * spectrum.sum()


@pytest.mark.proof
def test_the_command_measures_prints_and_writes(data: Path, tmp_path: Path) -> None:
    command = ["evaluate", "calls", "--quick", "--data", str(data), "-o", str(tmp_path), "--threads", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "Demands" in result.output
    assert "Demands" in (tmp_path / page.PAGE).read_text()
    found = Measured(**json.loads((tmp_path / page.FIGURES).read_text()))
    assert found.figures["calls"]["seconds"] == 90
    assert found.figures["anger"]["calls"] == found.figures["distress"]["calls"] == 1


def test_without_calls_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"calls.*is missing"):
        routine(tmp_path)


def test_the_page_knows_every_corpus() -> None:
    before = page.read(page.BEFORE)
    tables = [block for block in page.blocks(before, before) if isinstance(block, Table)]
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
    names = [row[0] for table in tables for row in table.rows]
    assert {CORPORA[c] for c in CORPORA if f"anger/{c}" in before.figures} <= set(names)


def test_the_published_page_has_a_figure_for_every_demand() -> None:
    lines = (ROOT / "docs" / "models" / page.PAGE).read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    now = {row[0]: row[3] for row in rows if len(row) == 5 and row[1][:2] in (">=", "<=")}
    assert set(now) == {demand.what for demand in page.DEMANDS}
    assert all(float(figure) >= 0 for figure in now.values())


def test_strangers_have_a_section_where_they_were_heard() -> None:
    before = page.read(page.BEFORE)
    figures = {"recordings": 2, "seconds": 60, "calm": 0.5, "alerts": 0}
    now = Measured(before.about, before.figures | {"strangers/letters": figures, "strangers": figures})
    with_them, without = (
        [row[0] for block in page.blocks(of, before) if isinstance(block, Table) for row in block.rows]
        for of in (now, before)
    )
    assert "letters" in with_them
    assert "letters" not in without


def test_figures_that_are_none_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "figures.json").write_text("[1]")
    with pytest.raises(InputError, match=r"figures\.json"):
        page.read(tmp_path / "figures.json")


def test_without_the_run_of_the_voice_the_shipped_network_judges_every_speaker(
    data: Path, tmp_path: Path
) -> None:
    unheard = Unheard(tmp_path / "no-run", data)
    assert [unheard.analyst(speaker) for speaker in speakers(data)] == [None, None]
