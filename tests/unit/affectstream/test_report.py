"""The report on a call as one HTML file: whole, careful, without a script, and the same every time."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.observations import final

from affectstream.analytics.label import Display
from affectstream.analytics.turns import Words
from affectstream.export import report
from affectstream.report import check_kind, write
from affectstream.runtime.settings import Settings
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX, N_EMOTIONS
from affectstream.schemas.messages import FusedEmotion, ModalityState

SAID = "<script>alert(1)</script> nobody has fixed it"


def window(end_s: int, emotion: str) -> FusedEmotion:
    """A final window in which words and voice carry an emotion."""
    p = tuple(0.7 if i == INDEX[emotion] else 0.05 for i in range(N_EMOTIONS))
    states = tuple(ModalityState(modality=m, state="present", p=p, weight=0.5) for m in ("audio", "text"))
    return final(end_s * 1000, p, session_id="call-7", party="customer", modalities=states)


FINALS = [window(1 + i, "neutral" if i < 20 else "angry") for i in range(40)]


class Tags(HTMLParser):
    """The names of all elements, and what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.names.add(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]


def written(tmp_path: Path, with_words: bool = False) -> str:
    """The text of a report."""
    made = report(FINALS, Settings(), [Words("customer", 25_000, 30_000, SAID)])
    path = tmp_path / "out.html"
    write(made, FINALS, path, Display(), with_words=with_words)
    return path.read_text(encoding="utf-8")


def test_the_file_needs_no_other_and_runs_nothing(tmp_path: Path) -> None:
    tags = Tags()
    tags.feed(written(tmp_path, with_words=True))
    assert "script" not in tags.names and "link" not in tags.names
    assert tags.references and all(each.startswith("data:image/png") for each in tags.references)


def test_it_holds_what_happened_turns_models_and_how_to_read_it(tmp_path: Path) -> None:
    text = written(tmp_path)
    for part in ("Call call-7", "What happened", "Turns", "How to read this", "Models", "alert"):
        assert part in text


def test_words_are_in_it_only_where_policy_permits(tmp_path: Path) -> None:
    assert "nobody has fixed it" not in written(tmp_path)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; nobody has fixed it" in written(tmp_path, with_words=True)


def test_the_words_are_careful(tmp_path: Path) -> None:
    text = written(tmp_path).lower()
    assert "not a verdict on a person" in text and "customer is angry" not in text


def test_another_ending_is_refused() -> None:
    with pytest.raises(InputError, match=r"name the report \.html"):
        check_kind(Path("out.pdf"))
