"""Where the trust of each modality comes from: the settings, else the cards, by what a party sends."""

import pytest
from support.observations import ended, observed

from affectstream.models.fusion.trust import CARDS, TELEPHONE
from affectstream.runtime.settings import as_env, load
from affectstream.schemas.messages import MODALITIES
from affectstream.workers.fusion.config import trusted
from affectstream.workers.fusion.offline import offline_join

TELEPHONE_ROW, PICTURE_ROW = 0, 1
AUDIO = MODALITIES.index("audio")


def rows(**trust):
    return trusted(load(fusion={"trust": trust}).fusion)


def test_trust_is_the_cards_and_that_of_the_telephone_where_no_picture_is_sent():
    assert rows()[PICTURE_ROW] == pytest.approx([CARDS[m] for m in MODALITIES])
    assert rows()[TELEPHONE_ROW] == pytest.approx([CARDS["video"], TELEPHONE, CARDS["text"]])
    assert CARDS["audio"] > TELEPHONE


def test_what_is_set_replaces_the_cards():
    assert rows(audio=0.25)[:, AUDIO] == pytest.approx([0.25, 0.25])
    assert rows(audio=0.25, telephone=0.1)[:, AUDIO] == pytest.approx([0.1, 0.25])
    assert rows(telephone=0.1)[:, AUDIO] == pytest.approx([0.1, CARDS["audio"]])


def test_what_is_not_set_stays_so_in_a_subprocess():
    env = as_env(load())
    assert env["AFFECT_FUSION__TRUST__VIDEO"] == env["AFFECT_LABEL__MIN_PROBABILITY"] == "none"


ANGRY = (0.02, 0.02, 0.02, 0.88, 0.02, 0.02, 0.02)


def finals_of(*modalities):
    """The final of a second in which each of the modalities that a party sends is sure of anger."""
    offline = offline_join(load(fusion={"trust": {"audio": 0.8, "telephone": 0.4}}).fusion)
    items = [observed(m, 0, 0, 1000, p=ANGRY, expects=modalities) for m in modalities]
    ends = [ended(m, 1, 1000, expects=modalities) for m in modalities]
    return [final for item in items + ends for final in offline.push(item) if final.pane == "final"]


def test_a_voice_without_a_picture_is_trusted_as_by_telephone_and_fused_with_less_confidence():
    (heard,), (seen,) = finals_of("audio"), finals_of("video", "audio")
    trusts = [{s.modality: s.trust for s in final.modalities} for final in (heard, seen)]
    assert trusts == [{"audio": 0.4}, {"video": CARDS["video"], "audio": 0.8}]
    assert heard.p == ANGRY  # alone it is itself
    assert heard.confidence == pytest.approx(0.88 * 0.4 / 0.8)
    assert seen.confidence == max(seen.p) <= 0.88
