"""Recordings in the hands of a user: listed, checked, exported, scored anew, also of earlier versions."""

import json
import wave

import pytest
from support.mcap_files import ARRIVED_MS, START_MS, joined, made_up_call, record_into, recorded
from support.paths import ROOT
from support.reference_runs import typed

from affectstream.analytics.differences import differences
from affectstream.analytics.rules import read as read_rules
from affectstream.producers.playback import Play, Player, Source
from affectstream.producers.transcripts import load
from affectstream.replay import bar_of
from affectstream.replay_recorded import Often, Span, Wanted, plays, recordings, seconds
from affectstream.runtime.audit import audit_log
from affectstream.runtime.recording import open_recording
from affectstream.runtime.recording.writer import RecordingWriter
from affectstream.runtime.settings import load as load_settings
from affectstream.schemas.codec import encode
from affectstream.schemas.errors import InputError, PolicyError
from affectstream.schemas.messages import FusedEmotion, Observations
from affectstream.schemas.topics import CHUNKS, FRAMES, FUSED, PROBABILITIES, SHADOW, TRANSCRIPTS
from affectstream.session_file import SessionArguments

GOLDEN = sorted((ROOT / "tests" / "golden").glob("recording-*.mcap"))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of recordings, and an audit log of its own."""
    (tmp_path / "kept").mkdir()
    monkeypatch.setenv("AFFECT_POLICY__RECORDINGS", str(tmp_path / "kept"))
    monkeypatch.setenv("AFFECT_POLICY__AUDIT_LOG", str(tmp_path / "audit.jsonl"))
    monkeypatch.setenv("AFFECT_REDIS__URL", "redis://127.0.0.1:1")
    return tmp_path / "kept"


def audited():
    return [(entry.did, entry.session) for entry in audit_log(load_settings().policy).entries()]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_recording_of_an_earlier_version_is_read_and_replays_to_the_finals_in_it(path):
    """Made by `recorded(folder, made_up_call())` of `tests/support/mcap_files.py` under that version."""
    found = open_recording(path)
    assert found.whole
    assert found.holds(FRAMES) and found.holds(CHUNKS) and found.holds(TRANSCRIPTS)

    def read(start_ms, end_ms):
        return (each.message for each in found.messages([PROBABILITIES], start_ms, end_ms))

    source = Source(found.session_id, found.start_ms, read, results=True)
    play = Play(source, found.session_id, "again", found.start_ms, found.start_ms, found.end_ms)
    items = [item for message in Player([play], 1000).messages() for item in message.items]
    kept = [each.message for each in found.messages([FUSED])]
    assert len(kept) == 6
    assert joined(items) == kept


def test_there_is_a_recording_of_every_format():
    assert [path.name for path in GOLDEN] == ["recording-1.mcap"]


def test_recordings_are_listed_with_their_state(folder):
    whole = recorded(folder, made_up_call())
    (folder / "call-8.mcap.part").write_bytes(whole.read_bytes()[:-200])
    (folder / "call-9.mcap").write_bytes(b"nothing of the kind")
    shown = typed("recordings", "list").output
    lines = {
        name: next(line for line in shown.splitlines() if name in line)
        for name in ("call.mcap", "call-8", "call-9")
    }
    assert "whole" in lines["call.mcap"]
    assert "6 s" in lines["call.mcap"]
    assert "cut off" in lines["call-8"]
    assert "not readable" in lines["call-9"]


def test_a_recording_is_described_by_its_streams_and_rules(folder):
    shown = typed("recordings", "info", recorded(folder, made_up_call())).output
    assert "session call, run r1: whole" in shown
    assert "entropy_trust" in shown
    assert CHUNKS.name in shown


def test_what_is_not_whole_fails_its_check_and_the_check_says_how_much_is_readable(folder):
    path = recorded(folder, made_up_call(60))
    assert typed("recordings", "verify", path).exit_code == 0
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    cut = typed("recordings", "verify", path)
    assert cut.exit_code == 1
    assert "cut off" in cut.output
    damaged = bytearray(data)
    damaged[len(data) // 3] ^= 0xFF
    path.write_bytes(damaged)
    shown = typed("recordings", "verify", path)
    assert shown.exit_code == 1
    assert "damaged" in shown.output


def test_media_words_and_finals_are_exported_as_files_that_are_read_again(folder, tmp_path):
    path, target = recorded(folder, made_up_call()), tmp_path / "out"
    done = typed("recordings", "export", path, "-o", target)
    assert done.exit_code == 0, done.output
    with wave.open(str(target / "customer.wav")) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (8000, 6 * 8000)
    assert len(list((target / "customer" / "frames").glob("*.jpg"))) == 6
    assert [said.text for said in load(target / "transcript.json")] == [f"sentence {n}" for n in (0, 2, 4)]
    assert len((target / "finals.jsonl").read_text().splitlines()) == 6
    assert audited() == [("recording read", "call"), ("export", "call")]


def test_a_session_is_scored_by_another_rule_from_the_probabilities_alone(folder, tmp_path):
    path, made = recorded(folder, made_up_call()), tmp_path / "made.json"
    done = typed("rescore", path, "--rule", "uniform", "-o", made)
    assert done.exit_code == 0, done.output
    found = json.loads(made.read_text())
    (session,) = found["recordings"]
    assert found["options"]["rule"] == "uniform"
    assert session["summary"]["windows"] == len(session["windows"]) == 6
    assert session["summary"]["mean_distance"] > 0
    assert {window["party"] for window in session["windows"]} == {"customer"}
    assert audited() == [("recording read", "call")]


def test_scoring_anew_needs_media_for_another_model_and_a_purpose_for_an_agent(folder):
    results = [m for m in made_up_call() if m.type in ("observations", "fused")]
    path = recorded(folder, results, run="r1")
    with pytest.raises(InputError, match="no media"):
        typed("rescore", path, "--voice-model", "shipped")
    agent = [m.model_copy(update={"party": "agent"}) for m in made_up_call() if m.type == "fused"]
    with pytest.raises(PolicyError, match="agent"):
        typed("rescore", recorded(folder, agent, session_id="call-9", run="r1"))


def with_shadow(path_of, numbers):
    """A recording of a call in which a model on trial answered these inputs of the video, angry each time."""
    call = made_up_call()
    writer = RecordingWriter(path_of, "call-s", "r1")
    record_into(writer, call)
    cross = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    for message in call:
        for item in message.items if isinstance(message, Observations) else ():
            if item.type == "probabilities" and item.modality == "video" and item.seq in numbers:
                trial = Observations(items=(item.model_copy(update={"p": cross, "model_id": "trial"}),))
                writer.add(SHADOW.name, trial, encode(trial), ARRIVED_MS, 1000 + item.seq)
    writer.finish()
    return writer.path


def test_answers_of_a_model_in_shadow_are_compared_with_those_that_were_fused(folder, tmp_path):
    made = tmp_path / "made.json"
    done = typed("rescore", with_shadow(folder, {1, 2}), "--shadow", "-o", made)
    assert done.exit_code == 0, done.output
    (session,) = json.loads(made.read_text())["recordings"]
    moved = [n for n, window in enumerate(session["windows"]) if window["distance"] > 0]
    assert moved == [1, 2]  # where it answered; the rest is as it was fused
    assert {"alerts_gained", "alerts_lost"} <= set(session["summary"])
    with pytest.raises(InputError, match="no answers of a model in shadow"):
        typed("rescore", recorded(folder, made_up_call()), "--shadow")
    with pytest.raises(InputError, match="--shadow takes stored answers"):
        typed("rescore", recorded(folder, made_up_call(), "call-t"), "--shadow", "--media")


def angry(seconds, level):
    """Finals of a customer who is angry, or is not, for so long."""
    finals = [m for m in made_up_call(seconds) if isinstance(m, FusedEmotion)]
    p = tuple((level if n == 3 else (1 - level) / 6) for n in range(7))
    label = "angry" if level > 0.5 else "happy"
    return [f.model_copy(update={"p": p, "label": label, "confidence": 0.9}) for f in finals]


RULE = """[[rule]]
name = "cross"
kind = "above"
emotions = ["angry"]
level = 0.6
seconds = 3
"""


def test_alerts_that_one_reading_alone_raises_are_gained_or_lost(tmp_path):
    (tmp_path / "rules.toml").write_text(RULE)
    rules = read_rules(tmp_path / "rules.toml")
    calm, cross = angry(30, 0.1), angry(30, 0.95)
    made = differences(calm, cross, rules)
    assert made.gained
    assert not made.lost
    assert differences(cross, calm, rules).lost == made.gained
    assert differences(cross, cross, rules).gained == ()
    numbers = differences(calm, cross[:-2], rules).summary()
    assert (numbers["windows"], numbers["only_before"], numbers["labels_changed"]) == (28, 2, 28)
    assert numbers["mean_distance"] == pytest.approx(0.85)


async def chosen(path, span=Span(), often=Often(), start_ms=START_MS, results=False):  # noqa: B008  # frozen
    settings = load_settings()
    given = recordings(SessionArguments([path]), settings, results)
    return await plays(given, Wanted(span, often, start_ms, snap=True), settings, "refuse", None)


async def test_loops_and_copies_have_ids_runs_and_times_of_their_own(folder):
    often = Often(loops=2, copies=3, offset_s=10.5, id_suffix="-b")
    playing = await chosen(recorded(folder, made_up_call()), often=often)
    every = [play for its in playing for play in its]
    assert sorted(play.session_id for play in every) == ["call-b", *(f"call-b-{n}" for n in range(2, 7))]
    assert len({play.run for play in every}) == 6
    assert [(its[0].start_ms - playing[0][0].start_ms) for its in playing] == [0, 10_000, 21_000]
    assert bar_of(playing)[1:] == (33.0, "6 sessions")


async def test_a_range_is_whole_windows_and_has_to_hold_one(folder):
    path = recorded(folder, made_up_call())
    ((play,),) = await chosen(path, Span(1.2, 3.4))
    first_ms = open_recording(path).start_ms
    assert (play.from_ms, play.until_ms, play.cut) == (
        first_ms - first_ms % 1000 + 1000,
        START_MS + 4000,
        True,
    )
    for span in (Span(3, 3), Span(4, 2), Span(60)):
        with pytest.raises(InputError, match="no window"):
            await chosen(path, span)


def test_times_of_a_range_are_seconds_or_clock_times():
    assert [seconds(text, "--to") for text in (None, "90", "1:30", "1:00:01.5")] == [None, 90, 90, 3601.5]
    for text in ("soon", "-1", "1:2:3:4", "nan", "inf"):
        with pytest.raises(InputError, match="--to"):
            seconds(text, "--to")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--channels", "customer,-"], "--channels is for media"),
        (["--results"], "no results"),
        (["--loops", "2", "--run", "mine"], "--run names one run"),
        (["other.wav"], "cannot be replayed together"),
    ],
)
def test_options_that_a_recording_has_no_use_for_are_refused(folder, options, match, monkeypatch):
    media = [m for m in made_up_call() if m.type not in ("observations", "fused")]
    with pytest.raises(InputError, match=match):
        typed("replay", recorded(folder, media), *options)
