"""Decoding in a process of its own: the same messages, notices and errors, and no process left behind."""

import os
import subprocess
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
from structlog.testing import capture_logs

from affectstream.decoding import decoder
from affectstream.producers.session import PartySource, SessionPlan, messages
from affectstream.runtime.log import notice
from affectstream.schemas.errors import PolicyError, Unavailable

SECONDS = 90
VTT = "WEBVTT\n\n00:01.200 --> 00:02.000\n<v Customer>one\n\n00:02.000 --> 00:02.500\n<v Agent>two\n"


@pytest.fixture
def call(tmp_path: Path) -> SessionPlan:
    """A call of sound and words; the customer's file is cut off."""
    (transcript := tmp_path / "call.vtt").write_text(VTT)
    noise = np.random.default_rng(0).normal(0, 0.1, 8_000 * SECONDS)
    soundfile.write(tmp_path / "agent.flac", noise, 8_000)
    whole = (tmp_path / "agent.flac").read_bytes()
    (tmp_path / "customer.flac").write_bytes(whole[: len(whole) // 2])
    parties = [PartySource(name, tmp_path / f"{name}.flac", transcript) for name in ("customer", "agent")]
    return SessionPlan("call", 1_700_000_000_000, tuple(parties), agent_purpose="synthetic")


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that were begun."""
    begun: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)
            begun.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return begun


def test_another_process_gives_the_same_messages_and_notices(call: SessionPlan) -> None:
    told = []
    found = []
    for made in (lambda: list(messages(call)), lambda: list(decode(call))):
        notice.cache_clear()  # which tells of each once
        with decoder() as decode, capture_logs() as logs:
            found.append(made())
        told.append([log["notice"] for log in logs])
    assert found[0] == found[1]
    assert len(found[0]) > SECONDS
    assert told[0] == told[1]
    assert told[0][0].startswith("damaged or cut off")


def test_a_name_that_is_no_utf_8_is_found(call: SessionPlan) -> None:
    media = call.parties[1].media
    odd = media.rename(media.with_name(os.fsdecode(b"caf\xe9.flac")))
    plan = SessionPlan("call", 0, (PartySource("customer", odd),))
    with decoder() as decode:
        assert len(list(decode(plan))) == len(list(messages(plan)))


def test_what_a_session_refuses_is_raised_here(call: SessionPlan) -> None:
    forbidden = SessionPlan("call", 0, call.parties, agent_purpose=None)
    with pytest.raises(PolicyError) as expected:
        messages(forbidden)
    with decoder() as decode, pytest.raises(PolicyError) as error:
        next(decode(forbidden))
    assert str(error.value) == str(expected.value)


def test_a_process_that_dies_is_told_of(call: SessionPlan, children: list[subprocess.Popen[bytes]]) -> None:
    with decoder() as decode, pytest.raises(Unavailable, match="the process that decodes the recording died"):
        for _ in decode(call):
            children[0].kill()


@pytest.mark.parametrize("taken", [0, 3])
def test_no_process_is_left_where_no_more_is_wanted(
    call: SessionPlan, children: list[subprocess.Popen[bytes]], taken: int, capfd: pytest.CaptureFixture[str]
) -> None:
    with decoder() as decode:
        assert len(list(islice(decode(call), taken))) == taken
    assert children[0].returncode is not None
    assert capfd.readouterr() == ("", "")
