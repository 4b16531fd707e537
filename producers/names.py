"""Names of speakers within words, as meeting software and captioners write them.

``Mara Lind: hello``, ``[SPEAKER_00]: hello``, ``(speaker 1) hello``, ``<v Mara Lind>hello``, ``>> hello``.
Whether what stands before a colon is a name is decided over the whole file: a label (`PIN: four seven`) is
words. A change of speaker that is marked without a name (``>>``, a dash for each of two) is kept as one.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from affectstream.producers.markup import spoken, untagged
from affectstream.producers.subtitles import Cue

VOICE = re.compile(r"<v(?:\.[^\s>]*)*\s+([^>]+)>")
CHANGE = re.compile(r"\s*(?:>>+|»)\s*")
DASH = re.compile(r"\s*[-\u2013\u2014]\s*(?=[^\s\d-])")
COLON = r"\s*(?::(?!\S*[/\d])|\uff1a)\s*"
PREFIX = re.compile(
    rf"\s*(?:[\[(【](?P<boxed>[^\[\]()【】:]{{1,40}})[\])】]{COLON}"
    rf"|(?P<name>(?:[^\W_]|\+\d)[^\n:\uff1a?!;>\[\]]{{0,39}}?)(?:\s*\[[^\[\]]*\])?{COLON})(?P<text>.*)",
    re.DOTALL,
)
TIMECODE = re.compile(r"^\s*[\[(]\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?[\])]\s*")
BOXED = re.compile(r"\s*[\[(【](?P<name>[^\[\]()【】:]{1,40})[\])】]\s*(?P<text>.*)", re.DOTALL)
PERSON = r"customer|caller|client|agent|advis[eo]r|operator|representative|rep|supervisor|guest|patient"
LABEL = re.compile(
    rf"(?:(?:call[ -]?cent(?:er|re)|service|support|sales)\s+)?(?:{PERSON})(?:[ _#-]*\d{{1,3}})?"
    r"|(?:speaker|spk|spkr|participant|person|voice|channel|party|talker)[ _#-]*(?:\d{1,3}|[a-h]|\?|unknown)"
    r"|(?:unknown|unidentified)(?: speaker| caller)?|s\d{1,2}",
    re.IGNORECASE,
)
ARTICLE = re.compile(r"the\s+", re.IGNORECASE)  # `The agent: he hung up.` is a sentence where it comes once
OF_ROLE = re.compile(rf".*\((?:{PERSON})\)|(?:{PERSON})\s*\(.*\)", re.IGNORECASE)
PARTICLES = frozenset("van von de del della da dos di le la el al bin ibn of y".split())  # noqa: SIM905
NOT_NAMES = frozenset(  # words of labels, and of sentences
    """a an the and but or if so then now well yes no not ok okay right sorry please thanks thank
    hello hi hey oh listen look wait see think remember again also first second third fourth finally
    next last this that these those here there what when where why who how which it he she they we
    you my your his her our their is are question answer problem issue reason result conclusion
    summary note notes nb ps p.s warning caution attention important example tip fact truth point
    step option item part section chapter page line number no id ids pin otp cvv cvc code codes
    password passcode passphrase login account iban bic swift sort reference ref order ticket case
    invoice total subtotal amount price cost balance date time day month year today tomorrow
    yesterday monday tuesday wednesday thursday friday saturday sunday january february march july
    september october november december address street city zip postcode phone telephone tel fax
    mobile cell email e-mail mail website url web name names surname born birthday dob gender title
    subject re fw fwd from to cc bcc message text chat quote reply language meeting recording
    transcript transcription translation caption captions subtitles source copyright error status
    size colour color type model serial version plan eta asap faq sms atm vat ssn imei ip pc tv usb
    vin rma sku pdf app card visa mastercard expiry maximum minimum at by for in on with as one two
    three four five six seven eight nine ten plus minus i said says say told asked mean means like
    because what's it's that's let's i'm don't""".split()  # noqa: SIM905
)
ENOUGH = 1 / 3  # of the cues name a speaker where single words before a colon are names
CAPITALS = re.compile(r"(?=.*[AEIOUY]).{4}")  # a name; fewer, or no vowel, is an abbreviation
MOST = 0.6  # of the cues begin with a name where any words before a colon, such as an address, are one


def named(cues: Sequence[Cue], known: set[str], carried: bool) -> list[Cue]:
    """Return the cues cut where the speaker changes, each with its speaker and only the words spoken.

    ``known`` are names to look for, in lower case. With ``carried`` a cue without a name is by the one
    before, as captions name a speaker only at a change.
    """
    cues = [replace(cue, text=TIMECODE.sub("", cue.text, count=1)) for cue in cues]
    texts = [untagged(cue.text) for cue in cues if not cue.speaker and not _voiced(cue)]
    lines = [line for text in texts for line in text.split("\n")]
    names = _names(lines, sum(1 for text in texts if spoken(text)), known)
    found: list[Cue] = []
    speaker: str | None = None
    for cue in cues:
        for piece in _pieces(cue, names):
            speaker = piece.speaker or (None if piece.changed or not carried or _voiced(cue) else speaker)
            found.append(replace(piece, speaker=speaker, text=spoken(piece.text)))
    return found


def _voiced(cue: Cue) -> bool:
    return VOICE.search(cue.text) is not None


def _pieces(cue: Cue, names: set[str]) -> Iterator[Cue]:
    """Yield a cue piece by piece, one for each speaker in it."""
    if _voiced(cue):
        return _by_voice(cue)
    if cue.speaker:
        return iter([replace(cue, text=_unlabelled(untagged(cue.text)))])
    return _by_line(cue, names)


def _unlabelled(text: str) -> str:
    """Return the words without the label, `(speaker 1)`, that a recogniser put before them as well."""
    label = BOXED.match(text)
    return label["text"] if label and LABEL.fullmatch(label["name"].strip()) else text


def _by_voice(cue: Cue) -> Iterator[Cue]:
    before, *spans = VOICE.split(cue.text)
    if untagged(before).strip():
        yield replace(cue, text=untagged(before))
    for speaker, text in zip(spans[::2], spans[1::2], strict=True):
        yield replace(cue, speaker=untagged(speaker).strip() or None, text=untagged(text))


def _by_line(cue: Cue, names: set[str]) -> Iterator[Cue]:
    lines = _lines(untagged(cue.text), names)
    dashed = len(lines) > 1 and all(DASH.match(line) for line in lines)
    piece: Cue | None = None
    for line in lines:
        mark = CHANGE.match(line) or (DASH.match(line) if dashed else None)
        speaker, words = _split(_unmarked(line), names)
        if piece and not speaker and not mark:
            piece = replace(piece, text=f"{piece.text} {words}")
            continue
        if piece:
            yield piece
        changed = not speaker and (mark is not None or (cue.changed and piece is None))
        piece = replace(cue, speaker=speaker, text=words, changed=changed)
    if piece:
        yield piece


def _lines(text: str, names: set[str]) -> list[str]:
    """Return the lines, cut too where a known name follows the end of a sentence."""
    lines: list[str] = []
    for line in text.split("\n"):
        at = 0
        for end in re.finditer(r"[.?!…]\s+", line):
            if _split(line[end.end() :], names)[0] is not None:
                lines.append(line[at : end.end()])
                at = end.end()
        lines.append(line[at:])
    return [line for line in lines if line.strip()]


def _candidate(line: str) -> tuple[str, str] | None:
    """Return what may be a name at the beginning of a line, and what follows it."""
    if match := PREFIX.match(line):
        return (match["boxed"] or match["name"]).strip(), match["text"].strip()
    if (match := BOXED.match(line)) and LABEL.fullmatch(match["name"].strip()):
        return match["name"].strip(), match["text"].strip()
    return None


def _unmarked(line: str) -> str:
    mark = CHANGE.match(line) or DASH.match(line)
    return line[mark.end() :] if mark else line


def _split(line: str, names: set[str]) -> tuple[str | None, str]:
    found = _candidate(line)
    if found and found[0].casefold() in names:
        return found
    return None, line


def _names(lines: Sequence[str], cues: int, known: set[str]) -> set[str]:
    """Return, in lower case, what is a speaker's name at the beginning of lines."""
    counts: Counter[str] = Counter()
    for line in lines:
        if found := _candidate(_unmarked(line)):
            counts[found[0]] += 1
    possible = {name: n for name, n in counts.items() if not _is_label(name)}
    likely = {name: n for name, n in possible.items() if _like_a_name(name)}
    often = sum(likely.values()) >= max(2, ENOUGH * cues)
    always = sum(possible.values()) >= max(2, MOST * cues)
    sure = {
        name
        for name in likely
        if often or len(name.split()) > 1 or (name.isupper() and CAPITALS.search(name))
    }
    stated = {name for name in counts if LABEL.fullmatch(name) or OF_ROLE.fullmatch(name)}
    stated |= {name for name, n in counts.items() if n > 1 and LABEL.fullmatch(ARTICLE.sub("", name))}
    return known | {name.casefold() for name in sure | stated | (set(possible) if always else set())}


def _is_label(name: str) -> bool:
    """Say whether a word is of those that labels and sentences are made of; a letter alone is not."""
    words = name.casefold().replace(",", " ").split()
    return len(words) > 5 or (len(name) > 1 and any(word.strip(".") in NOT_NAMES for word in words))


def _like_a_name(name: str) -> bool:
    """Say whether every word begins as the words of a name do; also `Lind, Mara`."""
    words = re.sub(r"\(.*\)", "", name).replace(",", " ", 1).split()
    if not 0 < len(words) <= 4:
        return False
    return all(map(_begins_a_name, words)) and not all(word.casefold() in PARTICLES for word in words)


def _begins_a_name(word: str) -> bool:
    if word.casefold() in PARTICLES:
        return True
    if not re.fullmatch(r"[^\W_](?:[\w.'\u2019-]*)", word):
        return False
    return word[0].isupper() or word[0] == word[0].upper() == word[0].lower()  # or of a script without cases
