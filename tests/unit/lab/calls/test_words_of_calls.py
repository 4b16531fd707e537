"""Words on the bench: of a recogniser, or sentences laid over a staged call; what alerts make of them."""

from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.paths import ROOT
from support.session_lines import labelled

from affectstream.analytics.alerts import alerts
from affectstream.analytics.label import Display
from affectstream.analytics.rules import Rule
from affectstream.analyze import finals as analyzed
from affectstream.lab.calls.acted import Speaker
from affectstream.lab.calls.judge import Stretch, began, judged
from affectstream.lab.calls.recordings import Recording, load
from affectstream.lab.calls.sentences import ANGRY_INTENTS, in_style, read_sentences
from affectstream.lab.calls.staged import (
    EMOTIONS,
    Alarms,
    Outcome,
    Staged,
    alarms_for,
    displayed_in,
    outcome,
    windows_of,
)
from affectstream.lab.calls.stream import Stream
from affectstream.lab.calls.words import PAUSE_MS, WORD_MS, laid, recognised, script
from affectstream.producers.bounds import Utterance
from affectstream.producers.session import messages
from affectstream.runtime.settings import Settings
from affectstream.runtime.settings import load as settings_of
from affectstream.schemas.labels import EMOTIONS as LABELS
from affectstream.session_file import SessionArguments, plan
from affectstream.workers import audio, text
from affectstream.workers.asr.offline import recognised as heard

SPOKEN = ROOT / "affectstream" / "demo_call" / "agent.flac"
RATE_HZ = 8_000
SAID = (
    Utterance(1_500, 4_000, None, "this is the third time i have called"),
    Utterance(6_000, 8_000, None, "thank you"),
)
SENTENCES = in_style(read_sentences("held"), "recogniser")


def hum(seconds: float) -> Recording:
    """Sound in which nobody speaks."""
    noise = np.random.default_rng(0).standard_normal(round(seconds * RATE_HZ)).astype(np.float32)
    return Recording("bench", 0.01 * noise, RATE_HZ)


def staged(emotion: str, name: str = "A") -> Staged:
    return Staged(
        Speaker("nemo", name, {}), emotion, Recording(name, hum(95).samples, RATE_HZ), 61_000, 74_000
    )


@pytest.fixture(scope="module")
def settings() -> Settings:
    return settings_of()


@pytest.fixture(scope="module")
def stream(settings: Settings) -> Stream:
    return Stream(audio.analyst(settings), settings, text.analyst(settings))


def written(call: Recording, folder: Path) -> Path:
    path = folder / "bench.wav"
    soundfile.write(path, call.samples, call.rate_hz, subtype="FLOAT")
    return path


def test_words_that_are_laid_over_a_call_are_those_of_a_transcript(
    stream: Stream, settings: Settings, tmp_path: Path
) -> None:
    call = hum(9.5)
    transcript = tmp_path / "bench.vtt"
    cues = [f"00:{s.start_ms / 1000:06.3f} --> 00:{s.end_ms / 1000:06.3f}\n{s.text}\n" for s in SAID]
    transcript.write_text("\n".join(["WEBVTT\n", *cues]))
    arguments = SessionArguments([written(call, tmp_path)], transcript=transcript, session="bench")
    expected = list(analyzed(messages(plan(arguments, settings.producer, 0, None)), settings))
    found = stream.finals(call, laid(SAID))
    assert [w.p for w in found] == [w.p for w in expected]
    assert [s.p for w in found for s in w.modalities] == [s.p for w in expected for s in w.modalities]


def test_each_utterance_is_in_its_own_windows_and_no_other(stream: Stream) -> None:
    found = stream.finals(hum(9.5), laid(SAID))
    spoken = [
        w.start_ms // 1000
        for w in found
        if any(s.modality == "text" and s.p is not None for s in w.modalities)
    ]
    assert spoken == [1, 2, 3, 6, 7]
    assert len(found) == len(stream.finals(hum(9.5)))
    assert not any(s.modality == "text" for w in stream.finals(hum(9.5)) for s in w.modalities)


def test_what_is_said_last_may_end_after_the_sound(stream: Stream) -> None:
    found = stream.finals(hum(3), laid(SAID))
    assert found[-1].end_ms == SAID[-1].end_ms


def test_recognised_words_are_those_of_analyze(stream: Stream, settings: Settings, tmp_path: Path) -> None:
    call = load(SPOKEN)
    call = Recording("bench", call.part(0, 6), call.rate_hz)
    asked = settings.model_copy(update={"asr": settings.asr.model_copy(update={"enabled": True})})
    arguments = SessionArguments([written(call, tmp_path)], session="bench")
    session = replace(plan(arguments, settings.producer, 0, None), transcribe=True)
    expected = list(analyzed(heard(messages(session), asked, nullcontext()), asked))
    found = stream.finals(call, recognised(settings))
    assert found == expected
    assert any(s.modality == "text" and s.p is not None for w in found for s in w.modalities)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_script_fills_each_stretch_with_sentences_of_its_emotion(emotion: str) -> None:
    call = staged(emotion)
    said = script(call, SENTENCES)
    by_text = {sentence.text: sentence for sentence in SENTENCES}
    for one, other in pairwise(said):
        assert one.end_ms + PAUSE_MS <= other.start_ms
    for each in said:
        sentence = by_text[each.text]
        assert sentence.party == "customer"
        assert each.end_ms - each.start_ms == WORD_MS * len(each.text.split())
        inside = call.start_ms <= each.start_ms and each.end_ms <= call.end_ms
        assert inside or each.end_ms <= call.start_ms or each.start_ms >= call.end_ms
        label = "angry" if sentence.intent in ANGRY_INTENTS else LABELS[sentence.label]
        assert label == (emotion if inside else "neutral")
    assert any(call.start_ms <= each.start_ms < call.end_ms for each in said)
    assert said[-1].end_ms > 85_000
    assert len({each.text for each in said}) > 10


def test_a_script_is_that_of_its_call() -> None:
    assert script(staged("angry"), SENTENCES) == script(staged("angry"), SENTENCES)
    assert script(staged("angry"), SENTENCES) != script(staged("angry", "B"), SENTENCES)


def test_alarms_count_by_where_they_begin_and_alerts_of_other_rules_apart() -> None:
    call = Staged(Speaker("nemo", "A", {}), "angry", Recording("A", hum(20).samples, RATE_HZ), 8_000, 14_000)
    finals = labelled("aannnnnnaaaannnnhhhh")
    rules = [
        Rule(name=name, kind="above", emotions=[name], level=0.5, seconds=2) for name in ("angry", "happy")
    ]
    of = judged(finals, Display())
    found = outcome(call, of, began(alerts(rules, finals)), {"anger": {"angry"}, "distress": set()})
    alarms = {"anger": Alarms(2.0, 1), "distress": Alarms(None, 0)}
    splice = Stretch(windows=6, right=4, shown=4, others=0, outside=14, emotions=6)
    assert found == Outcome("angry", alarms, alerts=3, seconds=20.0, splice=splice)


def made(emotion: str, anger: Alarms, distress: Alarms, alerts: int = 0, right: int = 0) -> Outcome:
    splice = Stretch(windows=10, right=right, shown=right // 2, others=1, outside=40, emotions=2)
    return Outcome(emotion, {"anger": anger, "distress": distress}, alerts, 600.0, splice)


NONE = Alarms(None, 0)


def test_alarms_for_other_emotions_and_outside_of_a_splice_count_against_the_precision() -> None:
    outcomes = [
        made("angry", Alarms(4.0, 0), NONE),
        made("angry", Alarms(6.0, 0), Alarms(2.0, 0)),
        made("angry", NONE, NONE),
        made("sad", Alarms(3.0, 0), Alarms(8.0, 0)),
        made("fear", NONE, NONE),
        made("neutral", Alarms(None, 1), NONE),
    ]
    anger = alarms_for("anger", outcomes)
    assert (anger["calls"], anger["recall"], anger["delay"], anger["precision"]) == (3, 0.6667, 5.0, 0.5)
    assert (anger["raised by sad"], anger["raised by fear"], anger["raised by neutral"]) == (1.0, 0.0, 0.0)
    assert anger["elsewhere an hour"] == 1.0
    distress = alarms_for("distress", outcomes)
    assert (distress["calls"], distress["recall"], distress["delay"], distress["precision"]) == (
        2,
        0.5,
        8.0,
        0.5,
    )
    assert distress["raised by angry"] == 0.3333
    assert "raised by happy" not in distress


def test_neutral_calls_tell_how_often_any_rule_is_raised() -> None:
    outcomes = [
        made("neutral", NONE, NONE, 2, 9),
        made("neutral", NONE, NONE, 1, 8),
        made("angry", NONE, NONE, 5),
    ]
    assert windows_of(outcomes) == {"angry": 0.0, "neutral": 0.85, "calm an hour": 9.0}
    assert displayed_in(outcomes) == {
        "neutral": 0.4,
        "neutral as another": 0.1,
        "angry": 0.0,
        "angry as another": 0.1,
        "elsewhere": 0.05,
    }
