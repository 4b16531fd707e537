"""JSON transcripts of cloud services, as cues.

Every service is recognised by its own fields. What names a speaker there names it here: a role (`AGENT`), a
label (`spk_0`, `A`), or a number as `speaker 1` and `channel 0`, counted as the service counts.
"""

from pathlib import Path
from typing import Any

from affectstream.producers.subtitles import Cue
from affectstream.producers.vendors import amazon, assemblyai, azure, deepgram, google

OF_OBJECTS = (amazon.cues, assemblyai.cues, deepgram.cues, google.cues, azure.cues)


def cues(path: Path, document: Any) -> list[Cue] | None:
    """Return the cues of a parsed document, None where it is of no service that is known.

    Raises InputError for a job that was not completed.
    """
    if isinstance(document, list):
        return azure.cues(path, document)
    if not isinstance(document, dict):
        return None
    return next((found for read in OF_OBJECTS if (found := read(path, document)) is not None), None)
