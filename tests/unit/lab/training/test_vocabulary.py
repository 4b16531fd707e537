"""Vocabularies are cut to what is needed, and cut tokenizers give the new ids."""

import json

from tokenizers import Tokenizer

from affectstream.lab.training.networks.bert import cut_tokenizer, needed


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


def test_special_ascii_and_seen_tokens_are_kept() -> None:
    vocabulary = json.loads(source())["model"]["vocab"]
    assert needed(vocabulary, {9}) == [0, 2, 3, 4, 5, 6, 8, 9]


def test_a_cut_tokenizer_renumbers_and_truncates_nothing() -> None:
    cut = Tokenizer.from_str(cut_tokenizer(source(), [0, 2, 3, 4, 5, 6, 8, 9]))
    assert cut.encode("hellos \u4f60 \u00fc hello hello").ids == [5, 6, 1, 7, 5, 5]
    assert cut.token_to_id("[PAD]") == 0
