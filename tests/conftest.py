"""What every test shares."""

import os

from hypothesis import settings
from support.paths import DATA

if DATA.is_dir():
    os.environ.setdefault("AFFECT_DATA", str(DATA))  # as the Makefile does

settings.register_profile("shared-machine", deadline=None, derandomize=True)
settings.load_profile("shared-machine")
