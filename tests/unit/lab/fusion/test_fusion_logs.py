"""Probability logs survive a file, and a file that is none is refused with a reason."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.paired_logs import log_of, written

from affectstream.lab.fusion.logs.items import joined, read, read_all, write
from affectstream.schemas.errors import InputError

LOG = log_of("text-meld-dev")


def test_a_log_is_the_same_after_a_file(tmp_path: Path) -> None:
    write(LOG, tmp_path / "log.npz")
    back = read(tmp_path / "log.npz")
    assert (back.modality, back.conditions, back.statement) == (LOG.modality, LOG.conditions, LOG.statement)
    for name in ("p", "present", "quality", "labels", "groups", "items"):
        assert np.array_equal(getattr(back, name), getattr(LOG, name)), name
    assert back.embeddings == pytest.approx(LOG.embeddings, abs=5e-3)  # kept in 16 bits


def test_a_log_without_embeddings_stays_without(tmp_path: Path) -> None:
    write(replace(LOG, embeddings=None), tmp_path / "log.npz")
    assert read(tmp_path / "log.npz").embeddings is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"p": LOG.p * 2}, "no distribution"),
        ({"quality": LOG.quality + 1}, "quality lies outside"),
        ({"labels": LOG.labels + 1}, "labels are not 0 to 6"),
        ({"conditions": ("in noise", "clean")}, "first condition is not 'clean'"),
        ({"groups": LOG.groups[1:]}, "groups do not have the shapes"),
        ({"items": np.full_like(LOG.items, "one")}, "not unique"),
    ],
)
def test_a_log_that_breaks_the_format_is_refused(change: dict, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=reason):
        write(replace(LOG, **change), tmp_path / "log.npz")


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no arrays")
    np.savez(tmp_path / "other.npz", p=np.zeros(3))
    np.savez(tmp_path / "old.npz", **{name: np.zeros(1) for name in np.load(_good(tmp_path))})
    for name, reason in (("text", "no probability log"), ("other", "lacks format"), ("old", "format")):
        with pytest.raises(InputError, match=reason) as caught:
            read(tmp_path / f"{name}.npz")
        assert "\n" not in str(caught.value)


def test_a_missing_log_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    assert len(read_all(written(tmp_path))) == 5
    (tmp_path / "audio-ravdess.npz").unlink()
    with pytest.raises(InputError, match=r"lacks audio-ravdess\.npz.*affectstream fusion log"):
        read_all(tmp_path)


def test_logs_join_under_the_conditions_that_both_have() -> None:
    other = replace(log_of("text-goemotions-dev"), conditions=("clean", "cut"))
    both = joined([LOG, other])
    assert both.conditions == ("clean",)
    assert len(both.labels) == len(LOG.labels) + len(other.labels) == both.p.shape[1]


def _good(folder: Path) -> Path:
    write(LOG, folder / "good.npz")
    return folder / "good.npz"
