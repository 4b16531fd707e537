"""Voice networks that a speaker was kept out of, from the run that trained the shipped one.

Each is put beside the shipped card and loaded as the shipped weights are: its windows go the same way, at the
temperature of its run where that was evaluated (``affectstream evaluate voice --run``).
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors.torch import save_file

from affectstream.lab.calls.acted import Speaker
from affectstream.lab.datasets import ravdess
from affectstream.lab.datasets.files import candidates
from affectstream.lab.evaluation.tasks.voice_folds import whole_network
from affectstream.lab.training.files import WEIGHTS
from affectstream.lab.training.recipe import RECIPE, VoiceRecipe, read_recipe
from affectstream.lab.training.ship_voice import stored, temperature_in
from affectstream.lab.training.speech import HOME
from affectstream.lab.training.tasks.voice import WITHOUT
from affectstream.models.voice.model import VoiceModel
from affectstream.models.weights import read_card, write_card
from affectstream.workers.audio import AudioAnalyst

ROWS = 8


class Unheard:
    """The analyst for each speaker whom some network of a run never heard; each is loaded once."""

    def __init__(self, run: Path, data: Path | None) -> None:
        """Find the networks of ``run``; none is found where there is no such run."""
        recipe = read_recipe(run / RECIPE) if (run / RECIPE).exists() else None
        self._recipe = recipe if isinstance(recipe, VoiceRecipe) else None
        self._run = run
        self._temperature = temperature_in(run)
        self._parts = {name: f"fold-{fold}" for name, fold in _folds(data)} if self._recipe else {}
        self._loaded: dict[str, AudioAnalyst] = {}
        self.usual: dict[str, tuple[float, ...]] = {}  # by model: what it makes of routine calls

    def analyst(self, speaker: Speaker) -> AudioAnalyst | None:
        """Return the analyst whose network never heard ``speaker``, None where there is none."""
        part = self._parts.get(speaker.name) if speaker.corpus == HOME else f"{WITHOUT}{speaker.corpus}"
        if self._recipe is None or part is None or not (self._run / part / WEIGHTS).exists():
            return None
        if part not in self._loaded:
            self._loaded[part] = AudioAnalyst(self._model(part, self._recipe))
        return self._loaded[part]

    def _model(self, part: str, recipe: VoiceRecipe) -> VoiceModel:
        with TemporaryDirectory() as folder:
            network = whole_network(self._run / part / WEIGHTS, recipe)
            save_file(stored(network), Path(folder) / "voice.safetensors")
            shipped = read_card("voice").model_dump()
            own = {"model_id": f"{shipped['model_id']}+{part}", "temperature": self._temperature}
            write_card("voice", shipped | own, Path(folder))
            model = VoiceModel(rows=ROWS, folder=Path(folder))
            model.load("cpu")
        return model


def _folds(data: Path | None) -> Iterator[tuple[str, int]]:
    """Yield each actor of RAVDESS with the fold that tests it."""
    folder = next((f for f in candidates(HOME, data) if any(f.glob("Actor_*"))), None)
    clips = ravdess.read(folder).clips if folder else ()
    for number, fold in enumerate(ravdess.folds_of(clips) if clips else ()):
        yield from {(str(clips[row].actor), number) for row in fold.test}
