"""What people bring to `analyze` and `replay`: options, names, targets, terminals."""

import csv
import io
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.recordings import call, two_tracks, voice, wav

from affectstream import analyze, cli
from affectstream.export import check_file
from affectstream.pairs import session_name
from affectstream.producers.session import messages
from affectstream.runtime.log import notice
from affectstream.runtime.settings import ProducerSettings
from affectstream.schemas.errors import InputError, PolicyError
from affectstream.schemas.messages import AudioChunk, Transcript
from affectstream.session_file import SessionArguments, plan

ONE, OTHER = voice(2), voice(2, pitch_hz=220)
SRT = "1\n00:00:00,000 --> 00:00:01,000\n{} is here.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a mono call, a stereo call, one of two tracks, transcripts and a session.json."""
    wav(tmp_path / "mono.wav", ONE)
    wav(tmp_path / "stereo.wav", ONE, OTHER)
    two_tracks(tmp_path / "tracks.mkv", ONE, OTHER)
    (tmp_path / "names.srt").write_text(SRT.format("Mara Lind: who") + SRT.format("Tom Reyes: she"))
    (tmp_path / "plain.srt").write_text(SRT.format("My card"))
    parties = [{"party": "customer", "media": "mono.wav", "transcript": "names.srt"}]
    (tmp_path / "session.json").write_text(json.dumps({"session": "s", "parties": parties}))
    notice.cache_clear()
    return tmp_path


def planned(folder: Path, name: str, **options: object):
    purpose = options.pop("setting", None)
    start_ms = options.pop("start_ms", 0)
    return plan(SessionArguments([folder / name], **options), ProducerSettings(), start_ms, purpose)


REFUSED = {
    "two voices on two channels": ("stereo.wav", {}, "carry different sounds.*--channels customer,-"),
    "two tracks": ("tracks.mkv", {}, "2 sound tracks carry different sounds"),
    "a channel too many": ("mono.wav", {"channels": "customer,-"}, None),
    "nobody": ("stereo.wav", {"channels": "-,-"}, "names nobody"),
    "no such channel": ("mono.wav", {"channels": "-,customer"}, "no audio channel 1; it has 1"),
    "a speaker of nothing": ("mono.wav", {"speakers": ["customer=Ana"]}, "give the transcript with -t"),
    "the other way round": ("mono.wav", {"speakers": ["A B=customer"], "transcript": "names.srt"},
                            "--speaker takes the party first: --speaker 'customer=A B'"),
    "names": ("mono.wav", {"transcript": "names.srt"}, "Mara Lind, Tom Reyes.*'customer=Mara Lind'"),
    "-t and a session": ("session.json", {"transcript": "plain.srt"}, "write there what -t says"),
    "--channels and a session": ("session.json", {"channels": "customer"}, "there what --channels says"),
    "--party and a session": ("session.json", {"parties": ["agent=mono.wav"]}, "what --party says"),
    "no such transcript": ("mono.wav", {"transcript": "none.srt"}, "none.srt: no such file"),
    "no such party's file": ("mono.wav", {"parties": ["other=none.wav"]}, "none.wav: no such file"),
    "before time": ("mono.wav", {"start_ms": -5}, "start of -5 is not possible.*milliseconds"),
    "microseconds": ("mono.wav", {"start_ms": 1_795_679_451_000_000}, "microseconds or nanoseconds"),
    "a name of two": ("mono.wav", {"speakers": ["customer=A", "other=A"], "transcript": "plain.srt"},
                      "gives 'A' to customer and to other"),
    "an offset of no words": ("mono.wav", {"offsets": ["transcript=1"]}, "the session has no transcript"),
    "an offset of nobody": ("mono.wav", {"offsets": ["agent=1"]}, "the session has no party agent"),
    "an offset that is none": ("mono.wav", {"offsets": ["customer=soon"]}, "offset of soon is not possible"),
    "an offset back": ("mono.wav", {"offsets": ["customer=-1"]}, "offset of -1 is not possible"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(folder: Path, name: str) -> None:
    file, options, says = REFUSED[name]
    made = {key: folder / value if key == "transcript" else value for key, value in options.items()}
    if says is None:
        assert list(messages(planned(folder, file, **made)))
        return
    with pytest.raises(InputError, match=f"(?s){says}"):
        messages(planned(folder, file, **made))


def test_the_agent_is_not_let_in_by_another_name(folder: Path) -> None:
    with pytest.raises(PolicyError, match="refused as the agent is"):
        messages(planned(folder, "stereo.wav", channels="customer,other"))
    with pytest.raises(PolicyError, match="refused as the agent is"):
        messages(planned(folder, "mono.wav", parties=[f"other={folder / 'stereo.wav'}"]))
    assert len(planned(folder, "stereo.wav", channels="customer,other", purpose="safety").parties) == 2
    assert len(planned(folder, "stereo.wav", channels="customer,-").parties) == 1


@pytest.mark.parametrize("name", ["stereo.wav", "tracks.mkv"])
def test_channels_and_tracks_can_be_named_left_out_and_mixed(folder: Path, name: str) -> None:
    def sounds(channels: str) -> bytes:
        stream = messages(planned(folder, name, channels=channels))
        return b"".join(message.pcm for message in stream if isinstance(message, AudioChunk))

    first, second = sounds("customer,-"), sounds("-,customer")
    assert len({first, second}) == 2 and first and second
    if name == "stereo.wav":
        assert sounds("mix") not in (first, second)


def test_a_name_that_nobody_has_is_told(folder: Path) -> None:
    from structlog.testing import capture_logs

    with capture_logs() as logs:
        messages(planned(folder, "mono.wav", speakers=["customer=Ana"], transcript=folder / "plain.srt"))
    assert [log["notice"] for log in logs] == ["nobody in it is called Ana"]


def test_a_speaker_can_be_named_beside_a_session_file(folder: Path) -> None:
    made = planned(folder, "session.json", speakers=["customer=Mara Lind", "other=Tom Reyes"])
    assert made.speakers == {"Mara Lind": "customer", "Tom Reyes": "other"}
    texts = [message.text for message in messages(made) if isinstance(message, Transcript) and message.text]
    assert texts == ["who is here."]


def test_a_party_that_begins_later_is_shifted(folder: Path) -> None:
    wav(folder / "second.wav", OTHER)
    made = planned(
        folder,
        "mono.wav",
        parties=[f"other={folder / 'second.wav'}"],
        offsets=["other=1.5"],
        purpose="safety",
    )
    chunks = [m for m in messages(made) if isinstance(m, AudioChunk)]
    starts = {party: min(c.start_ms for c in chunks if c.party == party) for party in ("customer", "other")}
    assert starts == {"customer": 0, "other": 1500}


def test_the_picture_of_a_shared_file_is_left_out_with_a_word(folder: Path) -> None:
    from structlog.testing import capture_logs

    path = call(folder / "film.mkv", 1)
    film = planned(folder, path.name, channels="customer", parties=[])
    assert {m.modality for m in messages(film)} == {"video", "audio"}
    with capture_logs() as logs, pytest.raises(InputError, match="no audio channel 1"):
        messages(planned(folder, path.name, channels="customer,agent", purpose="safety"))
    assert logs == [] or "its picture is not read" in logs[0]["notice"]


NAMES = st.text(min_size=1, max_size=90) | st.from_regex(r"call[ _-]?[0-9a-f]{0,8}", fullmatch=True)


@given(NAMES, NAMES)
@example("call 7", "call-7")
@example("call [7]", session_name(Path("call [7].wav")))
def test_different_names_give_different_ids_that_a_message_can_carry(one: str, other: str) -> None:
    from affectstream.producers.plan import check_session_id

    paths = [Path("/x") / f"{name.replace('/', '_').replace(chr(0), '_')}.wav" for name in (one, other)]
    ids = [session_name(path) for path in paths]
    for made in ids:
        check_session_id(made)
    stems = [unicodedata.normalize("NFC", path.stem) for path in paths]
    assert (ids[0] == ids[1]) == (stems[0] == stems[1])


@pytest.mark.parametrize("name", ["no-such-folder/out.jsonl", "file/out.jsonl", ".", "x" * 300 + ".csv"])
def test_a_target_that_cannot_be_written_is_refused_and_none_is_left(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        check_file(tmp_path / name)
    (tmp_path / "kept.csv").write_text("as it was")
    check_file(tmp_path / "kept.csv")
    check_file(tmp_path / "new.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "kept.csv"]
    assert (tmp_path / "kept.csv").read_text() == "as it was"


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (["-o", "{0}/out.txt"], "out.txt: name the output"),
        (["-o", "{0}/none/out.jsonl"], "there is no folder"),
        (["-o", "{0}/out.csv", "--summary", "{0}/out.csv"], "give every output a file of its own"),
        (["--summary", "{0}/mono.wav"], "is read or written already"),
    ],
)
def test_targets_are_checked_before_the_recording(
    folder: Path,
    targets: list[str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr(analyze, "_analysed", lambda *_: pytest.fail("the recording was read"))
    with pytest.raises(SystemExit) as end:
        cli.main(["analyze", str(folder / "mono.wav"), *(target.format(folder) for target in targets)])
    assert end.value.code == 2
    assert says in " ".join(capsys.readouterr().err.split())


def run(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    program = Path(sys.executable).parent / "affectstream"
    return subprocess.run([str(program), *arguments], capture_output=True, check=False, cwd=cwd, env=env)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_any_terminal_and_any_name_get_their_result(folder: Path, encoding: str) -> None:
    name = "call [final] [/b] 通話.wav"  # in a folder whose name ends with a bracket
    (folder / name).parent.mkdir()
    (folder / "mono.wav").rename(folder / name)
    done = run(
        "analyze", name, "-o", f"{name}.csv", cwd=folder, PYTHONIOENCODING=encoding, PATH="/usr/bin:/bin"
    )
    assert done.returncode == 0, done.stderr
    out = done.stdout.decode(encoding)
    assert "windows: call [final] [/b] " in out.replace("\n", "")
    assert any(block in out for block in "▁▂▃▄▅▆▇█") == (encoding == "utf-8")
    with (folder / f"{name}.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2


def test_brackets_in_titles_and_alerts_are_no_markup() -> None:
    from rich.console import Console
    from support.observations import final

    from affectstream.analytics.label import Display
    from affectstream.tables import LiveTable, listing

    live = LiveTable("call [/final]", 0, Display())
    live.add([final(1000)])
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(live, listing("a [/list]", "column [x]"))
    text = console.export_text()
    assert "call [/final]" in text and "a [/list]" in text


def test_a_warning_is_one_line_on_standard_error(folder: Path) -> None:
    wav(folder / "inverted.wav", ONE, -ONE)
    done = run("analyze", "inverted.wav", "-o", "out.jsonl", cwd=folder, PATH="/usr/bin:/bin")
    assert done.stderr.decode() == (
        "warning: inverted.wav: one channel carries the other one inverted; the first is read\n"
    )
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert "silence" not in {row["modalities"]["audio"].get("reason") for row in rows}
