"""Where this checkout and the corpora lie."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("AFFECT_DATA") or ROOT.parent / "shared" / "data")
