"""A window from its template: the bytes of the codec, for every party."""

import numpy as np
import pytest

from affectstream.schemas.codec import decode, encode
from affectstream.schemas.messages import PARTIES, FusedEmotion
from affectstream.workers.fusion.encode import N_NUMBERS, Shape, encoded
from affectstream.workers.fusion.window import ClosedWindow


@pytest.mark.parametrize("party", PARTIES)
def test_a_window_has_the_bytes_of_the_codec_and_says_where_it_is_nobodys(party):
    streams = {"audio": "open"}
    shape = Shape(-1, "bounded_pool", ("audio",), (0, 0, 0), (None,) * 3, (None,) * 3, tuple(streams.items()))
    window = ClosedWindow(("call-7", party), 5000, None, ("audio",), streams)
    (pane,) = encoded([window], {shape: [0]}, np.zeros((1, N_NUMBERS)), 1000, "final")
    message = decode(pane.packed, 1 << 16)
    assert isinstance(message, FusedEmotion) and encode(message) == pane.packed
    assert message.attributable is (party != "other")
    assert (b"attributable" in pane.packed) is (party == "other")
