"""Transcripts as people have them: when words were spoken, and without what is not spoken.

Each case is a file beside a recording of 8 s. "Words in 0, 1" are windows of a second.
"""

import json

import pytest
from structlog.testing import capture_logs
from support.transcript_files import ANGRY, GLAD, LENGTH_MS, srt, write

from affectstream.producers.transcripts import load
from affectstream.schemas.errors import InputError


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
