"""A call that is streamed in, from the events of its protocol to the messages of its topics; pure.

Event time is the stream's own clock, added to the time at which the stream began. The sound is cut as that of
a recording is, so a call that is streamed gives the chunks of its recording, and a call with gaps those of a
recording with silence in their place.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from affectstream.producers.chunks import Chunk
from affectstream.producers.gateway.call_plan import CallPlan
from affectstream.producers.gateway.events import (
    Audio,
    Elapsed,
    Event,
    Fault,
    OfCall,
    Paused,
    Picture,
    Refused,
    Resumed,
    StreamMessage,
    Todo,
    Words,
)
from affectstream.producers.gateway.lane import Lane
from affectstream.producers.gateway.pauses import Pauses
from affectstream.producers.gateway.progress import Progress
from affectstream.producers.gateway.speech import SpeechLane
from affectstream.producers.turns import TextInterval
from affectstream.schemas.messages import (
    AudioChunk,
    EndOfStream,
    Modality,
    Party,
    Transcript,
    VideoFrame,
)
from affectstream.schemas.topics import FRAMES, KIB

LARGEST_GAP_MS = 600_000
SWEEP_MS = 500  # of stream time, after which lanes with nothing new are looked at
WITHDRAWN = "consent_withdrawn"
LARGEST_JPEG = FRAMES.max_bytes - 2 * KIB


class Call:
    """The parties of one call."""

    def __init__(self, plan: CallPlan, progress: Progress | None = None) -> None:
        """``progress`` is that of a call that another process began."""
        self.plan = plan
        self.pauses = Pauses()
        self._withdrawn = False
        self._resumed = False  # since the newest frame: a pause is as long as it is
        self.dropped: Counter[str] = Counter()
        self._sweep_ms = 0.0  # until then frames that are next in their lane need no other look
        self._permitted = frozenset(plan.permitted)
        words = [party for party in plan.words if party in self._permitted]
        self.progress = progress or Progress(SpeechLane(plan.redact, words))
        self._lanes, self._speech = self.progress.lanes, self.progress.speech

    @property
    def head_ms(self) -> float:
        """Return how far the stream's clock has come."""
        return self.progress.head_ms

    def left_of(self, events: Sequence[Event]) -> Todo | None:
        """Process the sound at the head of ``events``, up to what is refused.

        Returns the messages that it completes and the events that are left; None for neither.
        """
        left: list[Event | StreamMessage] = []
        for at, event in enumerate(events):
            if not isinstance(event, Audio):
                left += events[at:]
                break
            try:
                if not self._extended(event):
                    left += self._audio(event)
                    left += [Elapsed()] if self._speech.parties else []
            except Fault as fault:
                left.append(Refused(fault.reason))
                break
        return left or None

    def messages(self, event: OfCall) -> Iterable[StreamMessage]:
        """Return the messages that an event completes; raises Fault here or while they are read.

        While the call is paused nothing of it is kept: what overlaps the pause is marked, and empty.
        """
        match event:
            case Audio():
                return () if self._extended(event) else chain(self._audio(event), self._silence())
            case Picture():
                return self._picture(event)
            case Words():
                return self._words(event)
            case Elapsed():
                return self._silence()
            case Paused():
                self.pauses.pause(self.head_ms)
            case Resumed():
                self.pauses.resume()
                self._resumed = True
        return ()

    def attach(self, parties: Sequence[Party]) -> Iterator[StreamMessage]:
        """Take the words of ``parties`` from a stream beside the call's own, from where the call has come on.

        Raises Fault, before anything is changed, where one is not in the call or its words come already.
        """
        if any(party not in self.plan.parties or party not in self._permitted for party in parties):
            raise Fault("no_such_party")
        if any(self.plan.recognises(party) or self._speech.is_open(party) for party in parties):
            raise Fault("words_taken")
        head_ms = int(self.head_ms)
        self.plan = replace(self.plan, words=tuple(dict.fromkeys((*self.plan.words, *parties))))
        return (self._transcript(p, each) for p in parties for each in self._speech.begin(p, head_ms))

    def detach(self, parties: Sequence[Party], goes_on: bool) -> None:
        """Note that the stream of these words is gone; where none ``goes_on``, nothing more is waited for."""
        for party in parties:
            self._speech.leave(party, goes_on)

    def withdraw(self) -> None:
        """Drop all that waits, and take no more: consent was withdrawn."""
        self._withdrawn = True
        self._lanes.clear()
        self.progress.seen_ms.clear()

    def _extended(self, event: Audio) -> bool:
        """Append a frame that is next in its lane and completes nothing; False for all others."""
        at_ms, lane = event.stream_ms, self._lanes.get(event.party)
        if at_ms is None or at_ms >= self._sweep_ms or lane is None or not self.pauses.steady:
            return event.party not in self._permitted and not self._allows(event.party)
        if not lane.extend(event):
            return False
        self._resumed = False
        return True

    def _audio(self, event: Audio) -> Iterator[StreamMessage]:
        if not self._allows(event.party) or event.party not in self.plan.parties:
            return
        lane = self._lanes.get(event.party)
        if lane is None:
            plan = self.plan
            lane = Lane(event.rate_hz, plan.chunk_ms, plan.hop_ms, plan.zero_ms)
            self._lanes[event.party] = lane
        if lane.rate_hz != event.rate_hz:
            raise Fault("rate_changed")
        head_ms = self.head_ms
        self._check_leap(head_ms, event.stream_ms)
        self.pauses.advance(head_ms, lane.head_ms if event.stream_ms is None else event.stream_ms)
        lane.add(event.silent() if self.pauses.reason else event)
        head_ms = max(head_ms, lane.head_ms)
        self._sweep_ms = head_ms + SWEEP_MS
        for party, each in self._lanes.items():
            yield from (self._chunk(party, each, chunk) for chunk in each.chunks(head_ms))

    def _silence(self) -> Iterator[StreamMessage]:
        for party in self._speech.parties:
            yield from (self._transcript(party, each) for each in self._speech.wait(party, self.head_ms))

    def _words(self, event: Words) -> Iterator[StreamMessage]:
        if not self._allows(event.party) or event.party not in self.plan.words:
            return
        self._check_leap(self.head_ms, event.end_ms)
        self.pauses.advance(self.head_ms, self.head_ms)
        if self.pauses.within(event.start_ms, event.end_ms):
            event = replace(event, text="")  # nor is it the context of what comes
        yield from (self._transcript(event.party, each) for each in self._speech.take(event))

    def _picture(self, event: Picture) -> Iterator[StreamMessage]:
        if not self._allows(event.party) or event.party not in self.plan.video:
            return
        last_ms = self.progress.seen_ms.get(event.party, -1)
        if event.stream_ms <= last_ms or len(event.jpeg) > LARGEST_JPEG:
            self.dropped["late_picture" if event.stream_ms <= last_ms else "large_picture"] += 1
            return
        self._check_leap(self.head_ms, event.stream_ms)
        at_ms = event.stream_ms
        self.pauses.advance(self.head_ms, at_ms)
        self.progress.seen_ms[event.party] = at_ms
        reason = self.pauses.within(at_ms, at_ms)
        media: dict[str, Any] = {"jpeg": b"" if reason else event.jpeg, "withheld": reason}
        yield VideoFrame(**self._fields(event.party, "video", at_ms, at_ms, at_ms + 1), **media)

    def rest(self) -> Iterator[StreamMessage]:
        """Yield the sound that waits, also of a hop that is not complete; nothing after a withdrawal."""
        for party, lane in self._lanes.items():
            yield from (self._chunk(party, lane, chunk) for chunk in lane.finish())
            self.dropped["late_frame"] += lane.dropped
        self.dropped += self._speech.dropped

    def finish(self) -> Iterator[StreamMessage]:
        """Yield what is left, and the end of every stream; nothing after a withdrawal."""
        if self._withdrawn:
            return
        yield from self.rest()
        for party, end_ms in self.progress.ends_ms().items():
            for modality in self.plan.sends(party):
                at_ms = self._lanes[party].end_ms if modality == "audio" and party in self._lanes else end_ms
                yield EndOfStream(**self._fields(party, modality, at_ms, at_ms, at_ms))

    def _allows(self, party: Party) -> bool:
        if self._withdrawn:
            raise Fault(WITHDRAWN)
        if party not in self._permitted:
            self.dropped["not_permitted"] += 1
            return False
        if self.pauses.reason:
            self.dropped[self.pauses.reason] += 1  # what it holds; its time goes on
        return True

    def _check_leap(self, head_ms: float, stream_ms: int | None) -> None:
        if stream_ms is not None and stream_ms - head_ms > LARGEST_GAP_MS and not self._resumed:
            raise Fault("time_leaps")
        self._resumed = False

    def _fields(
        self, party: Party, modality: Modality, start_ms: int, end_ms: int, watermark_ms: int
    ) -> dict[str, Any]:
        """Return the next message's fields but its content, from times of the stream."""
        number = self.progress.take_number(party, modality)
        return self.plan.fields(party, modality, number, start_ms, end_ms, watermark_ms)

    def _chunk(self, party: Party, lane: Lane, chunk: Chunk) -> AudioChunk:
        fields = self._fields(party, "audio", chunk.start_ms, chunk.end_ms, chunk.end_ms)
        reason = self.pauses.within(chunk.start_ms, chunk.end_ms)
        media: dict[str, Any] = {"pcm": b"" if reason else chunk.pcm, "withheld": reason}
        return AudioChunk(**fields, **media, rate_hz=lane.rate_hz, transcribe=self.plan.recognises(party))

    def _transcript(self, party: Party, interval: TextInterval) -> Transcript:
        times = interval.start_ms, interval.end_ms, interval.watermark_ms
        content: dict[str, Any] = {
            "text": interval.text,
            "context": interval.context,
            "language": interval.language,
        }
        if reason := self.pauses.within(interval.start_ms, interval.end_ms):
            content = {"text": "", "withheld": reason}
        return Transcript(**self._fields(party, "text", *times), **content)
