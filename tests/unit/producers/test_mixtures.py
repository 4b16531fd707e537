"""A recording that mixes two people is refused where its transcript shows it, or is read as nobody's.

track       customer speaks | agent speaks        refused where the second half is about as loud
"""

import numpy as np
import pytest
from support.recordings import voice, wav

from affectstream.producers.session import PartySource, SessionPlan, estimated_ms, messages
from affectstream.runtime.settings import ProducerSettings
from affectstream.schemas.errors import InputError, PolicyError
from affectstream.session_file import SessionArguments, plan

START = 1_700_000_000_000
WORDS = """WEBVTT

00:00.000 --> 00:03.000
<v Customer>one

00:03.000 --> 00:06.000
<v Agent>two
"""


@pytest.fixture
def recorded(tmp_path):
    (tmp_path / "call.vtt").write_text(WORDS)

    def make(agent_db):
        sound = voice(6.0, 8000)
        sound[24_000:] *= np.float32(10 ** (agent_db / 20))
        return wav(tmp_path / "call.wav", sound, rate_hz=8000), tmp_path / "call.vtt"

    return make


@pytest.mark.parametrize(("agent_db", "refused"), [(0, True), (-6, True), (-20, False), (-60, False)])
def test_a_track_on_which_another_one_is_as_loud_is_refused(recorded, agent_db, refused):
    media, transcript = recorded(agent_db)
    session = SessionPlan("s", START, (PartySource("customer", media, transcript),))
    if not refused:
        assert estimated_ms(session) == 6000
        return
    for read in (estimated_ms, messages):
        with pytest.raises(InputError, match="mixes both parties"):
            read(session)


def test_by_an_option_a_mixture_is_read_as_one_party_that_is_nobody(recorded):
    media, transcript = recorded(0)
    arguments = SessionArguments([media], channels="both", transcript=transcript, purpose="synthetic")
    session = plan(arguments, ProducerSettings(), START, None)
    assert {message.party for message in messages(session)} == {"other"}


def test_a_mixture_holds_the_agent_and_needs_a_purpose(recorded):
    media, transcript = recorded(0)
    with pytest.raises(PolicyError, match="agent's voice"):
        plan(
            SessionArguments([media], channels="both", transcript=transcript), ProducerSettings(), START, None
        )
