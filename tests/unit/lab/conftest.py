"""What the tests of the lab share."""

from collections.abc import Iterator

import pytest

from affectstream.models.voice import network


@pytest.fixture(scope="module")
def small_voice() -> Iterator[None]:
    """A narrow encoder of the voice: what is proved with it holds for any width, in a tenth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "WIDTH", 24)
        patch.setattr(network, "ATTENTION_HEADS", 2)
        yield
