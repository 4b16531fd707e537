"""Keys that are pressed in a terminal, and what they do to a replay."""

import os
import pty
import time
from contextlib import contextmanager

import pytest

from affectstream.console import keys
from affectstream.producers.playback import Control
from affectstream.replay import LEFT, RIGHT, SEEK_MS, press

DEADLINE_S = 20


@contextmanager
def terminal(monkeypatch):
    """The other end of a terminal that is standard input and output."""
    ours, theirs = pty.openpty()
    with monkeypatch.context() as standard, os.fdopen(theirs, "r+b", buffering=0) as file:
        standard.setattr("sys.stdin", file)
        standard.setattr("sys.stdout", file)
        yield ours
    os.close(ours)


def wait_until(happened):
    deadline = time.monotonic() + DEADLINE_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_each_key_is_handed_on_at_once(monkeypatch):
    pressed = []
    with terminal(monkeypatch) as ours, keys(pressed.append):
        for count, key in enumerate((" ", LEFT, RIGHT, "q"), 1):
            os.write(ours, key.encode())
            wait_until(lambda count=count: len(pressed) == count)
    assert pressed == [" ", LEFT, RIGHT, "q"]


def test_keys_that_were_typed_before_anybody_read_them_are_handed_on_one_by_one(monkeypatch):
    pressed = []
    with terminal(monkeypatch) as ours:
        os.write(ours, f" {RIGHT}{RIGHT}q".encode())
        with keys(pressed.append):
            wait_until(lambda: len(pressed) == 4)
    assert pressed == [" ", RIGHT, RIGHT, "q"]


def test_without_a_terminal_nothing_is_read(capfd):
    with keys(lambda _: pytest.fail("there is nothing to read")):
        pass


def test_keys_pause_seek_and_end():
    control = Control()
    for key in (" ", LEFT, RIGHT, "x"):
        press(control, key)
    assert (control.paused, control.seeks, control.stopped) == (True, [-SEEK_MS, SEEK_MS], False)
    press(control, " ")
    press(control, "q")
    assert (control.paused, control.stopped) == (False, True)
