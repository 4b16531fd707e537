"""Proof: real talking faces and a real two-party telephone call go through, and their finals are sane."""

from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from support.paths import DATA
from support.system import START_MS, lines, without_holes

from affectstream.analyze import finals
from affectstream.export import in_order
from affectstream.producers.plan import PartySource, SessionPlan
from affectstream.producers.session import messages
from affectstream.runtime.settings import load
from affectstream.schemas.messages import FusedEmotion, Modality

pytestmark = [
    pytest.mark.integration,
    pytest.mark.proof,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not (DATA / "mead").is_dir(), reason=f"no mead recordings in {DATA}"),
]


def states(windows: Sequence[FusedEmotion], modality: Modality) -> Counter[str]:
    """How often the modality was present, or why it was not."""
    found = [s for w in windows for s in w.modalities if s.modality == modality]
    return Counter(s.state if s.state == "present" else f"{s.state}: {s.reason}" for s in found)


@pytest.mark.parametrize(
    "clip",
    [
        "M003_level_1_happy_024",
        "M026_level_3_disgusted_018",
        "M030_level_3_angry_016",
        "W015_level_1_neutral_030",
    ],
)
def test_a_talking_face_is_found_and_heard(clip: str) -> None:
    plan = SessionPlan(clip, START_MS, (PartySource("customer", DATA / "mead" / f"{clip}.mp4"),))
    windows = in_order(finals(messages(plan), load()))
    seen, heard = states(windows, "video"), states(windows, "audio")
    assert without_holes(windows)
    assert seen["present"] >= 0.9 * len(windows), seen
    assert heard["present"] >= 0.5 * len(windows), heard
    assert all(w.p is not None and w.label for w in windows)


async def test_a_telephone_call_with_one_file_per_party_streams(start: Callable) -> None:
    parties = (
        PartySource("customer", DATA / "calls" / "auto_repairs_40_caller.flac"),
        PartySource("agent", DATA / "calls" / "auto_repairs_40_agent.flac"),
    )
    plan = SessionPlan("auto-repairs", START_MS, parties, agent_purpose="own-training")
    with start(1) as system:
        streamed = await system.run(messages(plan), None)
        offline = in_order(finals(messages(plan), load().permitting("own-training")))
    assert lines(streamed) == lines(offline)
    assert without_holes(streamed)
    for party in ("customer", "agent"):
        mine = [w for w in streamed if w.party == party]
        heard = states(mine, "audio")
        assert 240 <= len(mine) <= 246
        assert set(heard) <= {"present", "abstained: silence"}, heard
        assert 0.15 * len(mine) <= heard["present"] <= 0.85 * len(mine), heard  # they take turns
