"""JSON of Azure Speech: batch transcription, fast transcription, and lists of real-time results.

Times are ticks of 100 ns, milliseconds or ISO 8601 durations, whichever the version writes. Where a file has
several channels, the channel is the speaker; else the speaker, where there was diarisation.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from affectstream.producers.subtitles import Cue
from affectstream.producers.vendors.fields import Json, field, label, language, ms, objects, text

TICKS = 10_000  # in a millisecond


def cues(_: Path, document: Any) -> list[Cue] | None:
    """Return the cues of a document of Azure's, None for another."""
    phrases = _phrases(document)
    if phrases is None:
        return None
    stated = language(document.get("locale")) if isinstance(document, dict) else None
    channels = {phrase["channel"] for phrase in phrases if isinstance(phrase.get("channel"), int)}
    return list(_cues(phrases, len(channels) > 1, stated))


def _phrases(document: Any) -> list[Json] | None:
    if isinstance(document, list):
        results = objects(document)
        if results and all("Offset" in each and {"DisplayText", "NBest"} & each.keys() for each in results):
            return results
        return None
    if "recognizedPhrases" in document:
        return objects(document["recognizedPhrases"])
    return objects(document.get("phrases")) if "combinedPhrases" in document else None


def _cues(phrases: list[Json], several_channels: bool, stated: str | None) -> Iterator[Cue]:
    for number, phrase in enumerate(phrases):
        if text(field(phrase, "recognitionStatus", "RecognitionStatus")) not in ("", "Success"):
            continue
        best = next(iter(objects(field(phrase, "nBest", "NBest"))), {})
        words = text(field(phrase, "text", "DisplayText")) or text(field(best, "display", "Display"))
        begin_ms = _ms(phrase, "offset")
        length_ms = _ms(phrase, "duration")
        end_ms = None if begin_ms is None or length_ms is None else begin_ms + length_ms
        speaker = label("channel", phrase.get("channel")) if several_channels else _speaker(phrase)
        said_in = language(phrase.get("locale"), stated)
        yield Cue(f"phrase {number}", begin_ms, end_ms, words, speaker, language=said_in)


def _speaker(phrase: Json) -> str | None:
    """Return the speaker: a number, or `Guest-1` of a conversation, which says nothing about a role."""
    named = field(phrase, "speaker", "SpeakerId")
    if isinstance(named, str):
        named = None if named == "Unknown" else named.removeprefix("Guest-")
    return label("speaker", named)


def _ms(phrase: Json, name: str) -> int | None:
    """Return a time by whichever of its fields there is; a bare number is in ms, as in 2024's preview."""
    found = ms(field(phrase, f"{name}Milliseconds", f"{name}InMs"), 1)
    if found is None:
        found = ms(field(phrase, f"{name}InTicks", name.capitalize()), TICKS)
    return ms(phrase.get(name), 1) if found is None else found
