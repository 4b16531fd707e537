"""What is said and what happens in the demo call.

Two invented people, no company: a customer was billed twice, the agent finds the fault and pays back.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Prosody:
    """How a line is spoken, against the voice's own way."""

    speed: float = 1.0
    pitch: float = 1.0  # factor of the mean
    melody: float = 1.0  # exponent of the pitch around its mean: above 1 wider
    gain_db: float = 0.0
    tilt_db: float = 0.0  # an octave above 500 Hz: above 0 sharper, below softer


@dataclass(frozen=True)
class Line:
    """One line, spoken a pause after the line before it."""

    who: Literal["customer", "agent"]
    words: str
    prosody: Prosody = Prosody()
    pause_s: float = 0.4
    face: tuple[str, float] | None = None  # the customer's from the begin of the line on, and how much of it
    transcribed: bool = True
    event: str = ""  # the name of what happens while it is spoken


FRIENDLY = Prosody(pitch=1.05, melody=1.2)
PLAIN = Prosody()
ANGRY = Prosody(speed=1.15, pitch=1.3, melody=1.7, gain_db=9, tilt_db=3)
SORRY = Prosody(speed=0.92, pitch=0.95, melody=0.8, gain_db=-3, tilt_db=-1)
SURPRISED = Prosody(speed=1.05, pitch=1.3, melody=1.9, gain_db=3)
HAPPY = Prosody(speed=1.02, pitch=1.2, melody=1.6, gain_db=3, tilt_db=1)

LINES = (
    Line("agent", "Good afternoon, this is the billing desk. How can I help you?", FRIENDLY, 0.5),
    Line("customer", "Hello. I have a question about my last invoice.", PLAIN, face=("neutral", 1.0)),
    Line("agent", "Of course. What is it about?", FRIENDLY),
    Line(
        "customer",
        "This is the third time I am calling! You charged me twice, and nobody has fixed it!",
        ANGRY,
        face=("angry", 1.0),
        event="out of focus",
    ),
    Line("agent", "I am sorry about that. Which number does it have?", SORRY),
    Line(
        "customer",
        "Four seven one one. I am fed up with this, it is unacceptable!",
        ANGRY,
        event="face hidden",
    ),
    Line("agent", "One moment please, I will look it up.", PLAIN),
    Line("agent", "I do not see a second payment here.", PLAIN, 5.5, event="after the silence"),
    Line(
        "customer",
        "Oh, wonderful. That is just great. Thank you so much for your help.",
        ANGRY,
        event="words against voice",
    ),
    Line(
        "agent",
        "Wait, now I see it. There are two entries with the same number.",
        FRIENDLY,
        face=("neutral", 1.0),
        transcribed=False,
        event="transcript missing",
    ),
    Line(
        "customer",
        "What? Two entries? Really?",
        SURPRISED,
        face=("surprised", 1.0),
        transcribed=False,
        event="transcript missing",
    ),
    Line("agent", "It was our mistake. You get your money back today.", SORRY, face=("neutral", 1.0)),
    Line(
        "customer",
        "Oh, thank goodness, what a relief! I am so happy. Thank you very much!",
        HAPPY,
        face=("happy", 1.0),
    ),
    Line("agent", "You are welcome. Have a lovely day.", FRIENDLY),
    Line("customer", "You too. Goodbye!", HAPPY, 0.3),
)
TAIL_S = 0.8

ABOUT = {
    "out of focus": "the customer is angry; the camera is out of focus and dark, so the picture loses weight",
    "face hidden": "a sheet of paper hides the customer's face; voice and words remain",
    "silence": "both are silent while the agent looks it up; only the picture remains",
    "words against voice": "the words are kind, voice and face are not; the modalities contradict each other",
    "transcript missing": "nobody wrote this down; picture and voice remain",
}
