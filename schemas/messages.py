"""The messages that travel over Kafka, typed and validated.

Times are integer milliseconds since the Unix epoch, stamped once, at capture. The names in ``alias`` are the
names on the wire (``schemas.codec``). Unknown fields are ignored, so that a field may be added later.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from affectstream.schemas.fields import Distribution, Ms, Record, RunId, SessionId, Unit

VERSION = 1  # the major version; `schemas.codec` lists the types that have moved on

Party = Literal["customer", "agent", "other"]
Modality = Literal["video", "audio", "text"]
Pane = Literal["early", "final"]
PARTIES: tuple[Party, ...] = get_args(Party)
MODALITIES: tuple[Modality, ...] = get_args(Modality)
PartyKey = tuple[str, Party]  # session id, party
UNATTRIBUTED: Party = "other"  # a track that mixes both parties, or carries a third person
Stream = Literal["expected", "open", "ended"]  # how far a modality's stream has come by the end of a window


class Reason(StrEnum):
    """Why an input has no result."""

    NO_FACE = "no_face"
    SILENCE = "silence"
    NO_SPEECH = "no_speech"
    LANGUAGE = "language"  # words that the model cannot read
    SHED = "shed"
    FAILED = "failed"
    NOT_PERMITTED = "not_permitted"  # by the operator, or by the consent to the session
    PAUSED = "paused"  # the call was, as while a card is read out


WireReason = Annotated[Reason, Field(strict=False)]  # a string on the wire


class Envelope(Record):
    """Whose input this is, which one, and over what time; every derived message copies it."""

    session_id: SessionId = Field(alias="sid")
    run: RunId = ""  # of the session; empty: whichever is current
    party: Party
    modality: Modality = Field(alias="mod")
    seq: int = Field(ge=0)  # per run, party and modality, rising from 0; gaps only in a recogniser's words
    start_ms: Ms = Field(alias="start")
    end_ms: Ms = Field(alias="end")  # equal to start_ms for an instant
    watermark_ms: Ms = Field(alias="settled")  # no later message of this modality and party starts before it
    expects: tuple[Modality, ...] = Field(min_length=1)  # the modalities that this party will send

    @model_validator(mode="after")
    def _times_in_order(self) -> Self:
        if not self.start_ms <= self.end_ms:
            raise ValueError("end before start")
        if self.watermark_ms < self.start_ms:
            raise ValueError("settled before start")
        if self.modality not in self.expects:
            raise ValueError("a modality that its own party does not expect")
        return self

    def envelope(self) -> dict[str, Any]:
        """Return the fields that a derived message copies."""
        return {name: getattr(self, name) for name in Envelope.model_fields}


class Withholdable(Envelope):
    """Media that may be left out: the interval is in the stream, and why there is nothing in it."""

    withheld: WireReason | None = None  # the media is empty then; not on the wire where there is none

    @model_serializer(mode="wrap")
    def _without_nothing(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialise(self)
        for name in ("withheld", "language", "lang", "transcribe"):
            if name in fields and not fields[name]:
                del fields[name]
        return fields


class VideoFrame(Withholdable):
    """One picture, at one instant."""

    type: Literal["frame"] = "frame"
    modality: Literal["video"] = Field("video", alias="mod")
    jpeg: bytes


class AudioChunk(Withholdable):
    """One hop of sound: the mono 16-bit little-endian PCM of the analysis window that ends with it.

    The interval is the hop; what the PCM holds before it is context, which other chunks are about.
    """

    type: Literal["chunk"] = "chunk"
    modality: Literal["audio"] = Field("audio", alias="mod")
    pcm: bytes
    rate_hz: int = Field(alias="rate", ge=4_000, le=192_000)
    transcribe: bool = False  # its words are wanted of the recogniser; not on the wire where they are not


class Transcript(Withholdable):
    """One utterance with the turns before it; an empty text means that nobody spoke in the interval."""

    type: Literal["transcript"] = "transcript"
    modality: Literal["text"] = Field("text", alias="mod")
    text: str
    context: tuple[str, ...] = Field((), alias="ctx", max_length=2)  # oldest first, either party
    language: str | None = Field(None, alias="lang", max_length=32)  # as stated, not found; may be absent


class EndOfStream(Envelope):
    """The last message of a modality; nothing of it comes after ``end_ms``."""

    type: Literal["eos"] = "eos"


class Face(Record):
    """One face of a frame: its box as shares of the picture, and what the model finds in it."""

    box: tuple[Unit, Unit, Unit, Unit]  # left, top, width, height
    score: Unit  # of the detector
    quality: Unit
    p: Distribution
    embedding: bytes | None = None  # little-endian float32; not on the wire where there is none

    @model_serializer(mode="wrap")
    def _without_nothing(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialise(self)
        if self.embedding is None:
            del fields["embedding"]
        return fields


class Probabilities(Envelope):
    """What a model finds in one input."""

    type: Literal["probabilities"] = "probabilities"
    p: Distribution  # of the largest face, the chunk or the utterance
    quality: Unit
    model_id: str = Field(alias="model")
    faces: tuple[Face, ...] = ()  # video only, largest first
    embedding: bytes | None = None  # little-endian float32; of what ``p`` is of


class Abstention(Envelope):
    """An input without a result; it advances the watermark all the same."""

    type: Literal["abstention"] = "abstention"
    reason: WireReason


Observation = Annotated[Probabilities | Abstention | EndOfStream, Field(discriminator="type")]


class Observations(Record):
    """The results of one inference batch for the inputs of one partition, in their order."""

    type: Literal["observations"] = "observations"
    items: tuple[Observation, ...] = Field(min_length=1)


def _of_version_2(state: Any) -> Any:
    """Return the state as it is called since version 2: evidence that was carried forward counted too."""
    return "present" if state == "held" else state


State = Annotated[Literal["present", "abstained", "missing"], BeforeValidator(_of_version_2)]


class ModalityState(Record):
    """What one modality brought to a window."""

    modality: Modality = Field(alias="mod")
    state: State
    reason: WireReason | None = None  # the most frequent one, where it abstained in this window
    p: Distribution | None = None
    weight: Unit = 0.0  # share of the fused distribution; shares sum to one over the present
    quality: Unit = 0.0
    count: int = Field(0, ge=0)  # observations with probabilities
    model_id: str | None = Field(None, alias="model")
    trust: Unit | None = None  # what the rule saw; None where the modality had no weight
    stream: Stream = "open"


class FusedEmotion(Record):
    """The fused emotion of a party in one window, and what it was fused from."""

    type: Literal["fused"] = "fused"
    session_id: SessionId = Field(alias="sid")
    party: Party
    start_ms: Ms = Field(alias="start")
    end_ms: Ms = Field(alias="end")
    pane: Pane
    p: Distribution | None  # None where no modality is present
    label: str | None
    confidence: Unit  # the top probability, times the weight of evidence that was there
    uncertainty: Unit  # entropy / log 7
    disagreement: Unit  # Jensen-Shannon divergence between the modalities, in bits over log2(modalities)
    modalities: tuple[ModalityState, ...] = Field(alias="mods")
    rule: str

    @property
    def attributable(self) -> bool:
        """Say whether the window is one known party's; on the wire, after the party, only where it is not."""
        return self.party != UNATTRIBUTED

    @model_serializer(mode="wrap")
    def _with_mark(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialise(self)
        if self.attributable:
            return fields
        marked: dict[str, Any] = {}
        for name, value in fields.items():
            marked[name] = value
            if name == "party":
                marked["attributable"] = False
        return marked


class DeadLetter(Record):
    """A record that could not be processed: the original bytes, the reason, and where they came from."""

    type: Literal["dead"] = "dead"
    reason: str
    detail: str  # never content
    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=-1)
    timestamp_ms: int = Field(alias="ts")
    body: bytes
    body_size: int = Field(alias="size", ge=0)  # of the original; larger than the body where that was cut


Media = VideoFrame | AudioChunk | Transcript
