"""A recorded session as one stream of messages in capture order.

The order is that of capture: a frame at its instant, a chunk at its end, an utterance at its end (a long
one ``due.WAIT_MS`` after its start), the end of a stream at its end. At one time: video, audio, text;
within each, the parties in the plan's order. Files are decoded while the messages are taken, so memory does
not grow.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from affectstream.producers import audio, frames
from affectstream.producers.media import Damage, End
from affectstream.producers.plan import PartySource, SessionPlan, Source, conversation, estimated_ms, sources
from affectstream.producers.turns import TextInterval, Turn, silence, text_intervals
from affectstream.schemas.due import due_ms, text_due_ms
from affectstream.schemas.messages import (
    MODALITIES,
    AudioChunk,
    EndOfStream,
    Modality,
    Party,
    Transcript,
    VideoFrame,
)

__all__ = ["PartySource", "SessionMessage", "SessionPlan", "due_ms", "estimated_ms", "messages"]

SessionMessage = VideoFrame | AudioChunk | Transcript | EndOfStream


@dataclass(frozen=True)
class _Draft:
    """A message without its number."""

    due_ms: int
    party: Party
    modality: Modality
    kind: type[SessionMessage]
    fields: Mapping[str, Any]
    filler: bool = False  # progress after the last utterance; goes on until the session ends


def messages(plan: SessionPlan, damage: Damage | None = None) -> Iterator[SessionMessage]:
    """Return all messages of the session in order of capture, an EndOfStream per modality at its end.

    The sources are checked at once: raises PolicyError for a party that may not be analysed and InputError
    for a file that cannot be used. What is broken inside a file is counted in ``damage``.
    """
    found, turns = sources(plan), conversation(plan)
    return _numbered(plan, found, _drafts(plan, found, turns, Counter() if damage is None else damage))


def _numbered(
    plan: SessionPlan, found: Sequence[Source], drafts: Iterator[_Draft]
) -> Iterator[SessionMessage]:
    seqs: defaultdict[tuple[Party, Modality], Iterator[int]] = defaultdict(count)
    expects = {source.party: source.expects for source in found}
    for draft in drafts:
        kind: Any = draft.kind
        yield kind(
            session_id=plan.session_id,
            run=plan.run,
            party=draft.party,
            modality=draft.modality,
            expects=expects[draft.party],
            seq=next(seqs[draft.party, draft.modality]),
            **draft.fields,
        )


def _drafts(
    plan: SessionPlan, found: Sequence[Source], turns: Sequence[Turn], damage: Damage
) -> Iterator[_Draft]:
    """Yield all drafts in order; progress in the texts goes on until all else has ended."""
    rank = {source.party: place for place, source in enumerate(found)}
    media = [_video(plan, s, damage) for s in found if "video" in s.expects]
    media += [_audio(plan, s, damage) for s in found if "audio" in s.expects]
    reached = {s.party: plan.start_ms for s in found if "text" in s.expects and not s.transcribe}
    texts = [_text(plan, party, turns) for party in reached]
    playing, end_ms = len(media), max([plan.start_ms, *(turn.end_ms for turn in turns)])

    def order(draft: _Draft) -> tuple[int, int, int]:
        return draft.due_ms, MODALITIES.index(draft.modality), rank[draft.party]

    for draft in heapq.merge(*media, *texts, key=order):
        if draft.modality == "text":
            if not playing and draft.filler and draft.due_ms > end_ms:
                break
            reached[draft.party] = max(reached[draft.party], draft.fields["end_ms"])
        else:
            end_ms = max(end_ms, draft.due_ms)
            playing -= draft.kind is EndOfStream
        yield draft
    for party, reached_ms in reached.items():
        yield from (_text_draft(party, interval, end_ms) for interval in silence(reached_ms, end_ms))
        yield _end(party, "text", end_ms)


def _video(plan: SessionPlan, source: Source, damage: Damage) -> Iterator[_Draft]:
    assert source.file
    for frame in frames.frames(source.file, damage, plan.fps, plan.max_side, plan.jpeg_quality):
        at_ms = plan.start_ms + source.offset_ms + frame.at_ms
        if isinstance(frame, End):
            yield _end(source.party, "video", at_ms)
        else:
            fields = {"start_ms": at_ms, "end_ms": at_ms, "watermark_ms": at_ms + 1, "jpeg": frame.jpeg}
            yield _Draft(at_ms, source.party, "video", VideoFrame, fields)


def _audio(plan: SessionPlan, source: Source, damage: Damage) -> Iterator[_Draft]:
    assert source.file
    zero_ms = plan.start_ms + source.offset_ms
    lengths = plan.chunk_ms, plan.hop_ms, zero_ms
    for item in audio.chunks(source.file, source.lane.channel, damage, *lengths, source.lane.track):
        if isinstance(item, End):
            yield _end(source.party, "audio", zero_ms + item.at_ms)
            continue
        rate_hz, chunk = item
        start_ms, end_ms = zero_ms + chunk.start_ms, zero_ms + chunk.end_ms
        times = {"start_ms": start_ms, "end_ms": end_ms, "watermark_ms": end_ms}
        fields = {**times, "pcm": chunk.pcm, "rate_hz": rate_hz, "transcribe": source.transcribe}
        yield _Draft(end_ms, source.party, "audio", AudioChunk, fields)


def _text(plan: SessionPlan, party: Party, turns: Sequence[Turn]) -> Iterator[_Draft]:
    """Yield the party's words and the progress between and, without end, after them."""
    due = reached_ms = plan.start_ms
    for interval in text_intervals(turns, party, plan.start_ms):
        due, reached_ms = max(due, text_due_ms(interval)), max(reached_ms, interval.end_ms)
        yield _text_draft(party, interval, due)
    for interval in silence(reached_ms, None):
        yield _text_draft(party, interval, interval.end_ms, filler=True)


def _text_draft(party: Party, interval: TextInterval, due: int, filler: bool = False) -> _Draft:
    return _Draft(due, party, "text", Transcript, vars(interval), filler)


def _end(party: Party, modality: Modality, at_ms: int) -> _Draft:
    times = {"start_ms": at_ms, "end_ms": at_ms, "watermark_ms": at_ms}
    return _Draft(at_ms, party, modality, EndOfStream, times)
