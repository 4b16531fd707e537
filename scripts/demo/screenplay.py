"""What is said and what happens in the demo call.

Two invented people, no company: a customer was billed twice, the agent finds the fault and pays back.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Prosody:
    """How a line is spoken, in espeak-ng's units."""

    pitch: int = 50  # 0 to 99
    words_per_minute: int = 165
    gain_db: float = 0.0
    range_percent: int = 100  # of the melody


@dataclass(frozen=True)
class Line:
    """One line, spoken a pause after the line before it."""

    who: Literal["customer", "agent"]
    words: str
    prosody: Prosody = Prosody()
    pause_s: float = 0.4
    transcribed: bool = True
    event: str = ""  # the name of what happens while it is spoken


VOICES = {"customer": "en-us+f3", "agent": "en-gb+m3"}

FRIENDLY = Prosody(pitch=55, words_per_minute=165, range_percent=130)
PLAIN = Prosody(pitch=48, words_per_minute=165)
ANGRY = Prosody(pitch=72, words_per_minute=215, gain_db=9, range_percent=220)
SAD = Prosody(pitch=38, words_per_minute=130, gain_db=-6, range_percent=50)
SORRY = Prosody(pitch=42, words_per_minute=145, gain_db=-3, range_percent=80)
SURPRISED = Prosody(pitch=85, words_per_minute=190, gain_db=5, range_percent=250)
HAPPY = Prosody(pitch=75, words_per_minute=185, gain_db=4, range_percent=200)

LINES = (
    Line("agent", "Good afternoon, this is the billing desk. How can I help you?", FRIENDLY, 0.6),
    Line("customer", "Hello. I have a question about my invoice of last month.", PLAIN),
    Line("agent", "Of course. What is the matter with it?", FRIENDLY),
    Line(
        "customer",
        "This makes me so angry! You charged me twice, and now you want the money again! That is an outrage!",
        ANGRY,
        event="out of focus",
    ),
    Line("agent", "I am so sorry about that. Which number does it have?", SORRY),
    Line(
        "customer",
        "Four seven one one. I am so sad about this. Now I cannot pay my rent.",
        SAD,
        event="face hidden",
    ),
    Line("agent", "One moment please, I will look it up for you.", PLAIN),
    Line("agent", "I cannot see a second payment here.", PLAIN, pause_s=6.0, event="after the silence"),
    Line(
        "customer",
        "Wonderful. That is just great. Thank you so much for your kind help.",
        ANGRY,
        event="words against voice",
    ),
    Line(
        "agent",
        "Wait. Now I see it. There are two entries with the same number.",
        SURPRISED,
        transcribed=False,
        event="transcript missing",
    ),
    Line("customer", "What? Two entries? Really?", SURPRISED, transcribed=False, event="transcript missing"),
    Line("agent", "It was our mistake. You have your money back as of now.", FRIENDLY),
    Line("customer", "Oh, that is wonderful news! I am so happy. Thank you very much!", HAPPY),
    Line("agent", "You are welcome. Have a lovely day.", FRIENDLY),
    Line("customer", "You too. Goodbye!", HAPPY, 0.3),
)
TAIL_S = 0.8

ABOUT = {
    "out of focus": "the customer is angry; the camera is out of focus and dark, so the picture loses weight",
    "face hidden": "a sheet of paper hides the customer's face; voice and words remain",
    "silence": "both are silent while the agent looks it up; only the picture remains",
    "words against voice": "the customer's words are kind, the voice is not; the disagreement rises",
    "transcript missing": "nobody wrote this down; picture and voice remain",
}
