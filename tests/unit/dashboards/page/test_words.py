"""What the page writes about a party: cues, weights, reasons."""

from support.observations import final

from affectstream.dashboards.page.course import Mark
from affectstream.dashboards.page.events import row
from affectstream.dashboards.page.wording import heading, line, marks, why
from affectstream.dashboards.responses import PartyRow
from affectstream.schemas.alert import Alert
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


def test_a_call_that_is_over_is_not_told_of_as_if_it_went_on() -> None:
    assert line(ROW.model_copy(update={"state": "ended"})) == "at the end: cues consistent with anger, 0.71"


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


def alert(edge: str, end_ms: int) -> Alert:
    """An edge of an alert that began with the call."""
    times = {"since_ms": 0, "start_ms": end_ms - 1000, "end_ms": end_ms}
    measured = {"kind": "above", "value": 0.8, "peak": 0.8, "level": 0.6}
    whose = {"session_id": "call-7", "party": "customer", "rule": "angry"}
    text = "customer: angry at least 0.60"
    return Alert(**times, **measured, **whose, alert_id="a1", edge=edge, text=text)


def test_an_alert_lasts_until_its_end_or_is_open() -> None:
    (over,) = marks([alert("begin", 1000), alert("end", 5000)], None, 65_000)
    (still,) = marks([alert("begin", 1000)], None, 65_000)
    assert [row(mark, "customer", 0) for mark in (over, still)] == [
        {"at": "0:00", "length": length, "party": "customer", "kind": "alert", "what": "angry at least 0.60",
         "from_ms": 0}
        for length in ("0:05", "1:05, open")
    ]  # fmt: skip


def test_a_turning_point_is_a_moment() -> None:
    turned = row(Mark("turning point", 61_000, 61_000, "neutral to angry"), "agent", 1000)
    assert (turned["at"], turned["length"], turned["kind"]) == ("1:00", "", "turning point")
