"""G.711 against FFmpeg's decoder, and back."""

import struct

import av
import numpy as np
import pytest

from affectstream.producers.gateway.simulators import to_mu_law
from affectstream.producers.gateway.sound import MU_LAW, NAMES, a_law, linear, mu_law

WAVE = {"mulaw": 7, "alaw": 6}


def decoded_by_ffmpeg(path, law):
    form = struct.pack("<HHIIHH", WAVE[law], 1, 8000, 8000, 1, 8)
    codes = bytes(range(256))
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(codes))
    path.write_bytes(b"RIFF" + struct.pack("<I", len(head) + len(codes)) + head + codes)
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])


@pytest.mark.parametrize(("law", "decode"), [("mulaw", mu_law), ("alaw", a_law)])
def test_every_code_is_what_ffmpeg_reads(law, decode, tmp_path):
    ours = np.frombuffer(decode(bytes(range(256))), "<i2")
    assert ours.tolist() == decoded_by_ffmpeg(tmp_path / "codes.wav", law).tolist()


def test_mu_law_that_is_decoded_and_encoded_sounds_the_same():
    assert mu_law(to_mu_law(MU_LAW)) == MU_LAW.tobytes()
    assert np.abs(np.frombuffer(mu_law(to_mu_law(np.arange(-300, 300, dtype="<i2"))), "<i2")).max() < 320


def test_linear_sound_is_kept_and_half_a_sample_refused():
    assert linear(b"\x01\x02") == b"\x01\x02"
    with pytest.raises(ValueError, match="half"):
        linear(b"\x01")
    assert NAMES["audio/x-mulaw"] is mu_law and NAMES["pcma"] is a_law
