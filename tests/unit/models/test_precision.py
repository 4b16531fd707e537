"""bfloat16 is taken only where the processor multiplies it itself."""

import pytest
import torch

from affectstream.models.precision import product_type


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
