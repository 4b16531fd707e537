"""JSON of AssemblyAI: utterances where speakers or channels were asked for, else words; times in ms."""

from dataclasses import replace
from itertools import count
from pathlib import Path

from affectstream.producers.subtitles import Cue
from affectstream.producers.vendors.fields import Json, field, label, language, ms, objects, text, utterances
from affectstream.schemas.errors import InputError

OWN = {"audio_url", "audio_duration", "acoustic_model", "language_code", "speech_model", "speech_models"}


def cues(path: Path, document: Json) -> list[Cue] | None:
    """Return the cues of a document of AssemblyAI's, None for another.

    Raises InputError for one that is not finished.
    """
    if not {"id", "status"} <= document.keys() or not OWN & document.keys():
        return None
    status = text(document["status"])
    if status != "completed":
        raise InputError(f"{path}: the transcription was not completed; its status is {status[:20]}")
    stated = language(document.get("language_code"))
    spoken = [_cue(item) for item in objects(document.get("utterances"))]
    if not spoken:
        spoken = list(utterances([_cue(item) for item in objects(document.get("words"))]))
    numbers = count()
    return [replace(cue, where=f"utterance {next(numbers)}", language=stated) for cue in spoken]


def _cue(item: Json) -> Cue:
    """Return an utterance or a word; with several channels, the channel is the speaker."""
    channel = label("channel", item.get("channel"))
    who = channel or label("channel", field(item, "speaker"))  # letters are speakers, numbers channels
    return Cue("", ms(item.get("start"), 1), ms(item.get("end"), 1), text(item.get("text")), who)
