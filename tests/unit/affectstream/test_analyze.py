"""The run without a broker: in order, in bounded memory, honest progress, and errors that come through."""

from collections.abc import Iterator

import pytest
from support.worker_fakes import Words, said

from affectstream import analyze
from affectstream.analyze import AHEAD, BATCH, observed
from affectstream.runtime.settings import Settings
from affectstream.schemas.errors import InputError, ModelError
from affectstream.schemas.messages import Modality, Transcript


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Modality]:
    """The modalities whose models were loaded, which are a fake."""
    names: list[Modality] = []

    def load(modality: Modality, _: Settings) -> Words:
        names.append(modality)
        return Words()

    monkeypatch.setattr(analyze, "loaded", load)
    return names


class Recording:
    """A stream of utterances that counts how many were decoded."""

    def __init__(self, n: int, broken_at: int | None = None) -> None:
        self.decoded = 0
        self._n, self._broken_at = n, broken_at

    def __iter__(self) -> Iterator[Transcript]:
        for seq in range(self._n):
            if seq == self._broken_at:
                raise InputError("the timestamps leap")
            self.decoded += 1
            yield said("some words", seq=seq)


@pytest.mark.parametrize("n", [0, 1, BATCH, 10 * BATCH + 3])
def test_every_message_gives_one_observation_in_order(n: int, loaded: list[Modality]) -> None:
    assert [o.seq for batch in observed(Recording(n), Settings()) for o in batch] == list(range(n))
    assert loaded == (["text"] if n else [])  # no model that the recording does not need


def test_no_more_is_decoded_than_a_few_batches_ahead(loaded: list[Modality]) -> None:
    recording = Recording(1000 * BATCH)
    for n, _ in enumerate(observed(recording, Settings())):
        assert recording.decoded <= (n + 1 + AHEAD) * BATCH
        if n > 20:
            break


def test_progress_is_what_has_been_analysed(loaded: list[Modality]) -> None:
    reached: list[int] = []
    seen = [
        (o.end_ms, reached[-1] if reached else 0)
        for batch in observed(Recording(200), Settings(), reached.append)
        for o in batch
    ]
    assert all(progress < end_ms for end_ms, progress in seen)
    assert reached == [1000 * (n - 1) + 900 for n in (64, 128, 192, 200)]


def test_a_recording_that_breaks_off_is_refused_after_what_was_read(loaded: list[Modality]) -> None:
    seen: list[int] = []
    with pytest.raises(InputError, match="leap"):
        for batch in observed(Recording(3 * BATCH, broken_at=2 * BATCH), Settings()):
            seen.extend(o.seq for o in batch)
    assert seen == list(range(2 * BATCH))


def test_a_model_that_cannot_be_loaded_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(modality: Modality, _: Settings) -> Words:
        raise ModelError(f"{modality}: no weights")

    monkeypatch.setattr(analyze, "loaded", load)
    with pytest.raises(ModelError, match="text: no weights"):
        list(observed(Recording(1000 * BATCH), Settings()))
