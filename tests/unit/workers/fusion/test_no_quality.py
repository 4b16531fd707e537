"""A quality of zero is a weight of zero, under every rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.joining import Driven, fusion
from support.observations import HAPPY, SAD, ended, observed

from affectstream.models.fusion.parameters import available
from affectstream.models.fusion.rules import on_probabilities

RULES = on_probabilities(available(None))


def final_of(rule, *, words):
    """Return the final of a window with a voice, and with words of quality ``words`` unless that is None."""
    expects = ("audio",) if words is None else ("audio", "text")
    driven = Driven(fusion(RULES[rule]))
    items = [observed("audio", 0, 0, 1000, p=SAD, quality=0.8, expects=expects, watermark_ms=1000)]
    if words is not None:
        items.append(observed("text", 0, 0, 1000, p=HAPPY, quality=words, expects=expects, watermark_ms=1000))
    found = [output for item in items for output in driven.push(item)]
    found += [out for modality in expects for out in driven.push(ended(modality, 1, 1000, expects=expects))]
    return next(out for out in [*found, *driven.finish()] if getattr(out, "pane", "") == "final")


@pytest.mark.parametrize("rule", RULES)
def test_words_of_no_quality_have_no_weight_and_change_nothing(rule):
    alone, both = final_of(rule, words=None), final_of(rule, words=0.0)
    text = both.modalities[1]
    assert (text.modality, text.state, text.weight) == ("text", "present", 0.0)
    assert (both.p, both.modalities[0].weight, both.disagreement) == (alone.p, 1.0, 0.0)


@given(st.sampled_from(sorted(RULES)), st.floats(0.05, 1.0))
def test_words_of_some_quality_count(rule, quality):
    assert final_of(rule, words=quality).modalities[1].weight >= 0.0
