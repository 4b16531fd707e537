"""Which modules of the join may run compiled, and whether what was compiled is of these very sources.

``setup.py`` compiles them, where there is a C compiler, into the folder ``compiled`` beside them, with the
digest of their sources. Where a module was changed since, all run as Python: what runs is what is read.
``AFFECTSTREAM_PURE_PYTHON=1`` has them run as Python in any case.
"""

import os
from hashlib import sha256
from pathlib import Path

MODULES = ("admission", "join", "modality", "party", "plausible", "watermark", "window")
FOLDER, DIGEST = "compiled", "sources.sha256"
PURE = "AFFECTSTREAM_PURE_PYTHON"


def digest(package: Path) -> str:
    """Return the digest of the sources of the modules in the folder of this package."""
    found = sha256()
    for name in MODULES:
        found.update((package / f"{name}.py").read_bytes())
    return found.hexdigest()


def compiled(package: Path) -> Path | None:
    """Return the folder of what was compiled of these sources; None without, or where it is unwanted."""
    folder = package / FOLDER
    try:
        current = (folder / DIGEST).read_text(encoding="ascii") == digest(package)
    except OSError:
        return None
    return folder if current and not os.environ.get(PURE) else None
