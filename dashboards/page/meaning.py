"""The page that says what the words and numbers of the other pages mean."""

from html import escape

from nicegui import ui

from affectstream.dashboards.page import frame

TITLE = "What the numbers mean"
TERMS = {
    "Cue": (
        "The emotion that face, voice and words together are most consistent with, out of seven, and "
        "its probability by the models. It is no measure of how strongly somebody feels, and no "
        "statement about a person. “unsure”: no emotion is probable enough to be shown, or the likeliest "
        "is what the party's voice sounds like all along. “nothing to read”: in this window there was no "
        "face, no speech and no words."
    ),
    "Need": (
        "What the list is in order of, from 0 to 1. Open alerts give up to 0.4 (0.2 for one, 0.3 for "
        "two), the newest of them up to 0.2 more, which is gone after two minutes; the probabilities of "
        "anger and disgust give up to 0.3, and disagreement up to 0.1. It is 0 once a call has ended."
    ),
    "Alert": (
        "A rule that holds for a party, such as anger above the party's own level for ten seconds. It "
        "is open until it no longer holds."
    ),
    "Disagreement": "What face, voice and words are each most consistent with, where they clearly differ.",
    "Contradiction": "A stretch of at least two seconds in which they differ.",
    "Turning point": (
        "Where the mean of the eight seconds before clearly differs from that of the eight seconds after."
    ),
    "Last five minutes": (
        "The cues of a party, a stripe for every five seconds; the newest is at the right."
    ),
    "Weight": (
        "The share of face, voice or words in the probabilities of a window: more for one that is "
        "surer, and that was more often right when it was measured. Grey: why it has none stands below "
        "the name of the party."
    ),
    "Turn": "An utterance: what a party says in one go, with the means of its windows.",
    "Quarters": "The means of the four quarters of a call, so far where it goes on.",
    "Valence": (
        "The probability of happiness less those of sadness, anger, fear and disgust: from -1 to 1. "
        "Surprise and a neutral state count as neither."
    ),
}


def register() -> None:
    """Add the page to the site."""

    @ui.page(frame.MEANING, response_timeout=frame.BUILT_S)
    def meaning() -> None:
        with frame.page(TITLE, frame.MEANING):
            terms = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in TERMS.items())
            ui.html(f"<dl>{terms}</dl>", sanitize=False).classes("meaning")
