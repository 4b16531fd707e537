"""One outcome per message, whatever the content, the policy or the model do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.models.protocol import Predictions
from affectstream.schemas.errors import InputError, ModelError, Unavailable
from affectstream.schemas.messages import Abstention, EndOfStream, Reason, Transcript
from affectstream.workers.observe import Failure, Prepared, fields_of, observe, probabilities


def envelope(seq=0, party="customer"):
    at = 1000 * seq
    return {
        "session_id": "s",
        "party": party,
        "modality": "text",
        "seq": seq,
        "start_ms": at,
        "end_ms": at + 900,
        "watermark_ms": at + 950,
        "expects": ("video", "text"),
    }


def said(text, seq=0, party="customer"):
    return Transcript(**envelope(seq, party), text=text)


def end(seq=9):
    return EndOfStream(**envelope(seq))


class Fake:
    """A model of words: "poison" makes a batch raise, "nan" gives a row that is no distribution."""

    modality = "text"
    model_id = "fake/1"

    def __init__(self, error=None):
        self.prepared, self.batches = [], []
        self.error = error or RuntimeError("the words were poison")

    def prepare(self, message):
        self.prepared.append(message.text)
        if message.text == "broken":
            raise InputError("no sense in it")
        if message.text == "bug":
            raise KeyError("the words were bug")
        if not message.text:
            return Reason.NO_SPEECH
        words = [np.array([word]) for word in message.text.split()]
        return Prepared(words, lambda predictions: self.to_observation(message, predictions))

    def predict(self, inputs):
        words = [str(array[0]) for array in inputs]
        self.batches.append(words)
        if "poison" in words:
            raise self.error
        return Predictions.of(np.array([np.full(7, np.nan) if w == "nan" else row(w) for w in words]))

    def to_observation(self, message, predictions):
        return probabilities(message, self.model_id, fields_of(predictions, 0, quality=0.5))


def row(word):
    values = np.arange(1.0, 8.0) + len(word)
    return values / values.sum()


def reason_of(outcome):
    return outcome.observation.reason if isinstance(outcome.observation, Abstention) else None


def test_the_envelope_is_copied_unchanged_to_every_kind_of_observation():
    messages = [said("hello", 0), said("", 1), said("broken", 2), end(3)]
    for message, outcome in zip(messages, observe(Fake(), messages), strict=True):
        assert outcome.observation.envelope() == message.envelope()


def test_the_end_of_a_stream_passes_through():
    message = end()
    assert observe(Fake(), [message])[0].observation is message


def test_all_inputs_of_a_batch_are_predicted_together():
    model = Fake()
    outcomes = observe(model, [said("one two", 0), said("", 1), said("three", 2)])
    assert model.batches == [["one", "two", "three"]]
    assert outcomes[0].observation.p == tuple(row("one"))
    assert outcomes[2].observation.p == tuple(row("three"))


def test_a_model_is_not_bothered_where_there_is_nothing_to_see():
    model = Fake()
    assert [reason_of(o) for o in observe(model, [said("")])] == [Reason.NO_SPEECH]
    assert model.batches == []
    assert observe(model, []) == []


def test_an_agent_without_a_permitted_purpose_is_not_prepared():
    model = Fake()
    outcomes = observe(model, [said("broken", 0, "agent"), said("hello", 1)])
    assert [reason_of(o) for o in outcomes] == [Reason.NOT_PERMITTED, None]
    assert outcomes[0].failure is None
    assert model.prepared == ["hello"]


def test_an_agent_with_a_permitted_purpose_is_analysed():
    assert reason_of(observe(Fake(), [said("hello", 0, "agent")], "safety")[0]) is None


def test_stale_messages_are_shed_unprepared_and_the_end_is_kept():
    model = Fake()
    outcomes = observe(model, [said("old", 0), said("new", 5), end(0)], stale=lambda m: m.end_ms < 2000)
    assert [reason_of(o) for o in outcomes] == [Reason.SHED, None, None]
    assert model.prepared == ["new"]


def test_undecodable_content_fails_alone_and_is_a_failure_for_the_dead_letters():
    outcomes = observe(Fake(), [said("hello", 0), said("broken", 1), said("world", 2)])
    assert [reason_of(o) for o in outcomes] == [None, Reason.FAILED, None]
    assert outcomes[1].failure == Failure("undecodable", "no sense in it")


@pytest.mark.parametrize("words", ["bug", "poison", "nan"])
def test_an_input_that_makes_the_model_raise_fails_alone(words):
    model = Fake()
    messages = [said("hello", 0), said(words, 1), said("big world", 2)]
    outcomes = observe(model, messages)
    assert [reason_of(o) for o in outcomes] == [None, Reason.FAILED, None]
    assert outcomes[1].failure.reason == "failed"
    assert [outcomes[0], outcomes[2]] == observe(Fake(), [messages[0], messages[2]])


def test_the_text_of_an_exception_never_reaches_the_failure():
    for words in ("bug", "poison"):
        assert words not in observe(Fake(), [said(words)])[0].failure.detail


@pytest.mark.parametrize("error", [ModelError("no weights"), Unavailable("the device is gone")])
def test_what_is_no_fault_of_the_input_stops_the_worker(error):
    with pytest.raises(type(error)):
        observe(Fake(error), [said("poison")])


@given(st.lists(st.sampled_from(["hello", "one two", "", "broken", "bug", "nan", "poison"]), max_size=12))
def test_every_message_gets_exactly_one_outcome_and_the_same_in_any_batch(texts):
    messages = [said(text, seq) for seq, text in enumerate(texts)]
    together = observe(Fake(), messages)
    assert together == [outcome for message in messages for outcome in observe(Fake(), [message])]
    assert [o.observation.seq for o in together] == list(range(len(texts)))
