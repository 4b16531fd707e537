"""Whose words a transcript holds: names asked about, labels that are words, several people of one role."""

import pytest
from structlog.testing import capture_logs
from support.transcript_files import ANGRY, GLAD, LENGTH_MS, srt, write

from affectstream.producers.plan import PartySource, SessionPlan
from affectstream.producers.transcripts import load
from affectstream.producers.turns import turns
from affectstream.schemas.errors import InputError


def parties(tmp_path, content, name="a.vtt", among=("customer",), **table):
    path = write(tmp_path, name, content)
    found = turns(path, load(path, table, LENGTH_MS), among, table, 0)
    return [(turn.party, turn.text) for turn in found]


def vtt(*texts):
    cues = [f"00:0{n}.000 --> 00:0{n + 1}.000\n{text}\n" for n, text in enumerate(texts)]
    return "\n".join(["WEBVTT\n", *cues])


TWO = {
    "meeting software": vtt(f"Mara Lind: {GLAD}", f"Tom Reyes: {ANGRY}"),
    "voice spans": vtt(f"<v Mara Lind>{GLAD}</v>", f"<v Tom Reyes>{ANGRY}</v>"),
    "single names": vtt(f"Mara: {GLAD}", f"Tom: {ANGRY}"),
    "numbers": vtt(f"[SPEAKER_00]: {GLAD}", f"[SPEAKER_01]: {ANGRY}"),
    "numbers before words": vtt(f"(speaker 0) {GLAD}", f"(speaker 1) {ANGRY}"),
    "names in another script": vtt(f"田中: {GLAD}", f"鈴木: {ANGRY}"),
    "names after marks": vtt(f">> Mara Lind: {GLAD}", f">> Tom Reyes: {ANGRY}"),
    "last names first": vtt(f"Lind, Mara: {GLAD}", f"Reyes, Tom: {ANGRY}"),
    "titles and initials": vtt(f"Dr. M. Lind: {GLAD}", f"O'Brien-Reyes: {ANGRY}"),
    "lower case": vtt(f"mara: {GLAD}", f"tom: {ANGRY}"),
    "addresses": vtt(f"mara@example.org: {GLAD}", f"+49 170 1234567: {ANGRY}"),
    "letters": vtt(f"A: {GLAD}", f"B: {ANGRY}"),
    "guests": vtt(f"Mara Lind [External]: {GLAD}", f"Tom Reyes [Unverified]: {ANGRY}"),
    "times before names": vtt(f"[00:00:01] Mara Lind: {GLAD}", f"[00:00:02] Tom Reyes: {ANGRY}"),
    "capitals": vtt(f"MARA: {GLAD}", f"TOM: {ANGRY}"),
    "one cue": vtt(f"Mara Lind: {GLAD}\nTom Reyes: {ANGRY}"),
    "one line": vtt(f"Mara Lind: {GLAD} Tom Reyes: {ANGRY}", "Mara Lind: Fine.", "Tom Reyes: Bye."),
}


ENDS = ("{}:", "{})", "{}]:", "{}>", "{} [")


@pytest.mark.parametrize("name", TWO)
def test_two_people_are_asked_about_by_name_and_told_apart_by_the_answer(tmp_path, name):
    with pytest.raises(InputError, match="which party is who") as caught:
        parties(tmp_path, TWO[name])
    found = str(caught.value).split("Speakers found: ")[1].split(". Map")[0]
    found = found.split("; " if ";" in found else ", ")
    assert len(found) == 2 and GLAD not in str(caught.value)
    assert "--speaker" in str(caught.value)
    first, second = sorted(found, key=lambda one: max(TWO[name].find(end.format(one)) for end in ENDS))
    answered = parties(tmp_path, TWO[name], **{first: "customer", second: "agent"})
    assert answered[:2] == [("customer", GLAD), ("agent", ANGRY)]


@pytest.mark.parametrize(
    "content",
    [vtt(f">> {GLAD}", f">> {ANGRY}"), vtt(f"- {GLAD}\n- {ANGRY}"), vtt(f">>{GLAD}", "so", f">>{ANGRY}")],
)
def test_changes_of_speaker_without_names_are_refused(tmp_path, content):
    with pytest.raises(InputError, match="marks changes of speaker"):
        parties(tmp_path, content)


WORDS = [
    "Bill: forty euros", "So I said: no.", "one thing: it broke",
    "PIN: four seven one one.", "Note: it is late.", "Listen: I paid.", "My name: Ana.", "Order number: 12",
    "Call me at 10:30: please.", "I told her: no.", "Monday: nobody came.", "The customer service: awful.",
    "The agent: he was rude.", "Total: 40 euros", "https://example.org: there", "ETA: five",
    "To: whom it concerns",
]  # fmt: skip


@pytest.mark.parametrize("line", WORDS)
def test_a_label_within_words_is_words(tmp_path, line):
    assert parties(tmp_path, vtt(GLAD, line, ANGRY)) == [
        ("customer", GLAD),
        ("customer", line),
        ("customer", ANGRY),
    ]


def test_several_people_of_one_role_are_told_of_and_one_of_two_spellings_is_one(tmp_path):
    with capture_logs() as logs:
        found = parties(tmp_path, vtt(f"CUSTOMER 1: {GLAD}", f"CUSTOMER 2: {ANGRY}"))
        assert parties(tmp_path, vtt(f"Mara Lind: {GLAD}", f"MARA LIND: {ANGRY}"), "b.vtt") == found
    assert found == [("customer", GLAD), ("customer", ANGRY)]
    told = "2 speakers are the customer by the roles in their names; --speaker tells them apart"
    assert [log["notice"] for log in logs] == [told]


def test_segments_without_a_speaker_among_others_are_given_to_nobody(tmp_path):
    segments = [
        {"start": 0, "end": 1, "text": GLAD, "speaker": "SPEAKER_00"},
        {"start": 1, "end": 2, "text": ANGRY},
        {"start": 2, "end": 3, "text": "Fine.", "speaker": "SPEAKER_01"},
    ]
    table = {"SPEAKER_00": "customer", "SPEAKER_01": "agent"}
    with capture_logs() as logs:
        found = parties(tmp_path, {"segments": segments}, "a.json", **table)
    assert found == [("customer", GLAD), (None, ANGRY), ("agent", "Fine.")]
    assert "1 of 3 utterances name no speaker" in logs[-1]["notice"]


def test_words_of_two_speakers_in_one_segment_are_told_apart(tmp_path):
    word = {"start": 0, "end": 1}
    segment = {"start": 0, "end": 2, "text": "Hello. Bye.", "words": [
        word | {"word": "Hello.", "speaker": "A"}, word | {"word": "Bye.", "speaker": "B"}]}  # fmt: skip
    assert parties(tmp_path, {"segments": [segment]}, "a.json", A="customer", B="agent") == [
        ("customer", "Hello."),
        ("agent", "Bye."),
    ]


def test_a_shared_transcript_follows_its_own_offset(tmp_path):
    path = write(tmp_path, "a.srt", srt(("00:00:11,000 --> 00:00:12,000", GLAD)))
    from affectstream.producers.plan import conversation

    plan = SessionPlan("s", 0, (PartySource("customer", None, path),), transcript_offset_ms=-10_000)
    assert [(turn.start_ms, turn.end_ms) for turn in conversation(plan)] == [(1000, 2000)]
