"""The fusion process as a process of its own."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from affectstream.runtime.settings import Settings, as_env


@contextlib.asynccontextmanager
async def fusing(settings: Settings, cwd: Path | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the fusion process in ``cwd``; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "affectstream.workers.fusion", env={**os.environ, **as_env(settings)}, cwd=cwd
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
