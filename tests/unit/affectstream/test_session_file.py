"""The arguments that make a session: its name, its files, channels and parties."""

import json
from pathlib import Path

import pytest

from affectstream.pairs import party_named, session_name
from affectstream.runtime.settings import ProducerSettings
from affectstream.schemas.errors import InputError
from affectstream.session_file import SessionArguments, plan


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("call 7.mp4", "call-7-"),
        ("call-20260101.mp4", "call-20260101"),
        ("call-0123456a.mp4", "call-0123456a-"),
        ("../x/Größe.wav", "Grosse-"),
        ("звонок.wav", "zvonok-"),
        ("通話.wav", "TongHua-"),
        ("call [final].wav", "call-final-"),
        ("...wav", "session-"),
    ],
)
def test_a_session_is_named_after_its_file(name: str, expected: str) -> None:
    assert session_name(Path(name)).startswith(expected)


def test_channels_share_a_file_and_parties_add_theirs(tmp_path: Path) -> None:
    both, third = tmp_path / "both.wav", tmp_path / "third.flac"
    both.touch()
    third.touch()
    (tmp_path / "t.vtt").touch()
    arguments = SessionArguments(
        [both],
        [f"other={third}"],
        channels="customer,agent",
        transcript=tmp_path / "t.vtt",
        speakers=["customer=Ana"],
        offsets=["other=1.5"],
    )
    made = plan(arguments, ProducerSettings(), 5, "safety")
    assert [(s.party, s.media, s.channel) for s in made.parties] == [
        ("customer", both, 0),
        ("agent", both, 1),
        ("other", third, None),
    ]
    assert made.speakers == {"Ana": "customer"}
    assert [s.offset_ms for s in made.parties] == [0, 0, 1500]
    assert (made.session_id, made.start_ms, made.agent_purpose) == ("both", 5, "safety")


def test_a_session_file_names_its_files_relative_to_itself(tmp_path: Path) -> None:
    parties = [{"party": "customer", "media": "a.mp4", "transcript": "t.vtt"}]
    (tmp_path / "session.json").write_text(json.dumps({"session": "demo", "parties": parties}))
    for name in ("a.mp4", "t.vtt"):
        (tmp_path / name).touch()
    arguments = SessionArguments([tmp_path / "session.json"], session="mine")
    made = plan(arguments, ProducerSettings(), 0, None)
    assert made.session_id == "mine"
    assert made.parties[0].media == tmp_path / "a.mp4"


def test_two_inputs_are_not_guessed_at() -> None:
    with pytest.raises(InputError, match="--party NAME=FILE"):
        plan(SessionArguments([Path("a"), Path("b")]), ProducerSettings(), 0, None)
    with pytest.raises(InputError, match="customer, agent, other"):
        party_named("caller")
