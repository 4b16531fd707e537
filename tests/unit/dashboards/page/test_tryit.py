"""Results of a trial as markup: bars, weights, reasons, and nothing of an upload as markup."""

from affectstream.dashboards.page.tryit import kind, result

P = {
    "neutral": 0.1, "happy": 0.6, "sad": 0.1, "angry": 0.05, "fear": 0.05, "disgust": 0.05, "surprise": 0.05,
}  # fmt: skip
FACE = {"probabilities": P, "label": "happy", "weight": 1.0, "reason": None}
NO_VOICE = {"probabilities": None, "label": None, "weight": 0.0, "reason": "no_speech"}
TRIAL = {
    "kind": "fused", "windows": 3, "modalities": {"video": FACE, "audio": NO_VOICE}, "probabilities": P,
    "label": "happy", "confidence": 0.6, "disagreement": 0.1, "sentence": "cues <b>", "face": None,
    "models": ["face/1"],
}  # fmt: skip


def test_each_emotion_has_a_bar_per_modality_with_evidence_and_fused() -> None:
    made = result(TRIAL)
    assert made.count('class="cell-run') == 2 * 7
    assert made.count('run-happy" style="width:60%"></span></span>0.60') == 2


def test_a_modality_without_evidence_has_its_reason_in_the_place_of_a_weight() -> None:
    made = result(TRIAL)
    assert "<td></td><td>1.00</td><td>no speech</td>" in made


def test_text_is_never_markup() -> None:
    assert "cues &lt;b&gt;" in result(TRIAL)


def test_means_are_said_to_be_means() -> None:
    assert "3 windows, of which these are means" in result(TRIAL)
    assert "From one window;" in result(TRIAL | {"windows": 1})


def test_the_media_type_says_how_an_upload_is_tried() -> None:
    assert kind(b"", "") == "text"
    assert kind(b"x", "image") == "face"
    assert kind(b"x", "audio") == kind(b"x", "video") == kind(b"x", "application") == "fused"
