"""JSON of Amazon: Contact Lens for Connect, Transcribe Call Analytics, and Transcribe itself.

Contact Lens (files and real-time segments) and Call Analytics list turns with times in ms and the roles AGENT
and CUSTOMER; Transcribe lists words and punctuation, by channel (`ch_0`) or by speaker (`spk_0`).
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from affectstream.producers.subtitles import Cue
from affectstream.producers.vendors.fields import Json, field, inner, language, ms, objects, text, utterances
from affectstream.schemas.errors import InputError


def cues(path: Path, document: Json) -> list[Cue] | None:
    """Return the cues of a document of Amazon's, None for another; raises InputError for one unfinished."""
    turns = objects(document.get("Transcript")) or [
        turn for each in objects(document.get("Segments")) if (turn := inner(each, "Transcript"))
    ]
    items = objects(inner(document, "results").get("items"))
    ours = "Transcript" in document or "Segments" in document or "jobName" in document or _typed(items)
    if not ours:
        return None
    status = text(field(document, "JobStatus", "status")) or "COMPLETED"
    if status != "COMPLETED":
        raise InputError(f"{path}: the transcription was not completed; its status is {status[:20]}")
    if turns and not any("BeginOffsetMillis" in turn for turn in turns):
        raise InputError(
            f"{path}: its turns have no BeginOffsetMillis; a chat, which nobody spoke, is not read"
        )
    return list(_turns(document, turns)) if turns else _transcribed(document, items)


def _typed(items: list[Json]) -> bool:
    return any(item.get("type") in ("pronunciation", "punctuation") for item in items)


def _turns(document: Json, turns: list[Json]) -> Iterator[Cue]:
    roles = {
        text(p.get("ParticipantId")): p.get("ParticipantRole") for p in objects(document.get("Participants"))
    }
    stated = language(document.get("LanguageCode"))
    for number, turn in enumerate(turns):
        who = text(turn.get("ParticipantId"))
        role = text(turn.get("ParticipantRole")) or text(roles.get(who)) or who
        times = ms(turn.get("BeginOffsetMillis"), 1), ms(turn.get("EndOffsetMillis"), 1)
        yield Cue(f"turn {number}", *times, text(turn.get("Content")), role or None, language=stated)


def _transcribed(document: Json, items: list[Json]) -> list[Cue]:
    """Return the words of Transcribe, put together for each channel by itself."""
    results = inner(document, "results")
    stated = language(results.get("language_code"))
    channels: defaultdict[str, list[Json]] = defaultdict(list)
    listed = objects(inner(results, "channel_labels").get("channels"))
    for each in listed:
        channels[text(each.get("channel_label"))] += objects(each.get("items"))
    if not listed:
        channels[""] = items
    speakers = _speakers(results)
    numbers = count()
    return [
        replace(cue, where=f"utterance {next(numbers)}", language=stated)
        for channel, own in channels.items()
        for cue in utterances(_words(own, speakers, channel if len(channels) > 1 else ""))
    ]


def _speakers(results: Json) -> dict[str, str]:
    """Return the speakers by the start of their words, as jobs of before 2024 state them."""
    segments = objects(inner(results, "speaker_labels").get("segments"))
    return {
        text(item.get("start_time")): text(item.get("speaker_label"))
        for segment in segments
        for item in objects(segment.get("items"))
    }


def _words(items: list[Json], speakers: dict[str, str], channel: str) -> list[Cue]:
    found: list[Cue] = []
    for item in items:
        content = text(next(iter(objects(item.get("alternatives"))), {}).get("content"))
        if item.get("type") == "punctuation":
            if found:
                found[-1] = replace(found[-1], text=found[-1].text + content)
            continue
        begin = item.get("start_time")
        who = channel or text(item.get("speaker_label")) or speakers.get(text(begin), "")
        found.append(Cue(f"word {len(found)}", ms(begin), ms(item.get("end_time")), content, who or None))
    return found
