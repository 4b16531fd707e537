"""LiteRT, which runs a network from a TensorFlow Lite file on the CPU."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

NOTICE = b"Created TensorFlow Lite XNNPACK delegate"

Floats = npt.NDArray[np.float32]

_one_at_a_time = Lock()  # standard error is the process's


class Network:
    """A network for pictures of one size, in one thread. One per thread: it keeps buffers."""

    def __init__(self, weights: bytes, size: tuple[int, int], outputs: Sequence[str]) -> None:
        """Build it for pictures of ``size`` (width, height); ``outputs`` are the names of what it gives."""
        with _without_the_notice():
            self._interpreter = Interpreter(model_content=weights, num_threads=1)
            self._input = self._interpreter.get_input_details()[0]["index"]
            self._interpreter.resize_tensor_input(self._input, [1, size[1], size[0], 3])
            self._interpreter.allocate_tensors()
        places = {each["name"]: each["index"] for each in self._interpreter.get_output_details()}
        self._outputs = [places[name] for name in outputs]

    def run(self, picture: Floats) -> list[Floats]:
        """Return the outputs for one picture (h, w, 3), its channels and values as in training."""
        self._interpreter.set_tensor(self._input, picture[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


@contextmanager
def _without_the_notice() -> Iterator[None]:
    """Keep LiteRT's notice of its delegate out of standard error, which may be a log of JSON lines.

    LiteRT has no setting for it. What others write meanwhile follows when it is over.
    """
    with _one_at_a_time, tempfile.TemporaryFile() as aside:
        stderr = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            aside.seek(0)
            os.write(stderr, b"".join(line for line in aside if NOTICE not in line))
            os.close(stderr)
