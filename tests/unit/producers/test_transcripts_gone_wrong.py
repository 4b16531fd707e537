"""Transcripts as people have them: whose words, when, and without what is not spoken.

Each case is a file beside a recording of 8 s. "Words in 0, 1" are windows of a second.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from affectstream.producers.notices import notice
from affectstream.producers.plan import PartySource, SessionPlan
from affectstream.producers.subtitles import subrip, webvtt
from affectstream.producers.transcripts import load
from affectstream.producers.turns import turns
from affectstream.schemas.errors import InputError

GLAD, ANGRY = "Thank you so much, that is wonderful.", "This is an outrage, I am furious!"
LENGTH_MS = 8_000


@pytest.fixture(autouse=True)
def forget():
    notice.cache_clear()


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def srt(*cues):
    return "\n".join(f"{n}\n{times}\n{text}\n" for n, (times, text) in enumerate(cues, 1))


def windows(found):
    return sorted({w for u in found for w in range(u.start_ms // 1000, -(-u.end_ms // 1000))})


def words(found):
    return " | ".join(utterance.text for utterance in found)


ROLLING = """WEBVTT
Kind: captions
Language: en

00:00:00.100 --> 00:00:02.000 align:start position:0%
 \nthis<00:00:00.500><c> is</c><00:00:00.900><c> an</c><00:00:01.200><c> outrage</c>

00:00:02.000 --> 00:00:02.010 align:start position:0%
this is an outrage
 \n
00:00:02.010 --> 00:00:04.000 align:start position:0%
this is an outrage
and<00:00:02.500><c> I</c><00:00:02.900><c> am</c><00:00:03.200><c> furious</c>
"""
FURIOUS = ["This", "is", "an", "outrage!", "I", "am", "furious."]
UNHAPPY = ["I", "am", "not", "happy", "at", "all"]
FIRST, SECOND = "00:00:00,000 --> 00:00:02,000", "00:00:03,000 --> 00:00:05,000"
CASES = {
    "label_in_words.srt": (srt((FIRST, ANGRY), ("00:00:02,500 --> 00:00:04,000", "PIN: four seven one one.")),
        [0, 1, 2, 3], f"{ANGRY} | PIN: four seven one one."),
    "no_blank_lines.srt": (f"1\n{FIRST}\n{GLAD}\n2\n00:00:04,000 --> 00:00:06,000\n{ANGRY}\n3\n"
        "00:00:06,500 --> 00:00:08,000\nGive me my money back!\n",
        [0, 1, 4, 5, 6, 7], f"{GLAD} | {ANGRY} | Give me my money back!"),
    "no_blank_lines.vtt": (f"WEBVTT\n\n1\n{FIRST}\n{GLAD}\n2\n{SECOND}\n{ANGRY}\n", [0, 1, 3, 4],
        f"{GLAD} | {ANGRY}"),
    "blank_in_cue.srt": (f"1\n{FIRST}\nI waited two weeks,\n\nand nobody called.\n\n2\n{SECOND}\n{ANGRY}\n",
        [0, 1, 3, 4], f"I waited two weeks, and nobody called. | {ANGRY}"),
    "a_number_is_a_word.srt": (f"1\n{FIRST}\nMy room is\n42\n\n2\n{SECOND}\n{ANGRY}\n", [0, 1, 3, 4],
        f"My room is 42 | {ANGRY}"),
    "space_line.vtt": (ROLLING, [0, 1, 2, 3], "this is an outrage | and I am furious"),
    "no_header_line.vtt": (f"WEBVTT\n00:00.000 --> 00:02.000\n{GLAD}\n", [0, 1], GLAD),
    "no_end_known.vtt": (f"WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n{GLAD}\n\n"
        f"00:00:03.000 --> 99:59:59.999\n{ANGRY}\n", [0, 1, 3, 4, 5, 6, 7], f"{GLAD} | {ANGRY}"),
    "end_in_the_middle.srt": (srt(("00:00:00,000 --> 99:59:59,999", GLAD), (SECOND, ANGRY)),
        [0, 1, 2, 3, 4], f"{GLAD} | {ANGRY}"),
    "studio_clock.srt": (srt(("10:00:00,000 --> 10:00:02,000", GLAD),
        ("10:00:03,000 --> 10:00:05,000", ANGRY)), [0, 1, 3, 4], f"{GLAD} | {ANGRY}"),
    "ends_before.srt": (srt((FIRST, GLAD), ("00:00:04,660 --> 00:00:02,960", "Still nobody called."),
        ("00:00:05,000 --> 00:00:07,000", ANGRY)), [0, 1, 4, 5, 6],
        f"{GLAD} | Still nobody called. | {ANGRY}"),
    "after_the_end.srt": (srt((FIRST, GLAD), ("01:00:00,000 --> 01:00:02,000", ANGRY)), [0, 1], GLAD),
    "rounded_up.srt": (srt(("00:00:06,000 --> 00:00:08,600", GLAD)), [6, 7], GLAD),
    "negative.json": ([{"start": -0.5, "end": 1.0, "text": GLAD}], [0], GLAD),
    "last_end_null.json": ({"segments": [{"start": 0.0, "end": 2.0, "text": GLAD},
        {"start": 3.0, "end": None, "text": ANGRY}]}, [0, 1, 3, 4, 5], f"{GLAD} | {ANGRY}"),
    "pipeline_chunks.json": ({"text": f"{GLAD} {ANGRY}", "chunks": [{"timestamp": [0.0, 2.0], "text": GLAD},
        {"timestamp": [3.0, 5.0], "text": ANGRY}]}, [0, 1, 3, 4], f"{GLAD} | {ANGRY}"),
    "whisper_cpp.json": ({"result": {"language": "en"}, "transcription": [
        {"timestamps": {"from": "00:00:00,000", "to": "00:00:02,000"}, "offsets": {"from": 0, "to": 2000},
         "text": f" {GLAD}"},
        {"timestamps": {"from": "00:00:03,000", "to": "00:00:05,000"}, "text": f" {ANGRY}"}]},
        [0, 1, 3, 4], f"{GLAD} | {ANGRY}"),
    "words_only.json": ({"text": "", "words": [{"word": w, "start": 0.4 * n, "end": 0.4 * n + 0.3}
        for n, w in enumerate(FURIOUS)]}, [0, 1, 2],
        "This is an outrage! | I am furious."),
    "words_as_chunks.json": ({"chunks": [{"text": f" {w}", "timestamp": [0.4 * n, 0.4 * n + 0.3]}
        for n, w in enumerate(UNHAPPY)]}, [0, 1, 2], "I am not happy at all"),
    "words_without_times.json": ({"segments": [{"start": 0, "end": 2, "text": "I paid 40 euros", "words": [
        {"word": "I", "start": 0, "end": 0.2}, {"word": "40"}]}]}, [0, 1], "I paid 40 euros"),
    "placement.srt": (srt((FIRST, "{\\an8}" + GLAD), (SECOND, "{\\an8}{\\i1}[music]{\\i0}")), [0, 1], GLAD),
    "sounds.srt": (srt((FIRST, "♪ la la la ♪"), (SECOND, f"[sighs] {GLAD} (laughs)")), [3, 4], GLAD),
    "like_markup.srt": (srt((FIRST, "I <3 it, a < b &amp; c > d"), 
        (SECOND, "<font color='red'>Stop</font> it")),
        [0, 1, 3, 4], "I <3 it, a < b & c > d | Stop it"),
    "arrow_in_words.srt": (srt((FIRST, "left --> right"), (SECOND, ANGRY)), [0, 1, 3, 4],
        f"left --> right | {ANGRY}"),
    "placed_lines.srt": (srt((FIRST, r"{\pos(10,20)}so\Nit is")), [0, 1], "so it is"),
    "marked_words.srt": (srt(("00:00:00,000 --> 00:00:01,000", "<u>I</u> am angry"),
        ("00:00:01,000 --> 00:00:02,000", "I <u>am</u> angry"),
        ("00:00:02,000 --> 00:00:03,000", "I am <u>angry</u>"),
        ("00:00:03,000 --> 00:00:04,000", "No."), ("00:00:04,000 --> 00:00:05,000", "No.")),
        [0, 1, 2, 3, 4], "I am angry | No. | No."),
    "hashes.srt": (srt((FIRST, "# la la la #"), (SECOND, "rooms # 5 and # 6")), [3, 4], "rooms # 5 and # 6"),
    "a_dash_each.srt": (srt((FIRST, f"- {GLAD}"), (SECOND, ANGRY)), [0, 1, 3, 4], f"{GLAD} | {ANGRY}"),
    "twice.srt": (2 * srt((FIRST, GLAD), (SECOND, ANGRY)), [0, 1, 3, 4], f"{GLAD} | {ANGRY}"),
    "lengths.json": ([{"start": 0.0, "duration": 2.0, "text": GLAD}, {"start": 3, "dur": 2, "text": ANGRY}],
        [0, 1, 3, 4], f"{GLAD} | {ANGRY}"),
    "lines.jsonl": ("".join(json.dumps({"start": at, "end": at + 2, "text": text}) + "\n"
        for at, text in ((0, GLAD), (3, ANGRY))), [0, 1, 3, 4], f"{GLAD} | {ANGRY}"),
    "whisper.tsv": (f"start\tend\ttext\n0\t2000\t{GLAD}\n3000\t5000\t{ANGRY}\n", [0, 1, 3, 4],
        f"{GLAD} | {ANGRY}"),
    "captions.sbv": (f"0:00:00.000,0:00:02.000\n{GLAD}\n\n0:00:03.000,0:00:05.000\n{ANGRY}\n", [0, 1, 3, 4],
        f"{GLAD} | {ANGRY}"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_words_lie_where_they_were_spoken(tmp_path, name):
    content, expected, text = CASES[name]
    found = load(write(tmp_path, name, content), (), LENGTH_MS)
    assert (windows(found), words(found)) == (expected, text)


REPAIRED = {
    "end_in_the_middle.srt": "1 of 2 cues had a time that cannot be, or no end; estimated",
    "negative.json": "1 of 1 cues had a time that cannot be, or no end; estimated",
    "no_end_known.vtt": "1 of 2 cues had a time that cannot be, or no end; estimated",
    "ends_before.srt": "1 of 3 cues had a time that cannot be, or no end; estimated",
    "last_end_null.json": "1 of 2 cues had a time that cannot be, or no end; estimated",
    "after_the_end.srt": "1 of 2 cues start outside the recording, or at no time; left out",
    "twice.srt": "2 of 4 cues are there twice, with the same times and words; counted once",
    "studio_clock.srt": "all times are 10 h after the recording's; these hours are taken off",
}


@pytest.mark.parametrize("name", CASES)
def test_what_was_repaired_is_counted_and_nothing_else_is_said(tmp_path, name):
    with capture_logs() as logs:
        load(write(tmp_path, name, CASES[name][0]), (), LENGTH_MS)
    assert [log["notice"] for log in logs] == ([REPAIRED[name]] if name in REPAIRED else [])


@pytest.mark.parametrize(
    ("times", "says"),
    [("10:20:30,000 --> 10:20:32,000", "first words are at 37,230 s"), ("00:50,0 --> 00:51,0", "at 50 s")],
)
def test_words_that_all_lie_after_the_recording_are_refused(tmp_path, times, says):
    with pytest.raises(InputError, match=f"{says}.*end of the recording at 8 s.*--offset"):
        load(write(tmp_path, "a.srt", srt((times, GLAD))), (), LENGTH_MS)


@pytest.mark.parametrize(
    ("segments", "says"),
    [
        (
            [{"start": 0, "end": 2000, "text": GLAD}, {"start": 3000, "end": 5000, "text": ANGRY}],
            "milliseconds",
        ),
        ([{"start": 0, "end": 0, "text": GLAD}] * 4, "all its cues are at 0 s"),
    ],
)
def test_times_that_are_none_are_refused(tmp_path, segments, says):
    with pytest.raises(InputError, match=says):
        load(write(tmp_path, "a.json", segments), (), LENGTH_MS)


def anew(*windows):
    chunks = [{"timestamp": [start, end], "text": GLAD} for window in windows for start, end in window]
    return {"text": "", "chunks": chunks}


ANEW = {
    "windows of 30 s": ([[(0, 9), (20, 29)], [(0, 5), (24, 28)], [(2, 5)]], 70,
        [0, 20, 30, 54, 62]),
    "windows that end with words": ([[(0, 9), (20, 28)], [(0, 5), (20, 27)], [(0, 20)], [(0, 4)]], 80,
        [0, 20, 28, 48, 55, 75]),
    "a last end that is missing": ([[(0, 28)], [(0, None)]], 40, [0, 30]),
    "out of order, no windows": ([[(5, 8)], [(2, 4), (9, 12)]], 60, [2, 5, 9]),
    "longer than the recording": ([[(0, 25)], [(1, 24)]], 26, [0, 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", ANEW)
def test_times_that_begin_anew_every_half_minute_are_read_on(tmp_path, name):
    given, length_s, starts = ANEW[name]
    with capture_logs() as logs:
        found = load(write(tmp_path, "a.json", anew(*given)), (), 1000 * length_s)
    assert [u.start_ms // 1000 for u in found] == starts
    told = any("begin anew" in log["notice"] for log in logs)
    assert told == ("," not in name and "recording" not in name)


def test_a_long_transcript_of_a_short_clip_is_read_as_far_as_it_goes(tmp_path):
    segments = [{"start": 3 * n, "end": 3 * n + 2, "text": GLAD} for n in range(30)]
    assert windows(load(write(tmp_path, "a.json", segments), (), LENGTH_MS)) == [0, 1, 3, 4, 6, 7]


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


LINES = st.sampled_from(
    ["", " ", "1", "2", "7", "00:01.000 --> 00:02.000", "00:00:03,000 --> 00:00:02,000", "Mara: hi", "- so",
     "x",      "NOTE", "NOTE --> x", "<v Tom>hi", "99:59:59.999 --> 99:59:59.999", "-->", "Tom Reyes: no"]
)  # fmt: skip
FILES = st.lists(LINES, max_size=14).map("\n".join)


@given(FILES, st.integers(1, 20_000))
def test_utterances_of_any_cues_lie_within_the_recording_in_order(tmp_path_factory, text, length_ms):
    for name, head in (("a.vtt", "WEBVTT\n\n"), ("a.srt", "")):
        path = write(tmp_path_factory.mktemp("any"), name, head + text)
        try:
            found = load(path, (), length_ms)
        except InputError as error:
            assert name in str(error)
            continue
        assert all(0 <= u.start_ms < u.end_ms <= length_ms and u.text for u in found)
        assert [u.start_ms for u in found] == sorted(u.start_ms for u in found)
        assert not any("00:" in u.text for u in found)


WORD = st.tuples(
    st.sampled_from(["so", "it's", "40", "no.", "why?"]), st.integers(0, 900), st.integers(0, 2000)
)


@given(st.lists(WORD, min_size=1, max_size=40), st.sampled_from(["A", "B", None]))
def test_no_word_of_a_list_of_words_is_lost(tmp_path_factory, drawn, speaker):
    items, at = [], 0
    for word, length, pause in drawn:
        items.append({"word": word, "start": at / 1000, "end": (at + length) / 1000, "speaker": speaker})
        at += length + pause
    path = write(tmp_path_factory.mktemp("words"), "a.json", {"words": items})
    found = load(path, (), at + 1)
    assert " ".join(u.text for u in found).split() == [word for word, _, _ in drawn]
    assert {u.speaker for u in found} == {speaker}


CUES = st.lists(st.sampled_from(["so it is", "forty two", "no", "that's it"]), min_size=1, max_size=6)


@given(CUES, st.sampled_from(["\n\n", "\n", "\n \n", "\n\n\n"]), st.booleans())
def test_cues_are_the_same_however_they_are_set_apart(texts, gap, numbered):
    cues = [
        (f"{n + 1}\n" if numbered else "") + f"00:{n:02}.000 --> 00:{n:02}.900\n{text}"
        for n, text in enumerate(texts)
    ]
    body = gap.join(cues)
    assert [cue.text.strip() for cue in subrip(body)] == texts
    if gap != "\n \n" or not numbered:
        assert [cue.text.strip() for cue in webvtt(f"WEBVTT\n\n{body}\n")[0]] == texts
