"""The commands of the README, as a user types them, in a folder that holds modules of the user's own."""

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from support.paths import ROOT
from support.system import DEMO
from support.terminal import SHOWN_S, Terminal, interruptible

from affectstream.runtime.process import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh *(\S*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
SECONDS = 6
DEADLINE_S = 240
START_MS = "1700000000000"
CALL = ["call.wav", "-t", "call.vtt", "--speaker", "customer=Agent"]
VTT = """WEBVTT

00:00.500 --> 00:02.000
<v Agent>Hello, how can I help?

00:02.500 --> 00:05.000
<v Customer>I am very angry.
"""
FOREIGN = "raise SystemExit('a module of the working directory was imported')\n"
SAME_NAMES = ("schemas", "models", "workers", "runtime", "analytics", "lab")


def commands(kind: str = "") -> list[str]:
    """The commands of all blocks of a kind, in their order."""
    return [line for mark, block in BLOCKS if mark == kind for line in block.splitlines()]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A folder with a call, and with modules that are named as ours and must not be imported."""
    folder = tmp_path_factory.mktemp("call")
    for name in SAME_NAMES:
        (folder / f"{name}.py").write_text(FOREIGN)
    cut(DEMO.parent / "customer.mp4", folder / "call.mp4")
    speech = samples(DEMO.parent / "agent.flac")
    write(folder / "call.wav", speech[:, None])
    write(folder / "stereo.wav", np.stack([speech, speech[::-1]], axis=1))
    (folder / "call.vtt").write_text(VTT)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ports = {name: str(free_port()) for name in ("GATEWAY__PORT", "GATEWAY__AUDIOSOCKET_PORT")}
    own = {"AFFECT_API__PORT": "0", **{f"AFFECT_{name}": port for name, port in ports.items()}}
    return Terminal(folder, {**os.environ, "PATH": path, "COLUMNS": "200", **own})


def cut(source: Path, target: Path) -> None:
    """Copy the first seconds of a recording, without encoding it again."""
    with av.open(str(source)) as given, av.open(str(target), "w") as out:
        streams = {
            s.index: out.add_stream_from_template(s) for s in given.streams if s.type in ("video", "audio")
        }
        for packet in given.demux():
            if packet.dts is not None and packet.pts * packet.time_base < SECONDS:
                packet.stream = streams[packet.stream_index]
                out.mux(packet)


def samples(source: Path) -> np.ndarray:
    """The first seconds of a recording as int16 at its own rate of 16 kHz."""
    with av.open(str(source)) as given:
        resampler = av.AudioResampler("s16", "mono", 16_000)
        parts = [out.to_ndarray()[0] for frame in given.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate(parts)[: SECONDS * 16_000]


def write(path: Path, signal: np.ndarray) -> None:
    with wave.open(str(path), "wb") as out:
        out.setparams((signal.shape[1], 2, 16_000, 0, "NONE", ""))
        out.writeframes(np.ascontiguousarray(signal, "<i2").tobytes())


@pytest.fixture(scope="module")
def up(terminal: Terminal) -> Iterator[Terminal]:
    """A terminal beside one in which `affectstream up` runs; commands find it by themselves."""
    log = terminal.folder / "up.txt"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["affectstream", "up"],
            cwd=terminal.folder,
            env=terminal.env,
            stdout=out,
            preexec_fn=interruptible,
        )
    deadline = time.monotonic() + DEADLINE_S
    while "affectstream replay" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    assert "find it" in log.read_text()
    yield terminal
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert "stopping" in log.read_text()


def test_a_call_streams_to_the_bytes_of_analyze(up: Terminal) -> None:
    named = f"{shlex.join(CALL)} --session typed"
    up.run(f"affectstream replay {named} --start {START_MS}")
    up.run(f"affectstream analyze {named} --start-ms {START_MS} -o offline.jsonl")
    offline = (up.folder / "offline.jsonl").read_text()
    up.run_until("affectstream show typed -o streamed.jsonl >&2 && cat streamed.jsonl", offline)
    assert (up.folder / "streamed.jsonl").read_text() == offline


def test_the_demo_session_is_refused_where_its_agent_would_not_be_analysed(up: Terminal) -> None:
    assert "affectstream up --agent-purpose synthetic" in refused(up, f"affectstream replay {DEMO}")


def test_follow_waits_for_a_call_that_has_not_begun(up: Terminal) -> None:
    """It says that it waits, shows the call, and ends by an interrupt."""
    command = ["affectstream", "show", "--follow", "soon"]
    following = subprocess.Popen(
        command, cwd=up.folder, env=up.env, stdout=subprocess.PIPE, text=True, preexec_fn=interruptible
    )
    assert following.stdout is not None
    assert "waiting for session soon" in following.stdout.readline()
    up.run(f"affectstream replay {shlex.join(CALL)} --session soon")
    up.run_until("affectstream show soon", "customer")
    time.sleep(1.0)  # it polls four times a second
    following.send_signal(signal.SIGINT)
    shown, _ = following.communicate(timeout=30)
    assert following.returncode == 130
    assert "customer" in shown


def refused(up: Terminal, command: str) -> str:
    """What a command says on standard error when it is refused."""
    done = subprocess.run(command, shell=True, cwd=up.folder, env=up.env, capture_output=True, text=True)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_a_session_is_sent_again_where_that_is_asked_for(up: Terminal) -> None:
    """After a purge as if it had never been; else refused, apart, or in its place."""
    sent, show = (
        "affectstream replay call.wav -s a --start",
        "affectstream show a -o a.jsonl >&2 && cat a.jsonl",
    )
    for _ in range(2):
        up.run(f"{sent} 0")
        assert len(up.run_until(show, '"start_ms":5000').splitlines()) == SECONDS
        up.run("affectstream purge a")
    up.run(f"{sent} 60000")
    up.run_until(show, '"start_ms":65000')
    assert "sent already" in refused(up, f"{sent} 0")
    assert "session a-2" in up.run(f"{sent} 0 --again apart")
    up.run_until("affectstream show a-2", "customer")
    up.run(f"{sent} 0 --again replace --run mine")
    windows = up.run_until(show, '"start_ms":5000').splitlines()
    assert len(windows) == SECONDS
    assert "choose another --run" in refused(up, f"{sent} 0 --again replace --run mine")


def test_a_streamed_call_is_listed_and_followed_while_it_goes_on(up: Terminal) -> None:
    """The call lasts a minute, and is hung up once both have shown it."""
    with wave.open(str(up.folder / "call.wav"), "rb") as call:
        speech = np.frombuffer(call.readframes(call.getnframes()), "<i2")
    write(up.folder / "long.wav", np.tile(speech, 60 // SECONDS)[:, None])
    screen, terminal = pty.openpty()  # the table of a call that goes on is drawn on terminals only
    follow = ["affectstream", "show", "CAshown", "--follow"]
    following = subprocess.Popen(follow, cwd=up.folder, env=up.env, stdout=terminal, preexec_fn=interruptible)
    os.close(terminal)
    simulate = ["affectstream", "simulate", "twilio", "long.wav", "--call-id", "CAshown"]
    streaming = subprocess.Popen(simulate, cwd=up.folder, env=up.env, preexec_fn=interruptible)
    try:
        up.run_until("affectstream sessions", "CAshown")
        shown, deadline = b"", time.monotonic() + SHOWN_S
        while b"customer" not in shown:
            assert time.monotonic() < deadline, shown.decode()
            shown += os.read(screen, 4096)  # it says that it waits, and then draws
        assert streaming.poll() is None and following.poll() is None
    finally:
        following.kill()  # nobody reads its screen any more, so it may wait there
        streaming.send_signal(signal.SIGINT)
        for process in (streaming, following):
            process.wait(60)
        os.close(screen)


def test_every_command_of_the_readme_runs(up: Terminal) -> None:
    lines = commands()
    assert len(lines) >= 15
    printed = {}
    for line in lines:
        if line.startswith("make "):
            assert re.search(rf"^{line.split()[1]}:.*##", (ROOT / "Makefile").read_text(), re.MULTILINE), line
        elif re.match(r"affectstream (show|summary) call-7", line):
            printed[line] = up.run_until(line, "customer")
        elif line != "affectstream up &":  # it runs already
            printed[line] = up.run(line)
    assert (up.folder / "out.jsonl").read_text().count('"customer"') >= SECONDS
    assert (up.folder / "out.csv").read_text().count("agent") >= SECONDS
    assert (up.folder / "out.png").stat().st_size > 10_000
    assert "call-7" in printed["affectstream sessions"]
    assert "0.4" in printed["affectstream trust show"]
    assert "call-7" not in up.run("affectstream sessions")


@pytest.mark.parametrize("line", commands("needs-corpora"))
def test_what_needs_corpora_has_the_options_that_the_readme_names(line: str, terminal: Terminal) -> None:
    program, *arguments = shlex.split(line)
    options = [argument for argument in arguments if argument.startswith("-")]
    words = arguments[: next((i for i, a in enumerate(arguments) if a.startswith("-")), None)]
    explained = terminal.run(shlex.join([program, *words, "--help"]))
    assert all(re.search(rf"[\s,]{re.escape(option)}\b", explained) for option in options), explained
