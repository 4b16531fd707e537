"""A wall clock that a test moves under a running process: a shim before the C library's."""

import mmap
import struct
import subprocess
import sys
import time
from pathlib import Path

SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static volatile int64_t *shift_s;

__attribute__((constructor)) static void open_shift(void) {
    const char *path = getenv("CLOCK_SHIFT");
    int file = path ? open(path, O_RDONLY) : -1;
    void *page = file < 0 ? MAP_FAILED : mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) shift_s = page;
}

int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*libc)(clockid_t, struct timespec *);
    if (!libc) libc = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = libc(id, at);
    if (!failed && id == CLOCK_REALTIME && shift_s) at->tv_sec += *shift_s;
    return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec, at->tv_usec = now.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


class ShiftedClock:
    """``env`` is for the processes whose clock `shift` moves; the monotonic clock stays as it is."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        source, library, page = folder / "clock.c", folder / "clock.so", folder / "shift"
        source.write_text(SOURCE)
        compile = ["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
        subprocess.run(compile, check=True, capture_output=True)
        page.write_bytes(bytes(8))
        with page.open("r+b") as file:
            self._shift_s = mmap.mmap(file.fileno(), 8)
        self.env = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(page)}

    def shift(self, seconds: int) -> None:
        """Have the clock be wrong by so much from now on."""
        self._shift_s[:] = struct.pack("=q", seconds)

    def error_s(self) -> float:
        """Return by how much a process under it sees a wrong time."""
        code = [sys.executable, "-c", "import time; print(time.time())"]
        shown = subprocess.run(code, env=self.env, check=True, capture_output=True, text=True).stdout
        return float(shown) - time.time()
