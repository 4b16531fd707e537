"""JSON of Deepgram: utterances where the request asked for them, else the words of every channel.

Where a file has several channels, the channel is the speaker; else the speaker, where there was diarisation.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from affectstream.producers.subtitles import Cue
from affectstream.producers.vendors.fields import (
    Json,
    field,
    inner,
    label,
    language,
    ms,
    objects,
    text,
    utterances,
    words,
)


def cues(_: Path, document: Json) -> list[Cue] | None:
    """Return the cues of a document of Deepgram's, None for another."""
    results = inner(document, "results")
    channels = objects(results.get("channels"))
    if not channels or not all("alternatives" in each for each in channels):
        return None
    several = len(channels) > 1
    if spoken := objects(results.get("utterances")):
        return list(_spoken(spoken, several, _language(channels[0])))
    numbers = count()
    return [
        replace(cue, where=f"utterance {next(numbers)}", language=_language(channel))
        for number, channel in enumerate(channels)
        for cue in utterances(_words(channel, label("channel", number) if several else None))
    ]


def _spoken(items: list[Json], several: bool, stated: str | None) -> Iterator[Cue]:
    for number, item in enumerate(items):
        who = label("channel", item.get("channel")) if several else label("speaker", item.get("speaker"))
        times = ms(item.get("start")), ms(item.get("end"))
        yield Cue(f"utterance {number}", *times, text(item.get("transcript")), who, language=stated)


def _words(channel: Json, name: str | None) -> list[Cue]:
    best = next(iter(objects(channel.get("alternatives"))), {})
    listed = [
        each for each in objects(best.get("words")) if text(field(each, "punctuated_word", "word")).strip()
    ]
    timed = words(listed, ("punctuated_word", "word"), ("start",), ("end",))
    speakers = [name or label("speaker", each.get("speaker")) for each in listed]
    return [replace(word, speaker=who) for word, who in zip(timed, speakers, strict=True)]


def _language(channel: Json) -> str | None:
    best = next(iter(objects(channel.get("alternatives"))), {})
    languages = best.get("languages")
    first = languages[0] if isinstance(languages, list) and languages else None
    return language(channel.get("detected_language"), first)
