"""What a voice makes of routine calls: relative alert rules and the display compare a usual voice with it.

    python -m affectstream.lab.calls.usual

It needs AFFECT_DATA. Calls that training never hears are left out here too: the rules are judged by them.
"""

from collections.abc import Sequence

import numpy as np

from affectstream.analytics.usual import logs, voice_of
from affectstream.lab import script
from affectstream.lab.calls.judge import Finals
from affectstream.lab.calls.recordings import Recording, routine
from affectstream.lab.calls.stream import Stream
from affectstream.lab.statistics import Floats
from affectstream.lab.training.speech import HELD_CALLS
from affectstream.runtime.settings import load
from affectstream.schemas.errors import InputError
from affectstream.schemas.fields import Distribution
from affectstream.workers.audio import analyst

DECIMALS = 4


def usual_of(stream: Stream, calls: Sequence[Recording]) -> tuple[float, ...]:
    """Return the geometric means (7,) of the voice's probabilities, each call with speech counting alike.

    Raises InputError where no call that training may hear holds any.
    """
    learnt = [call for call in calls if not call.name.startswith(HELD_CALLS)]
    means = [_mean(voices) for call in learnt if (voices := _voices(stream.finals(call)))]
    if not means:
        raise InputError("none of the routine calls holds speech, or all are held out")
    return tuple(round(float(p), DECIMALS) for p in np.exp(np.mean(means, axis=0)))


def _voices(finals: Finals) -> list[Distribution]:
    found = (voice_of(window) for window in finals)
    return [voice.p for voice in found if voice is not None and voice.p is not None]


def _mean(voices: Sequence[Distribution]) -> Floats:
    mean: Floats = np.mean([logs(p) for p in voices], axis=0)
    return mean


def main() -> None:
    """Print the model and its numbers as analytics/routine.toml holds them, at either prior."""
    calls = routine(None)
    for prior in ("calls", "balanced"):
        settings = load(audio={"prior": prior})
        worker = analyst(settings)
        usual = usual_of(Stream(worker, settings), calls)
        print(f'"{worker.model_id}" = {list(usual)}')  # noqa: T201


if __name__ == "__main__":
    script.run(main)
