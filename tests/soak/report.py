"""The page that a soak leaves."""

import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from soak.child import LONGEST_S, Outcome

HEAD = """\
# Soak: hostile input

`make soak-input` wrote this page on {date}, with Python {python} on {machine}, seed {seed}. It feeds the
entrances of the system with hostile input, each target in processes of its own. An input may be refused with
an error of the project's own, and nothing else; it may take {longest:.0f} s of processor time. Memory is the
largest that a process took, Python and all that it imports included.

- **mutation**: sound inputs with bytes flipped, numbers overwritten, parts cut, repeated and joined, and
  parts of documents replaced by what does not belong there (`tests/soak/mutation.py`).
- **hypothesis**: sound documents with some fields replaced by anything (`tests/soak/strategies.py`).
- **atheris**: libFuzzer's mutations, guided by the lines of the project's code that they reach.

| target | inputs by | inputs | accepted | time, s | slowest input, ms | peak memory, MB | findings |
|---|---|---:|---:|---:|---:|---:|---|
"""


def page(outcomes: Sequence[Outcome], seed: int) -> str:
    """Return the page in Markdown."""
    head = HEAD.format(
        date=f"{datetime.now(UTC):%d %B %Y}",
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        seed=seed,
        longest=LONGEST_S,
    )
    rows = "\n".join(_row(outcome) for outcome in outcomes)
    return "\n".join([head + rows, "", *_sums(outcomes)])


def _row(found: Outcome) -> str:
    findings = "; ".join(found.findings) or "none"
    return (
        f"| {found.target} | {found.how} | {found.inputs:,} | {found.accepted:,} | {found.wall_s:,.1f} | "
        f"{found.slowest_ms:,.0f} | {found.peak_mb:,} | {findings} |"
    )


def _sums(outcomes: Sequence[Outcome]) -> Iterator[str]:
    inputs, wall_s = sum(o.inputs for o in outcomes), sum(o.wall_s for o in outcomes)
    findings = sum(len(o.findings) for o in outcomes)
    yield f"Together {inputs:,} inputs in {wall_s / 60:,.0f} minutes, {findings or 'no'} findings."
    yield ""
