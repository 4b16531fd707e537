"""Recorded speech out of Debian's packages."""

from pathlib import Path

import numpy as np
import pytest

from affectstream.lab import packages


def _constant(value: float, seconds: float) -> np.ndarray:
    return np.full(round(8000 * seconds), value, np.float32)


def test_prompts_are_joined_with_pauses_always_alike() -> None:
    prompts = [_constant(0.1, 1.5), _constant(0.2, 2.0)]
    found = packages.joined(prompts, 8000)
    values, samples = np.unique(found.astype(np.float64).round(3), return_counts=True)
    assert dict(zip(values.tolist(), samples.tolist(), strict=True)) == pytest.approx(
        {0.0: 9600, 0.1: 12_000, 0.2: 16_000}
    )
    np.testing.assert_array_equal(found, packages.joined(prompts, 8000))


def test_a_recording_is_as_long_as_a_call_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "CALL_S", 3.0)
    assert len(packages.joined([_constant(0.1, 2.0)] * 3, 8000)) == 24_000


def test_sounds_are_found_by_their_ends_in_the_order_of_their_names_without_tones(tmp_path: Path) -> None:
    for name in ("b.wav", "a/c.ogg", "a/beep.wav", "silence/1.wav", "a/read.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = packages.spoken(tmp_path, (".wav", ".ogg"))
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a/c.ogg", "b.wav"]
