r"""Markup of subtitles and recognisers within words: taken out, so that only what was spoken is left.

Taken out are the tags of WebVTT and SubRip, the overrides of Advanced SubStation (`{\an8}`), entities,
descriptions of sounds (`[music]`, `(laughs)`, `*sighs*`) and lyrics between notes. What only looks like
markup (`I <3 it`, `a < b`) is words.
"""

import html
import re

_OVERRIDE = re.compile(r"\{\\[^{}]*\}|\{[a-zA-Z]:[^{}]*\}")
_BREAK = re.compile(r"\\[Nh]|\\n(?![a-z])|<br\s*/?>|\n", re.IGNORECASE)
_NAMES = "c|i|b|u|s|v|ruby|rt|lang|font|em|strong|p|span|tt|div|sub|sup|big|small|a"
_TAG = re.compile(
    rf"</?(?:{_NAMES})(?:[\s.][^<>]*)?/?>|<\d+:[\d:.]+>|</?[a-zA-Z][\w-]*/?>|</?(?:{_NAMES})(?:\.[^\s<>]*)?$",
    re.IGNORECASE,
)
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
_BRACKETS = re.compile(r"\[[^\[\]]*\]|\uff3b[^\uff3d]*\uff3d|\u3010[^\u3011]*\u3011")  # full-width ones too
_NOTES = re.compile(r"[♪♫♬♩][^♪♫♬♩]*(?:[♪♫♬♩]+|$)")
_HASHED = re.compile(r"^\s*#\s[^#]+\s#\s*$")  # lyrics as some broadcasters write them
_SOUND = (
    r"laugh|chuckl|giggl|sigh|music|sing|applau|clap|cough|cry|cries|sob|weep|sniff|snor|sneez|yawn|gasp|groan"
    r"|moan|scream|whisper|breath|inaudible|unintelligible|indistinct|cross[- ]?talk|silence|pause"
    r"|noise|static|beep|ring|dial|click|typing|footsteps|door|background"
    r"|hold music|clears? (?:his|her|their )?throat|foreign|speak(?:s|ing)(?: in)? \w+|overlap|blank[_ ]audio"
)
_DESCRIBED = re.compile(
    rf"\((?=[^()]{{1,40}}\))[^()]*\b(?:{_SOUND})\w*[^()]*\)|\*(?=[^*]{{1,40}}\*)[^*]*\b(?:{_SOUND})\w*[^*]*\*"
    r"|\uff08[^\uff09]{1,20}\uff09",
    re.IGNORECASE,
)


def untagged(text: str) -> str:
    """Return ``text`` without tags, overrides and entities; its line ends are kept."""
    lines = (_TAG.sub("", _OVERRIDE.sub("", line)) for line in _BREAK.sub("\n", text).split("\n"))
    return "\n".join(_UNSEEN.sub("", html.unescape(line)) for line in lines)


def spoken(text: str) -> str:
    """Return the words of an untagged text, without descriptions of sounds and lyrics, on one line."""
    for aside in (_BRACKETS, _NOTES, _HASHED, _DESCRIBED):
        text = aside.sub(" ", text)
    words = " ".join(text.split())
    return words if re.search(r"\w", words) else ""
