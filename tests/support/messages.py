"""A message of every type, of which the golden bytes are."""

from affectstream.schemas.alert import Alert, Level
from affectstream.schemas.codec import Message
from affectstream.schemas.messages import (
    Abstention,
    AudioChunk,
    DeadLetter,
    EndOfStream,
    Face,
    FusedEmotion,
    ModalityState,
    Observations,
    Probabilities,
    Reason,
    Transcript,
    VideoFrame,
)

P = (0.5, 0.25, 0.125, 0.125, 0.0, 0.0, 0.0)
ENVELOPE = {
    "session_id": "call-7",
    "party": "customer",
    "seq": 3,
    "start_ms": 1_700_000_000_000,
    "end_ms": 1_700_000_002_000,
    "watermark_ms": 1_700_000_001_000,
    "expects": ("video", "audio", "text"),
}
FRAME = VideoFrame(**(ENVELOPE | {"end_ms": ENVELOPE["start_ms"]}), jpeg=b"\xff\xd8\xff\xd9")
SAID = Probabilities(
    **FRAME.envelope(),
    p=P,
    quality=0.75,
    model_id="face/1",
    faces=(Face(box=(0.25, 0.25, 0.5, 0.5), score=1.0, quality=0.75, p=P),),
    embedding=b"\x00\x00\x80?",
)
EOS = EndOfStream(**ENVELOPE, modality="text")
EXAMPLES: dict[str, Message] = {
    "frame": FRAME,
    "chunk": AudioChunk(**ENVELOPE, pcm=b"\x00\x01\xff\x7f", rate_hz=8_000),
    "transcript": Transcript(
        **ENVELOPE, text="Das ist falsch, ärgerlich.", context=("Hello.", "How can I help?")
    ),
    "eos": EOS,
    "observations": Observations(
        items=(SAID, Abstention(**ENVELOPE, modality="audio", reason=Reason.SILENCE), EOS)
    ),
    "fused": FusedEmotion(
        session_id="call-7",
        party="customer",
        start_ms=1_700_000_000_000,
        end_ms=1_700_000_001_000,
        pane="final",
        p=P,
        label="neutral",
        confidence=0.5,
        uncertainty=0.625,
        disagreement=0.125,
        modalities=(
            ModalityState(
                modality="video",
                state="present",
                p=P,
                weight=0.75,
                quality=0.75,
                count=5,
                model_id="face/1",
                trust=0.5,
            ),
            ModalityState(modality="audio", state="abstained", reason=Reason.SILENCE),
            ModalityState(
                modality="text",
                state="present",
                p=P,
                weight=0.25,
                count=1,
                model_id="text/1",
                trust=0.25,
                stream="ended",
            ),
        ),
        rule="entropy_trust",
    ),
    "alert": Alert(
        alert_id="angry/call-7/customer/1700000000000",
        edge="begin",
        session_id="call-7",
        party="customer",
        rule="angry",
        kind="above",
        since_ms=1_700_000_000_000,
        start_ms=1_700_000_004_000,
        end_ms=1_700_000_005_000,
        value=0.75,
        peak=0.875,
        level=0.5,
        baseline=0.125,
        windows=5,
        levels=(Level(modality="audio", level=0.75), Level(modality="text", level=0.5)),
        text="customer: angry at least 0.50 for 5 s",
    ),
    "dead": DeadLetter(
        reason="malformed",
        detail="not MessagePack",
        topic="affect.video.frames",
        partition=2,
        offset=41,
        timestamp_ms=1_700_000_000_000,
        body=b"\xc1",
        body_size=1,
    ),
}
