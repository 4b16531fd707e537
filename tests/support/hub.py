"""Tiny models with random weights in the hub's format, written by transformers itself."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers as tf
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "i", "am", "so", "happy", "sad", "angry", "today", "you", "!")
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
CONVOLUTIONS = {  # of the networks on waveforms
    "conv_dim": (8, 8, 8),
    "conv_stride": (10, 8, 4),
    "conv_kernel": (10, 8, 4),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}


def _labels(names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: i for i, name in enumerate(names)},
        "num_labels": len(names),
    }


def vit(folder: Path, names: tuple[str, ...]) -> Path:
    torch.manual_seed(1)
    config = tf.ViTConfig(**SMALL, image_size=32, patch_size=8, **_labels(names))
    tf.ViTForImageClassification(config).save_pretrained(folder)
    tf.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def hubert(folder: Path, names: tuple[str, ...], mask: bool = False) -> Path:
    torch.manual_seed(1)
    config = tf.HubertConfig(
        **SMALL,
        **CONVOLUTIONS,
        classifier_proj_size=8,
        **_labels(names),
    )
    tf.HubertForSequenceClassification(config).save_pretrained(folder)
    tf.Wav2Vec2FeatureExtractor(return_attention_mask=mask).save_pretrained(folder)
    return folder


def bert(folder: Path, names: tuple[str, ...], **config: Any) -> Path:
    torch.manual_seed(1)
    config = {"max_position_embeddings": 128, **config}
    made = tf.BertConfig(**SMALL, vocab_size=len(WORDS), **_labels(names), **config)
    tf.BertForSequenceClassification(made).save_pretrained(folder)
    tokenizer(tf.PreTrainedTokenizerFast, folder, ["input_ids", "token_type_ids", "attention_mask"])
    return folder


def distilbert(folder: Path, names: tuple[str, ...], **config: Any) -> Path:
    torch.manual_seed(1)
    made = tf.DistilBertConfig(
        vocab_size=len(WORDS), dim=16, n_layers=2, n_heads=2, hidden_dim=32, **_labels(names), **config
    )
    tf.DistilBertForSequenceClassification(made).save_pretrained(folder)
    tokenizer(tf.PreTrainedTokenizerFast, folder, ["input_ids", "attention_mask"])
    return folder


def tokenizer(kind: Any, folder: Path, inputs: list[str]) -> None:
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made = kind(
        tokenizer_object=inner,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=inputs,
    )
    made.save_pretrained(folder)


def edit(folder: Path, **changes: Any) -> None:
    """Change config.json; None takes a key out."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
