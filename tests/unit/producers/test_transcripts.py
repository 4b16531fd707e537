"""Transcript files in their formats, encodings and states of disrepair."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.transcripts import Utterance, load
from affectstream.schemas.errors import InputError

VTT = """WEBVTT - a title
Kind: captions

NOTE
two lines that
are not spoken

STYLE
::cue { color: white }

1
00:01.000 --> 00:02.500 align:start
<v Customer>I <i>paid</i> this &amp; that</v>

00:00:03.000 --> 00:00:04.250
<v.loud Agent Smith>Let me look
<00:00:03.500>at it.

00:05.000 --> 00:06.000
<v Customer>Yes?</v> <v Agent Smith>No.</v>
"""

SRT = """1
00:00:01,000 --> 00:00:02,500
CUSTOMER: I paid
twice.

2
00:00:03,000 --> 00:00:04,250
Agent: Note: it is odd.

3
00:00:05,000 --> 00:00:06,000
Let me see.
"""


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_webvtt_gives_voices_times_and_plain_text(tmp_path):
    assert load(write(tmp_path, "a.vtt", VTT)) == (
        Utterance(1000, 2500, "Customer", "I paid this & that"),
        Utterance(3000, 4250, "Agent Smith", "Let me look at it."),
        Utterance(5000, 6000, "Customer", "Yes?"),
        Utterance(5000, 6000, "Agent Smith", "No."),
    )


def test_srt_gives_speakers_by_prefix_and_carries_them_on(tmp_path):
    assert load(write(tmp_path, "a.srt", SRT)) == (
        Utterance(1000, 2500, "CUSTOMER", "I paid twice."),
        Utterance(3000, 4250, "Agent", "Note: it is odd."),
        Utterance(5000, 6000, "Agent", "Let me see."),
    )


def test_a_word_before_a_colon_is_a_speaker_only_where_it_is_known_as_one(tmp_path):
    path = write(tmp_path, "a.srt", "1\n00:00:01,000 --> 00:00:02,000\nMaria: hello\n")
    assert load(path)[0].speaker is None
    assert load(path, ["maria"])[0] == Utterance(1000, 2000, "Maria", "hello")


@pytest.mark.parametrize(
    ("wrap", "language"),
    [(lambda s: {"text": "", "segments": s, "language": "en"}, "en"), (lambda s: s, None)],
)
def test_whisper_json_gives_segments_with_and_without_speakers(tmp_path, wrap, language):
    segments = [
        {"id": 1, "start": 2.0004, "end": 3.2, "text": " Two. ", "speaker": "SPEAKER_01", "words": []},
        {"id": 0, "start": 0.1, "end": 1.2994, "text": " One.", "speaker": "SPEAKER_00"},
        {"id": 2, "start": 4, "end": 5, "text": "  "},
    ]
    assert load(write(tmp_path, "a.json", json.dumps(wrap(segments)))) == (
        Utterance(100, 1299, "SPEAKER_00", "One.", language=language),
        Utterance(2000, 3200, "SPEAKER_01", "Two.", language=language),
    )


@pytest.mark.parametrize(
    "encode",
    [
        lambda s: b"\xef\xbb\xbf" + s.encode(),
        lambda s: s.replace("\n", "\r\n").encode(),
        lambda s: s.replace("\n", "\r").encode(),
        lambda s: s.encode("utf-16"),
        lambda s: s.encode("utf-16-le"),
        lambda s: s.encode("utf-16-be"),
        lambda s: s.encode("cp1252"),
    ],
    ids=["bom", "crlf", "cr", "utf-16", "le", "be", "windows-1252"],
)
def test_encodings_and_line_ends_do_not_matter(tmp_path, encode):
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Caller>Café, naïve\n"
    assert load(write(tmp_path, "a.vtt", encode(text))) == (Utterance(1000, 2000, "Caller", "Café, naïve"),)


def test_cues_out_of_order_are_sorted(tmp_path):
    text = "WEBVTT\n\n00:03.000 --> 00:04.000\nb\n\n00:01.000 --> 00:02.000\na\n"
    assert [u.text for u in load(write(tmp_path, "a.vtt", text))] == ["a", "b"]


def test_an_empty_transcript_has_no_utterances(tmp_path):
    assert load(write(tmp_path, "a.vtt", "WEBVTT\n")) == ()
    assert load(write(tmp_path, "a.srt", "")) == ()


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.vtt", "00:01.000 --> 00:02.000\nsecret words\n", "line 1: .*WEBVTT"),
        ("a.vtt", "WEBVTT\n\n00:01.000 -> 00:02.000\nsecret words\n", "line 3: a cue without"),
        ("a.vtt", "WEBVTT\n\n00:61.000 --> 00:62.000\nsecret words\n", "line 3: no time of the form"),
        ("a.srt", "1\nnonsense --> 00:00:01,000\nsecret words\n", "line 2: no time of the form"),
        ("a.srt", "secret words\nand more\n", "line 1: a cue without"),
        ("a.json", '{"segments": [\n{"start": 1,}]}', "line 2: not valid JSON"),
        ("a.json", "secret words", "line 1: not JSON"),
        ("a.json", '{"text": "secret words"}', "no list `segments`"),
        ("a.json", '[{"start": NaN, "end": 1, "text": "secret words"}]', "segment 0: no time"),
        ("a.json", '[{"start": 2, "end": 3, "text": 7}]', "segment 0: not an object with"),
        ("a.json", "[" * 100_000, "JSON"),
        ("a.txt", "secret words", "neither WebVTT, SRT, JSON of a recogniser nor"),
        ("a.lrc", "[00:00.00]secret words", "neither WebVTT, SRT, JSON of a recogniser nor"),
        ("a.vtt", b"\x00\x01\x02" * 100, "not a text file"),
        ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "secret words " * 1000, "longer than"),
    ],
)
def test_a_fault_is_named_with_its_place_and_without_the_words(tmp_path, name, text, says):
    with pytest.raises(InputError, match=says) as caught:
        load(write(tmp_path, name, text))
    assert name in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.vtt"):
        load(tmp_path / "none.vtt")


LINES = st.sampled_from(
    ["WEBVTT", "", "1", "00:01.000 --> 00:02.000", "00:00:03,000 --> 00:00:02,000", "<v Agent>hi", "A: b",
     "NOTE", "-->", "[", '{"segments": [', "<v>", "</v>", "&#x110000;", "99:99:99.999 --> 100:00:00.000"]
)  # fmt: skip


@given(
    st.lists(LINES | st.text(max_size=20), max_size=12), st.sampled_from(["a.vtt", "a.srt", "a.json", "a"])
)
def test_any_text_gives_utterances_in_order_or_a_named_fault(tmp_path_factory, lines, name):
    path = write(tmp_path_factory.mktemp("any"), name, "\n".join(lines).encode("utf-8", "replace"))
    try:
        found = load(path)
    except InputError as error:
        assert name in str(error)
    else:
        assert [u.start_ms for u in found] == sorted(u.start_ms for u in found)
        assert all(0 <= u.start_ms <= u.end_ms and u.text for u in found)
