"""Storage of the text weights: int8 rows come back within half a step, vocabularies are cut."""

import json

import torch
from tokenizers import Tokenizer

from affectstream.models.text.storage import cut_tokenizer, needed, packed, unpacked


def source() -> str:
    vocabulary = {"[PAD]": 0, "[unused0]": 1, "[UNK]": 2, "[CLS]": 3, "[SEP]": 4, "[MASK]": 5}
    vocabulary |= {"hello": 6, "\u4f60": 7, "##s": 8, "\u00fc": 9}
    special = [
        {"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
        | {"special": True}
        for t, i in vocabulary.items()
        if t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    ]
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##"}
    return json.dumps(
        {
            "version": "1.0",
            "truncation": {"max_length": 4, "strategy": "LongestFirst", "stride": 0},
            "padding": None,
            "added_tokens": special,
            "normalizer": None,
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": None,
            "decoder": None,
            "model": model | {"max_input_chars_per_word": 100, "vocab": vocabulary},
        }
    )


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


def test_special_ascii_and_seen_tokens_are_kept() -> None:
    vocabulary = json.loads(source())["model"]["vocab"]
    assert needed(vocabulary, {9}) == [0, 2, 3, 4, 5, 6, 8, 9]


def test_a_cut_tokenizer_numbers_anew_and_truncates_nothing() -> None:
    cut = Tokenizer.from_str(cut_tokenizer(source(), [0, 2, 3, 4, 5, 6, 8, 9]))
    assert cut.encode("hellos \u4f60 \u00fc hello hello").ids == [5, 6, 1, 7, 5, 5]
    assert cut.token_to_id("[PAD]") == 0
