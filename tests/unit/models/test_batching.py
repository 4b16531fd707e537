"""Fixed rows in inference mode; bfloat16 only where the processor multiplies it itself."""

import numpy as np
import pytest
import torch

from affectstream.models.batching import in_fixed_rows, product_type


@pytest.mark.parametrize(
    ("has", "kind"),
    [
        ({"avx512_f": True, "avx512_bf16": True}, torch.bfloat16),
        ({"avx512_f": True, "avx512_bf16": False}, torch.float32),
        ({"architecture": "arm64", "bf16": True}, torch.float32),  # not measured, so not used
    ],
)
def test_bfloat16_is_taken_only_where_the_processor_multiplies_it(
    has: dict[str, object], kind: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has, raising=False)
    assert product_type("cpu") == kind


def test_a_torch_that_cannot_tell_gets_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert product_type("cpu") == torch.float32


def test_forward_passes_run_in_inference_mode_on_a_fixed_number_of_rows() -> None:
    seen = []

    def forward(batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append((torch.is_inference_mode_enabled(), len(batch)))
        return batch, batch[:, :2]

    rows = np.arange(35.0).reshape(5, 7)
    whole, two = in_fixed_rows(rows, 4, forward, "cpu")
    assert np.array_equal(whole, rows)
    assert np.array_equal(two, rows[:, :2])
    assert seen == [(True, 4), (True, 4)]
