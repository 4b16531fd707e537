"""Recognisers: tiny random ones in the hub's format, and the shipped one on the demo call."""

import json
from importlib.metadata import distribution

import numpy as np
import pytest
import torch
import transformers as tf
from support.hub import CONVOLUTIONS, SMALL

from affectstream.models.asr.hub import HubRecogniser
from affectstream.models.asr.recogniser import RATE_HZ, choose
from affectstream.models.asr.whisper import FOLDER, PACKAGE
from affectstream.models.hub.snapshot import fetch
from affectstream.schemas.errors import ModelError, SettingsError

LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ"]


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE_HZ)).astype(np.float32)


def ctc(folder):
    """A random wav2vec 2.0 with CTC, as transformers saves one."""
    torch.manual_seed(1)
    config = tf.Wav2Vec2Config(
        **SMALL,
        **CONVOLUTIONS,
        vocab_size=len(LETTERS),
    )
    tf.Wav2Vec2ForCTC(config).save_pretrained(folder)
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({letter: i for i, letter in enumerate(LETTERS)}))
    tokenizer = tf.Wav2Vec2CTCTokenizer(str(vocabulary))
    tf.Wav2Vec2Processor(tf.Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(folder)
    return folder


def seq2seq(folder):
    """A random Whisper with the English tokenizer, as transformers saves one."""
    torch.manual_seed(1)
    tokenizer = tf.WhisperTokenizerFast(
        tokenizer_file=str(distribution(PACKAGE).locate_file(f"{FOLDER}/tokenizer.json")),
        unk_token="<|endoftext|>",
        bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
    )
    config = tf.WhisperConfig(
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        vocab_size=len(tokenizer),
        decoder_start_token_id=tokenizer.convert_tokens_to_ids("<|startoftranscript|>"),
        **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), tokenizer.eos_token_id),
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    tf.WhisperForConditionalGeneration(config).save_pretrained(folder)
    tf.WhisperProcessor(tf.WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)
    return folder


def test_a_seq2seq_model_of_a_folder_gives_the_same_words_for_the_same_sound(tmp_path):
    one = choose(str(seq2seq(tmp_path)), None, None, "cpu", 1)
    words = one.transcribe(noise(2))
    assert words
    assert words == one.transcribe(noise(2))


@pytest.fixture(scope="module")
def random_ctc(tmp_path_factory):
    return ctc(tmp_path_factory.mktemp("ctc"))


def test_a_ctc_model_of_a_folder_gives_the_same_letters_for_the_same_sound(random_ctc):
    one, other = (choose(str(random_ctc), None, None, "cpu", 1) for _ in range(2))
    words = one.transcribe(noise(2))
    assert words
    assert words == one.transcribe(noise(2)) == other.transcribe(noise(2))
    assert one.model_id.startswith(f"{random_ctc.name}@")


def test_sound_that_is_too_short_for_a_network_has_no_words(random_ctc):
    assert choose(str(random_ctc), None, None, "cpu", 1).transcribe(noise(0.01)) == ""


def test_a_model_that_recognises_no_speech_is_refused(tmp_path, random_ctc):
    tf.ViTForImageClassification(tf.ViTConfig(**SMALL, image_size=32, patch_size=8)).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="cannot be loaded as a speech recogniser"):
        HubRecogniser(fetch(str(tmp_path)), None, "cpu")


def test_another_language_than_the_shipped_one_needs_another_model():
    with pytest.raises(SettingsError, match=r"asr\.model to a model that knows the language"):
        choose("", None, "de", "cpu", 1)


def test_a_folder_that_is_no_whisper_is_refused_in_one_line(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(ModelError, match="cannot be loaded as a Whisper model of CTranslate2") as caught:
        choose(str(tmp_path), None, "en", "cpu", 1)
    assert "\n" not in str(caught.value)
