"""The shipped models load neither transformers nor librosa and what these bring along."""

import subprocess
import sys

HEAVY = ("transformers", "librosa", "scipy", "numba", "sklearn")
PREDICT = """
import sys
import numpy as np
from affectstream.models.face.model import FaceModel
from affectstream.models.text.model import TextModel
from affectstream.models.voice.features import features
from affectstream.models.voice.model import VoiceModel
from affectstream.models.voice.quality import quality

sound = np.sin(np.arange(44_100, dtype=np.float32))
face, text, voice = FaceModel(), TextModel(), VoiceModel()
for model in (face, text, voice):
    model.load("cpu")
assert len(face.predict([np.zeros((48, 48), np.uint8)])) == 1
assert len(text.predict([text.prepare("hello")])) == len(voice.predict([features(sound, 44_100)])) == 1
assert 0 <= quality(sound, 44_100) <= 1
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_predicting_loads_no_heavy_package() -> None:
    run = subprocess.run([sys.executable, "-c", PREDICT], capture_output=True, text=True, check=True)
    assert "torch" in run.stdout.split()
    assert not set(run.stdout.split()) & set(HEAVY)
