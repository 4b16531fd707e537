"""JSON of Google Speech-to-Text, versions 1 and 2, also of an operation, of a batch, or as its messages.

A recording of several channels has its results by channel, counted from 1. With diarisation the last result
of version 1 repeats the words of all results before it, each with its speaker.
"""

from collections import defaultdict
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

STARTS = ("startTime", "startOffset", "start_time", "start_offset")
ENDS = ("endTime", "endOffset", "end_time", "end_offset")
RESULT_ENDS = ("resultEndTime", "resultEndOffset", "result_end_time", "result_end_offset")
SPEAKER = ("speakerTag", "speakerLabel", "speaker_tag", "speaker_label")
CHANNEL = ("channelTag", "channel_tag")
LANGUAGE = ("languageCode", "language_code")


def cues(_: Path, document: Json) -> list[Cue] | None:
    """Return the cues of a document of Google's, None for another."""
    results = _results(document)
    if not results or not all("alternatives" in each for each in results):
        return None
    results = [each for each in results if each.get("isFinal", True)]
    channels: defaultdict[str | None, list[Json]] = defaultdict(list)
    for each in results:
        channels[label("channel", field(each, *CHANNEL))].append(each)
    numbers = count()
    return [
        replace(cue, where=f"utterance {next(numbers)}", language=language(field(own[0], *LANGUAGE)))
        for channel, own in channels.items()
        for cue in _of_channel(own, channel if len(channels) > 1 else None)
    ]


def _results(document: Json) -> list[Json]:
    holder = inner(document, "response") or document
    files = objects([*inner(holder, "results").values()])  # of a batch of version 2, by address
    if len(files) == 1:
        holder = inner(files[0], "inlineResult", "inline_result") or files[0]
    return objects(holder.get("results")) or objects(inner(holder, "transcript").get("results"))


def _best(result: Json) -> Json:
    return next(iter(objects(result.get("alternatives"))), {})


def _of_channel(results: list[Json], channel: str | None) -> list[Cue]:
    tagged = [each for each in results if any(map(_tag, objects(_best(each).get("words"))))]
    if tagged and channel is None and _repeats(tagged[-1], results):
        results = tagged[-1:]
    found: list[Cue] = []
    for each in results:
        begin_ms = max((cue.end_ms or 0 for cue in found), default=0)
        found += _of_result(each, channel, begin_ms)
    return found


def _repeats(last: Json, results: list[Json]) -> bool:
    """Say whether the last result with speakers has the words of all."""
    others = [objects(_best(each).get("words")) for each in results if each is not last]
    return len(objects(_best(last).get("words"))) >= max((len(words) for words in others), default=0)


def _of_result(result: Json, channel: str | None, begin_ms: int) -> list[Cue]:
    best = _best(result)
    listed = [each for each in objects(best.get("words")) if text(each.get("word")).strip()]
    timed = words(listed, ("word",), STARTS, ENDS)
    if not timed or timed[0].start_ms is None:
        end_ms = ms(field(result, *RESULT_ENDS))
        spoken = text(best.get("transcript"))
        return [Cue("", begin_ms, end_ms, spoken, channel)] if spoken.strip() else []
    speakers = [channel or _tag(each) for each in listed]
    return list(utterances([replace(word, speaker=who) for word, who in zip(timed, speakers, strict=True)]))


def _tag(word: Json) -> str | None:
    """Return the speaker of a word; 0 and an empty label are nobody."""
    tag = field(word, *SPEAKER)
    return None if tag in (0, "0", "") else label("speaker", tag)
