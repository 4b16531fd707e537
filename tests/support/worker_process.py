"""A worker as a process of its own."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from affectstream.runtime.process import die_with_parent
from affectstream.runtime.settings import Settings, as_env


@contextlib.asynccontextmanager
async def running(
    name: str, settings: Settings, cwd: Path | None = None, stderr: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``python -m affectstream.workers.NAME``; killed at the end, as by a power cut, if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"affectstream.workers.{name}",
        env={**os.environ, **as_env(settings)},
        cwd=cwd,
        stderr=stderr,
        preexec_fn=die_with_parent,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.communicate()


fusing = partial(running, "fusion")
