"""Laws of transcripts: words within the recording, in order, none lost, however cues are set apart."""

from hypothesis import given
from hypothesis import strategies as st
from support.transcript_files import write

from affectstream.producers.subtitles import subrip, webvtt
from affectstream.producers.transcripts import load
from affectstream.schemas.errors import InputError

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
