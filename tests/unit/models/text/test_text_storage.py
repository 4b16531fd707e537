"""Storage of the text weights: int8 rows come back within half a step."""

import torch

from affectstream.models.text.network import packed, unpacked


def test_int8_rows_come_back_within_half_a_step() -> None:
    matrix = torch.randn(50, 20) * torch.logspace(-3, 1, 50).unsqueeze(1)
    state = {"m": matrix, "v": torch.randn(7)}
    stored = packed(state)
    assert stored["m"].dtype == torch.int8
    back = unpacked(stored)
    step = matrix.abs().amax(1, keepdim=True) / 127
    assert ((back["m"] - matrix).abs() <= step * 0.51 + matrix.abs() * 1e-3).all()
    assert torch.equal(back["v"], state["v"])


def test_a_row_of_zeros_stays_zero() -> None:
    assert torch.equal(unpacked(packed({"m": torch.zeros(2, 3)}))["m"], torch.zeros(2, 3))
