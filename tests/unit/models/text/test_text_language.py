"""The language gate: English passes, also when short or odd; what the model cannot read does not."""

import csv
import os
from pathlib import Path

import pytest

from affectstream.models.text import language
from affectstream.models.text.language import is_english
from affectstream.schemas.messages import Reason, Transcript
from affectstream.workers.observe import observe

ENGLISH = [
    "Hello.", "No.", "OK", "Yeah, hmm.", "No no no, believe me.", "Thank you so much, that is wonderful.",
    "this is an outrage and i am furious", "My PIN is 4711.", "I wanna die", "Señor Pérez called me.",
    "Wi-Fi router reboot", "12 34 56", "Yay!",
]  # fmt: skip
OTHER = [
    "本当に腹が立つ、すぐにお金を返してください。", "Я очень зол, верните деньги.", "我很生气。",
    "أنا غاضب جدا",
    "Είμαι πολύ θυμωμένος.", "Das ist eine Unverschämtheit!",
    "Ich warte seit zwei Wochen auf meine Lieferung.",
    "C'est inadmissible, je veux un remboursement.", "Estoy muy enfadado con este servicio.",
    "Sono furioso, voglio indietro i miei soldi.", "Estou muito zangado com o serviço.",
    "Ik wacht al twee weken op mijn bestelling.", "Czekam już dwa tygodnie na paczkę.",
    "Bu hizmetten hiç memnun değilim.", "Jag är väldigt arg på er service.",
    "Tôi rất tức giận về dịch vụ này.",
    "Saya sangat marah dengan layanan ini.",
]  # fmt: skip


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_read(text):
    assert is_english(text)


@pytest.mark.parametrize("text", OTHER)
def test_other_languages_are_not(text):
    assert not is_english(text)
    assert not is_english(text, stated="xx")


def test_short_words_are_judged_with_the_turns_before():
    assert is_english("Oui, d'accord.")
    assert not is_english("Oui, d'accord.", ["Je ne comprends pas ma facture."])
    assert is_english("OK", ["I paid it twice.", "Let me look."])


def test_what_the_transcript_states_moves_the_threshold():
    assert not is_english("Ja, genau.", stated="de")
    assert is_english("That is not what I have ordered, and I want my money back.", stated="de")
    assert is_english("I wanna die", stated="en")
    assert not is_english("Das ist eine Unverschämtheit, ich bin sehr verärgert!", stated="en")


def test_corpora_of_english_pass():
    folder = os.environ.get("AFFECT_DATA")
    path = Path(folder or "/nowhere") / "meld" / "dev_sent_emo.csv"
    if not path.exists():
        pytest.skip("needs MELD")
    with path.open(encoding="utf-8", errors="replace") as file:
        said = [row["Utterance"] for row in csv.DictReader(file)]
    assert sum(not is_english(text) for text in said) <= len(said) / 1000


def test_the_shipped_reader_abstains_with_the_reason():
    from affectstream.runtime.settings import load
    from affectstream.workers.text import analyst

    base = {"session_id": "s", "party": "customer", "start_ms": 0, "end_ms": 900, "watermark_ms": 900}
    texts = [("Das ist eine Unverschämtheit!", None), ("Ja, genau.", "de"), ("Thank you so much.", None)]
    messages = [
        Transcript(**base, seq=n, expects=("text",), text=text, language=stated)
        for n, (text, stated) in enumerate(texts)
    ]
    language._identifier.cache_clear()
    reader = analyst(load())
    assert language._identifier.cache_info().currsize == 1  # read before the first input, which would wait
    found = [outcome.observation for outcome in observe(reader, messages)]
    assert [getattr(one, "reason", None) for one in found] == [Reason.LANGUAGE, Reason.LANGUAGE, None]
    assert found[2].quality > 0.5
