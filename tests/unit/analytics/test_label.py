"""Which label is shown: hysteresis, minimum dwell and none where it is uncertain."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion
from affectstream.workers.fusion.display import Display, show


def said(happy, sad):
    """A distribution with so much of happy and of sad; the rest is spread over the others."""
    rest = (1.0 - happy - sad) / 5
    return tuple({"happy": happy, "sad": sad}.get(name, rest) for name in EMOTIONS)


def window(start_ms, p, shown=None):
    label = EMOTIONS[p.index(max(p))] if p else None
    return FusedEmotion(
        session_id="s",
        party="customer",
        start_ms=start_ms,
        end_ms=start_ms + 1000,
        pane="final",
        p=p,
        label=label,
        confidence=0.5 if p else 0.0,
        uncertainty=0.5,
        disagreement=0.0,
        modalities=(),
        rule="uniform",
        shown=shown and shown.shown,
        steady=shown and shown.steady,
        shown_since_ms=shown and shown.since_ms,
    )


def run(display, ps):
    """Return what is shown for windows of a second with these distributions, one after the other."""
    before, out = None, []
    for i, p in enumerate(ps):
        label = EMOTIONS[p.index(max(p))] if p else None
        shown = show(display, p, label, 1000 * i, before)
        before = window(1000 * i, p, shown)
        out.append((shown.shown and shown.shown[:2], shown.since_ms))
    return out


HAPPY, SAD, SADDER = said(0.45, 0.35), said(0.35, 0.45), said(0.2, 0.6)


# happy sad happy sad            each window's own label, by default
def test_by_default_the_label_is_shown():
    assert run(Display(), [HAPPY, SAD, SAD, HAPPY]) == [("ha", 0), ("sa", 1000), ("sa", 1000), ("ha", 3000)]


# happy  sad by 0.10  sad by 0.40     a margin of 0.2 holds the first change back
def test_a_label_stays_until_another_leads_by_the_margin():
    display = Display(hysteresis=0.2)
    assert run(display, [HAPPY, SAD, SADDER, HAPPY]) == [("ha", 0), ("ha", 0), ("sa", 2000), ("sa", 2000)]


# happy sad sad sad               shown for two seconds at least
def test_a_label_stays_for_the_dwell():
    display = Display(dwell_ms=2000)
    assert run(display, [HAPPY, SADDER, SADDER, HAPPY, HAPPY]) == [
        ("ha", 0),
        ("ha", 0),
        ("sa", 2000),
        ("sa", 2000),
        ("ha", 4000),
    ]


def test_what_is_uncertain_is_not_shown_and_the_label_under_it_goes_on():
    display = Display(hysteresis=0.2, sure=0.5)
    sure_happy = said(0.6, 0.2)
    assert run(display, [sure_happy, SAD, sure_happy]) == [("ha", 0), (None, 0), ("ha", 0)]


# happy  nothing  sad by 0.10         the margin does not reach over a window without evidence
def test_a_window_without_evidence_forgets():
    assert run(Display(hysteresis=0.2, dwell_ms=9000), [HAPPY, None, SAD]) == [
        ("ha", 0),
        (None, None),
        ("sa", 2000),
    ]


def test_a_final_from_before_display_is_none_to_go_on_from():
    assert show(Display(0.2, 9000), SAD, "sad", 5000, window(4000, HAPPY)).shown == "sad"


shares = st.lists(st.floats(0.01, 1.0), min_size=7, max_size=7).map(lambda r: tuple(x / sum(r) for x in r))


@given(
    ps=st.lists(shares, min_size=1, max_size=12),
    margin=st.floats(0, 1),
    dwell_ms=st.sampled_from([0, 1500, 4000]),
)
def test_changes_lie_a_dwell_apart_and_every_new_label_leads(ps, margin, dwell_ms):
    shown = run(Display(margin, dwell_ms), ps)
    changes = [since for (_, before), (_, since) in pairwise(shown) if since != before]
    begins = [0, *changes]
    assert all(b - a >= dwell_ms for a, b in pairwise(begins))
    for i, start_ms in enumerate(changes, start=1):
        new, old = shown[start_ms // 1000][0], shown[begins[i - 1] // 1000][0]
        p = dict(zip([name[:2] for name in EMOTIONS], ps[start_ms // 1000], strict=True))
        assert p[new] == max(p.values())
        assert p[new] - p[old] >= margin
