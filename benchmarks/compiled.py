"""What torch.compile would bring to each shipped network, and what it costs at every start.

    python -m benchmarks.compiled

prints the table of docs/models/README.md: medians of the processor time of one thread, the two alternating.
A C++ compiler must be there.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator

import torch
from rich.console import Console
from torch import Tensor, nn

from affectstream.models.batching import product_type
from affectstream.models.face.crop import SIDE
from affectstream.models.face.model import FaceModel
from affectstream.models.text.model import TextModel
from affectstream.models.voice.model import SHAPE, VoiceModel

ROUNDS = 200
FACES = 32
CONTEXT = ("Did you get the parcel that we sent last week?",)
UTTERANCE = "No, and I am really tired of waiting."

Network = Callable[[Tensor], object]


def networks() -> Iterator[tuple[str, Network, Tensor]]:
    """Yield each network as its model calls it, with one input."""
    face, voice, text = FaceModel(), VoiceModel(), TextModel()
    for model in (face, voice, text):
        model.load("cpu")
    kind = str(product_type("cpu")).removeprefix("torch.")
    assert isinstance(face._network, nn.Module)
    assert voice._net is not None
    assert text._network is not None
    faces = torch.randint(0, 256, (FACES, SIDE, SIDE), dtype=torch.uint8)
    yield f"{FACES} faces, {kind}", face._network.embed, faces
    yield "a voice window, float32", voice._net.with_embeddings, torch.rand(1, *SHAPE)
    said = torch.from_numpy(text.prepare(UTTERANCE, CONTEXT))[None]
    yield f"an utterance with context in {said.shape[-1]} places, {kind}", text._network, said


def taken_ms(network: Network, given: Tensor) -> float:
    """Return the processor time of one pass in ms."""
    begin = time.process_time()
    network(given)
    return 1000 * (time.process_time() - begin)


def row(what: str, network: Network, given: Tensor) -> str:
    """Return one line of the table."""
    begin = time.perf_counter()
    compiled = torch.compile(network)
    compiled(given)
    seconds = time.perf_counter() - begin
    pairs = [(taken_ms(network, given), taken_ms(compiled, given)) for _ in range(ROUNDS)]
    as_is, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    return f"| {what} | {as_is:.1f} ms | {other:.1f} ms | {seconds:.0f} s |"


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    out = Console(soft_wrap=True)
    out.print("| | as it is | compiled | compiling takes |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as cache, torch.inference_mode():
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache  # so that compiling takes what it takes at first
        for what, network, given in networks():
            out.print(row(what, network, given), markup=False)


if __name__ == "__main__":
    main()
