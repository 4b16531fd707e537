"""The fusion process: it joins observations by event time, fuses the windows that close, and writes them.

The modules of the join run compiled where they have been: see `native`.
"""

from pathlib import Path

from affectstream.workers.fusion.native import compiled

COMPILED = compiled(Path(__file__).parent)
if COMPILED is not None:
    __path__.insert(0, str(COMPILED))  # looked at first
