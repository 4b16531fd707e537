"""The words of one party, from its audio chunks to transcripts; pure but for the models.

Every chunk gives at least one transcript, so that time goes on: utterances that ended in it, and the silence
between them, which has no words. While somebody speaks, an empty instant at the utterance's start::

    chunks        |----0----|----1----|----2----|----3----|
    speech              sssssssssssss          sss
    transcripts   0 ~~~~ |          1 |  2 "words" ~~~ 3     ~ silence, | an instant

With the words come those of the two utterances before, as far as they are of the same half minute since the
epoch or of the one before: what is cut off from its sentence means little by itself. The numbers of the
transcripts follow from those of the chunks: a process that begins to read where the half minute before has
begun, or where nothing was said in it and nobody speaks, gives the same messages as one that has read from
the start.
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from affectstream.models.asr.recogniser import Floats, Recogniser, choose
from affectstream.models.asr.segments import BEFORE_MS, CONTEXT, Frame, Segmenter, Span, cell_of
from affectstream.models.asr.speech import FRAME_MS, Detector, SpeechDetector
from affectstream.models.voice.features import resample
from affectstream.runtime.metrics import count_redacted
from affectstream.runtime.settings import Settings
from affectstream.schemas.messages import AudioChunk, EndOfStream, Transcript
from affectstream.schemas.redaction import redact
from affectstream.workers import device

NUMBERS = 256  # of transcripts that one chunk may give
SAMPLE = 2  # bytes
FULL_SCALE = np.float32(32768.0)


class Spoken(NamedTuple):
    """An utterance, or a silence: start and end in ms since the epoch, words, and those before them."""

    start_ms: int
    end_ms: int
    words: str = ""
    context: tuple[str, ...] = ()


class Listener:
    """One party's sound, in the order of its chunks."""

    def __init__(
        self, detector: Detector, recogniser: Recogniser, language: str | None = None, redact: bool = True
    ) -> None:
        """``language`` is what the transcripts state; None: nothing."""
        self._detector, self._recogniser, self._language = detector, recogniser, language
        self._redact = redact
        self._segments = Segmenter()
        self._said: deque[tuple[int, str]] = deque(maxlen=CONTEXT)  # half minutes and words
        self._whole = False  # it has heard a pause, or a half minute begin: what is said is no mere end
        self._sound: Floats = np.zeros(0, np.float32)  # up to ``_end_ms``, from before the open utterance on
        self._rate_hz = 0
        self._seq = self._end_ms = self._reached_ms = -1

    @property
    def in_utterance(self) -> bool:
        """Whether somebody speaks, by what has come."""
        return self._segments.open_ms is not None

    @property
    def needs_the_past(self) -> bool:
        """Whether what is said next depends on what has come of this half minute and the one before."""
        return self.in_utterance or bool(self._context(cell_of(self._end_ms)))

    def hear(self, chunk: AudioChunk, listens: bool = True) -> list[Transcript]:
        """Return the transcripts of a chunk.

        Where it does not listen, none of its sound is looked at, and an utterance that was open is dropped.
        """
        if chunk.seq <= self._seq and chunk.end_ms <= self._end_ms:
            return []  # it came before
        listens = listens and len(chunk.pcm) > 0 and len(chunk.pcm) % SAMPLE == 0
        spoken: list[Spoken] = []
        if not listens:
            self._segments.finish()
        if chunk.start_ms > self._end_ms or chunk.rate_hz != self._rate_hz:
            spoken += self.close()
            self._rate_hz = chunk.rate_hz
        if self._reached_ms < 0:
            self._reached_ms = chunk.start_ms
        if listens:
            samples = np.frombuffer(chunk.pcm, "<i2").astype(np.float32) / FULL_SCALE
            self._keep(samples, chunk.end_ms)
            spoken += self._heard(samples, chunk)
        self._seq, self._end_ms = chunk.seq, max(self._end_ms, chunk.end_ms)
        self._whole = self._whole or not self.in_utterance
        return list(self._transcripts(chunk, spoken))

    def end(self, last: EndOfStream) -> list[Transcript | EndOfStream]:
        """Return the words that were still open, and the end of the text's stream."""
        found: list[Transcript | EndOfStream] = []
        if self._reached_ms < self._end_ms:
            found += self._transcripts(last, self.close())
        at_ms = max(last.end_ms, self._reached_ms)
        times = {"start_ms": at_ms, "end_ms": at_ms, "watermark_ms": at_ms}
        fields = last.envelope() | times | {"modality": "text", "seq": (last.seq + 1) * NUMBERS - 1}
        return [*found, EndOfStream(**fields)]

    def give_up(self, newest: AudioChunk) -> list[Transcript]:
        """Return the words that were still open where no more sound is waited for."""
        found = []
        for spoken in self.close():
            self._reached_ms = spoken.end_ms
            found.append(self._transcript(newest, (newest.seq + 1) * NUMBERS - 1, spoken))
        return found

    def close(self) -> list[Spoken]:
        """End the open utterance; return its times and words."""
        return list(self._words(self._segments.finish()))

    def _keep(self, samples: Floats, end_ms: int) -> None:
        """Keep the sound that may be needed: of the open utterance, or of the chunk and its context."""
        if self.in_utterance:
            new = min(len(samples), round((end_ms - self._end_ms) * self._rate_hz / 1000))
            self._sound = np.concatenate([self._sound, samples[len(samples) - new :]])
        else:
            self._sound = samples
        self._end_ms = end_ms

    def _heard(self, samples: Floats, chunk: AudioChunk) -> Iterator[Spoken]:
        """Yield the utterances that end in a chunk, and forget the sound that no later one needs."""
        for frame in self._frames(samples, chunk):
            yield from self._words(self._segments.push(frame))
            self._whole = self._whole or cell_of(frame.start_ms) != cell_of(frame.end_ms)
        open_ms = self._segments.open_ms
        if open_ms is not None:
            needed = round((self._end_ms - open_ms + BEFORE_MS) * self._rate_hz / 1000)
            self._sound = self._sound[-needed:]

    def _frames(self, samples: Floats, chunk: AudioChunk) -> Iterator[Frame]:
        """Yield the frames of what is new in a chunk; the first one reaches back to where the chunk begins.

        So they leave no time out, and one of them lies over every multiple of half a minute.
        """
        found = self._detector.probabilities(samples, chunk.rate_hz)
        new = max(1, (chunk.end_ms - chunk.start_ms) // FRAME_MS)
        start_ms = chunk.start_ms
        for back, p in zip(range(min(new, len(found)) - 1, -1, -1), found[-new:], strict=True):
            end_ms = chunk.end_ms - back * FRAME_MS
            yield Frame(start_ms, end_ms, float(p))
            start_ms = end_ms

    def _words(self, span: Span | None) -> Iterator[Spoken]:
        if span is None:
            return
        per_ms, (start_ms, end_ms) = self._rate_hz / 1000, span.heard_ms
        begin = len(self._sound) - round((self._end_ms - start_ms) * per_ms)
        end = len(self._sound) - round(max(0, self._end_ms - end_ms) * per_ms)
        words = self._recogniser.transcribe(resample(self._sound[max(0, begin) : end], self._rate_hz))
        words = count_redacted(redact(words)).text if self._redact else words
        cell = cell_of(span.end_ms)
        yield Spoken(span.start_ms, span.end_ms, words, self._context(cell) if words else ())
        if words and self._whole:  # who has begun to read in the middle would else remember a piece
            self._said.append((cell, words))

    def _context(self, cell: int) -> tuple[str, ...]:
        """Return the words before those of a half minute, oldest first."""
        return tuple(words for said, words in self._said if said >= cell - 1)

    def _transcripts(self, source: AudioChunk | EndOfStream, spoken: list[Spoken]) -> Iterator[Transcript]:
        """Yield what was spoken and the silence before, between and after it, numbered.

        The last of several has the highest number but one, however many there are: a process that has begun
        to read in the middle of an utterance never passes the numbers of one that has not.
        """
        drafts: list[Spoken] = []
        at_ms = self._reached_ms
        for each in spoken:
            if each.start_ms > at_ms:
                drafts.append(Spoken(at_ms, each.start_ms))
            drafts.append(each._replace(start_ms=max(each.start_ms, at_ms)))
            at_ms = each.end_ms
        open_ms = self._segments.open_ms
        settled_ms = max(at_ms, self._end_ms if open_ms is None else open_ms)
        if settled_ms > at_ms or not drafts:
            drafts.append(Spoken(at_ms, settled_ms))
        self._reached_ms = settled_ms
        for n, draft in enumerate(drafts):
            number = NUMBERS - 2 if 0 < n == len(drafts) - 1 else n
            yield self._transcript(source, source.seq * NUMBERS + number, draft)

    def _transcript(self, source: AudioChunk | EndOfStream, seq: int, said: Spoken) -> Transcript:
        times = {"start_ms": said.start_ms, "end_ms": said.end_ms, "watermark_ms": said.end_ms}
        language = self._language if said.words else None
        content: dict[str, Any] = {"text": said.words, "context": said.context, "language": language}
        return Transcript(**source.envelope() | times | {"modality": "text", "seq": seq} | content)


def listeners(settings: Settings) -> Callable[[], Listener]:
    """Return what makes a party's listener; the models are loaded, and shared. Raises an AffectError."""
    own = settings.asr
    where = device.choose(own.device)
    recogniser = choose(own.model, own.revision, own.language, where, own.threads)
    detector = SpeechDetector()
    return partial(Listener, detector, recogniser, own.language, settings.policy.redact)
