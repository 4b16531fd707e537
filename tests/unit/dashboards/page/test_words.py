"""What the page writes about a party: cues, weights, reasons."""

from support.observations import final

from affectstream.dashboards.page.wording import heading, line, marks, why
from affectstream.dashboards.responses import PartyRow
from affectstream.schemas.labels import EMOTIONS

ROW = PartyRow(
    session="call-7", party="customer", start_ms=0, end_ms=1000, duration_ms=1000, label="angry",
    attributable=True, shown="angry", confidence=0.714, uncertainty=0.2, disagreement=0.1, conflict=None,
    valence=-0.6,
    state="live", alerts=0, alert=None, need=0.2,
)  # fmt: skip


def test_a_label_is_a_cue_and_no_verdict() -> None:
    assert line(ROW) == "now: cues consistent with anger, 0.71"
    told = ROW.model_copy(update={"conflict": "words neutral, voice angry"})
    assert line(told) == "now: cues consistent with anger, 0.71; words neutral, voice angry"


def test_unsure_and_nothing_to_read_are_told_apart() -> None:
    assert line(ROW.model_copy(update={"shown": None})) == "now: unsure"
    assert line(ROW.model_copy(update={"shown": None, "label": None})) == "now: nothing to read"


def test_no_emotion_lacks_its_noun() -> None:
    assert all("None" not in line(ROW.model_copy(update={"shown": name})) for name in EMOTIONS)


def test_each_modality_has_its_weight_or_its_reason() -> None:
    bucket = {
        "video_status": "no_face", "video_weight": 0.0, "audio_status": "present", "audio_weight": 0.7,
        "text_status": None, "text_weight": 0.0,
    }  # fmt: skip
    assert why(bucket) == "face: no face, voice: weight 0.70"


def test_nothing_has_happened_where_nothing_is_known() -> None:
    assert marks([], None, final(1000).end_ms) == []


def test_a_party_that_is_nobody_in_particular_says_so_in_its_heading() -> None:
    assert (heading("other"), heading("customer")) == ("other (not attributable)", "customer")
