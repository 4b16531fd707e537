"""Files made to take more than they are worth: bounded, and refused in one line."""

import json
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from support.recordings import call, png

from affectstream.producers import media, transcripts
from affectstream.producers.stamps import Damage, packets_of
from affectstream.producers.vendors.fields import ms
from affectstream.schemas.errors import InputError


def film(path: Path, picture: bytes, side: int) -> Path:
    """A film of three times that picture."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("png", rate=10)
        stream.width, stream.height, stream.pix_fmt = side, side, "rgb24"
        for number in range(3):
            packet = av.Packet(picture)
            packet.stream, packet.pts, packet.dts = stream, 100 * number, 100 * number
            packet.time_base = Fraction(1, 1000)
            file.mux(packet)
    return path


def test_pictures_of_more_pixels_than_any_camera_takes_are_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(media, "MOST_PIXELS", 64 * 64)

    assert media.probe(film(tmp_path / "small.mov", png(64), 64)).video is not None
    with pytest.raises(InputError, match="no picture and no sound that can be decoded"):
        media.probe(film(tmp_path / "large.mov", png(65), 65))


def test_a_file_of_tracks_that_nobody_knows_is_refused(tmp_path: Path):
    whole = call(tmp_path / "call.mkv", 0.5).read_bytes()
    strange = tmp_path / "strange.mkv"
    strange.write_bytes(
        whole.replace(b"V_MPEG4/ISO/AVC", b"V_XXXXX/XXX/XXX").replace(b"A_PCM/INT/LIT", b"A_XXX/XXX/XXX")
    )

    with pytest.raises(InputError, match="no picture and no sound that can be decoded"):
        media.probe(strange)


def test_a_transcript_larger_than_any_call_is_not_read(tmp_path: Path):
    endless = tmp_path / "endless.vtt"
    with endless.open("wb") as file:
        file.truncate(transcripts.LARGEST_BYTES + 1)

    with pytest.raises(InputError, match="larger than 64 MiB"):
        transcripts.load(endless)


@pytest.mark.parametrize(
    "time", ["PT" + "9" * 400 + "S", 10**400, {"seconds": 10**400}, {"seconds": {"seconds": 1}}]
)
def test_a_time_that_no_clock_shows_is_none(time: object):
    assert ms(time) is None


def test_channels_that_are_no_names_do_not_end_the_reading_of_a_transcript(tmp_path: Path):
    result = {"alternatives": [{"transcript": "hello"}], "resultEndTime": "1s"}
    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps({"results": [result | {"channelTag": tag} for tag in ([], {}, 1, None)]}))

    assert transcripts.load(odd)


def test_a_track_that_begins_within_a_file_ends_the_reading_as_damage():
    class Container:
        def demux(self, streams: object) -> Iterator[str]:
            yield "packet"
            raise IndexError  # as PyAV does

    damage: Damage = Counter()

    assert list(packets_of(Container(), ["track"], damage, Path("call.ts"))) == ["packet"]
    assert damage[Path("call.ts")] == 1
