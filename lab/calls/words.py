"""The words of a call on the bench: recognised in its sound, or sentences of service calls laid over it."""

import random
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle

from affectstream.lab.calls.sentences import ANGRY_INTENTS, Sentence
from affectstream.lab.calls.staged import Staged
from affectstream.lab.calls.stream import Messages, Sound, Words
from affectstream.models.asr.segments import CONTEXT
from affectstream.producers.bounds import Utterance
from affectstream.runtime.settings import Settings
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import AudioChunk, EndOfStream, Transcript

WORD_MS = 400  # of a sentence that is laid over a call: 150 words a minute
PAUSE_MS = 500  # before a sentence


def recognised(settings: Settings) -> Words:
    """Return what hears the words of a call, as `analyze --asr` does. Raises an AffectError.

    It alone needs the extra `asr`.
    """
    from affectstream.workers.asr.listener import listeners
    from affectstream.workers.asr.offline import with_words

    new = listeners(settings)
    return partial(with_words, load=lambda: new)


def laid(utterances: Sequence[Utterance]) -> Words:
    """Return what says ``utterances``, in order and apart from each other, beside any sound.

    With each come the words of the two before, as a recogniser gives them.
    """

    def over(sound: Sound) -> Messages:
        waiting, seq, at_ms = list(utterances), 0, 0
        before: tuple[str, ...] = ()
        for message in sound:
            yield message
            while waiting and (waiting[0].end_ms <= message.end_ms or message.type == "eos"):
                said = waiting.pop(0)
                silence = Utterance(at_ms, said.start_ms, None, "")
                yield _transcript(message, seq, silence)
                yield _transcript(message, seq + 1, said, before)
                seq, at_ms, before = seq + 2, said.end_ms, (*before, said.text)[-CONTEXT:]
            if message.type == "eos":
                end_ms = max(at_ms, message.end_ms)
                times = {"start_ms": end_ms, "end_ms": end_ms, "watermark_ms": end_ms}
                yield EndOfStream(**message.envelope() | times | {"modality": "text", "seq": seq})

    return over


def script(call: Staged, sentences: Sequence[Sentence]) -> list[Utterance]:
    """Return what the customer of a staged call says: neutral sentences, and such as the splice is acted in.

    They are drawn by the name of the call, none twice within a stretch before all have been said.
    """
    end_ms = round(call.call.seconds * 1000)
    stretches = ((0, call.start_ms, "neutral"), (call.start_ms, call.end_ms, call.emotion))
    drawn = random.Random(call.call.name)
    said: list[Utterance] = []
    for start_ms, until_ms, emotion in (*stretches, (call.end_ms, end_ms, "neutral")):
        fitting = [each for each in sentences if _acted(each) == emotion]
        said += _within(start_ms, until_ms, drawn.sample(fitting, len(fitting)))
    return said


def _within(start_ms: int, until_ms: int, sentences: Sequence[Sentence]) -> Iterator[Utterance]:
    """Yield sentences one after another, up to the first that would not end in time."""
    for sentence in cycle(sentences):
        start_ms += PAUSE_MS
        end_ms = start_ms + WORD_MS * len(sentence.text.split())
        if end_ms > until_ms:
            return
        yield Utterance(start_ms, end_ms, None, sentence.text)
        start_ms = end_ms


def _acted(sentence: Sentence) -> str:
    """Return the emotion of a splice that a customer's sentence goes with, empty where there is none."""
    if sentence.party != "customer":
        return ""
    return "angry" if sentence.intent in ANGRY_INTENTS else EMOTIONS[sentence.label]


def _transcript(
    source: AudioChunk | EndOfStream, seq: int, said: Utterance, context: tuple[str, ...] = ()
) -> Transcript:
    times = {"start_ms": said.start_ms, "end_ms": said.end_ms, "watermark_ms": said.end_ms}
    content = {"modality": "text", "seq": seq, "text": said.text, "context": context}
    return Transcript(**source.envelope() | times | content)
