"""Waiting for room on a full disk."""

import errno
import os

import pytest
from prometheus_client import REGISTRY

from affectstream.runtime.disk import Room, recording_to
from affectstream.schemas.errors import NoRoom, Unavailable


def failing(folder, *numbers):
    """An action that meets these errors one after the other, and then succeeds."""
    left = list(numbers)

    async def write():
        with recording_to(folder):
            if left:
                number = left.pop(0)
                raise OSError(number, os.strerror(number))
        return "written"

    return write


async def test_what_finds_no_room_is_tried_until_there_is_some(tmp_path):
    room, waited = Room(tmp_path), []

    async def wait(error):
        waited.append((str(error), room.there, REGISTRY.get_sample_value("affect_recordings_disk_full")))

    assert await room.wait_for(failing(tmp_path, errno.ENOSPC, errno.EDQUOT), wait) == "written"
    assert [(there, full) for _, there, full in waited] == [(False, 1), (False, 1)]
    assert all("make room" in text for text, *_ in waited)
    assert room.there
    assert REGISTRY.get_sample_value("affect_recordings_disk_full") == 0


async def test_who_does_not_wait_ends_with_the_error_and_the_disk_stays_full(tmp_path):
    room = Room(tmp_path)

    async def refuse(error):
        raise error

    with pytest.raises(NoRoom, match="No space left"):
        await room.wait_for(failing(tmp_path, errno.ENOSPC), refuse)
    assert not room.there


async def test_another_error_is_not_waited_for(tmp_path):
    room = Room(tmp_path)

    async def wait(_):
        raise AssertionError("nothing to wait for")

    with pytest.raises(Unavailable, match="Read-only"):
        await room.wait_for(failing(tmp_path, errno.EROFS), wait)
    assert room.there
