"""An operator's trust on its way through the agent: learned, recorded, in effect within a window."""

import pytest
from support.fusion_rig import Rig, committed, end, frame, running

from affectstream.schemas.errors import Unavailable
from affectstream.workers.fusion import agent as loop
from affectstream.workers.fusion import trust


@pytest.fixture(autouse=True)
def every_step_commits(monkeypatch):
    monkeypatch.setattr(loop, "COMMIT_EVERY_MS", 0)


async def test_an_operators_trust_is_learned_and_recorded():
    rig = Rig()
    rig.store.set = {"video": 0.5}
    async with running(rig):
        await rig.feed(frame(0), end(500))
        await rig.journal.until(lambda: committed(rig) == 1)
    ((_, final),) = rig.journal.of("topic")
    assert final.rule == "entropy_trust+override"
    assert final.modalities[0].trust == 0.5
    assert rig.journal.of("saw") == [("saw", {"video": 0.5})]


async def test_an_operators_trust_takes_effect_within_a_window(monkeypatch):
    monkeypatch.setattr(trust, "EVERY_MS", 0)  # every step is a window later
    rig = Rig()
    async with running(rig):
        await rig.feed(frame(0), frame(1000))
        await rig.journal.until(lambda: len(rig.journal.of("redis")) == 1)
        rig.store.set = {"video": 0.25}
        await rig.feed(frame(2000))
        await rig.journal.until(lambda: len(rig.journal.of("redis")) == 2)
        rig.store.set = {}
        await rig.feed(frame(3000))
        await rig.journal.until(lambda: len(rig.journal.of("redis")) == 3)
    assert [pane.modalities[0].trust for _, pane in rig.journal.of("redis")] == [1.0, 0.25, 1.0]


async def test_a_log_of_trust_that_cannot_be_written_keeps_no_trust_from_taking_effect():
    rig = Rig()
    rig.store.set = {"video": 0.5}

    async def refuse(trust, by):
        raise Unavailable("read only")

    rig.store.saw_trust = refuse
    async with running(rig):
        await rig.feed(frame(0), end(500))
        await rig.journal.until(lambda: committed(rig) == 1)
    assert rig.journal.of("topic")[0][1].modalities[0].trust == 0.5
