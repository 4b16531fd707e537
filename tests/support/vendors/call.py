"""The call of all examples: a complaint from 4.9 to 6.9 s, an answer from 8.5 to 9.2 s."""

HOLD, SORRY = "I've been on hold for an hour.", "Sorry about that."


def spaced(text, start_ms, end_ms):
    """The words of a sentence with times that share its span."""
    words = text.split()
    step = (end_ms - start_ms) / len(words)
    return [
        (word, (start_ms + n * step) / 1000, (start_ms + (n + 1) * step) / 1000)
        for n, word in enumerate(words)
    ]


CUSTOMERS, AGENTS = spaced(HOLD, 4900, 6900), spaced(SORRY, 8500, 9200)
