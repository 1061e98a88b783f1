"""Keeps a long-running stand-in as small as what it holds, and counts that.

Under load by many clients the live objects of both servers stay the same in number, but glibc's allocator keeps what
was freed: each thread gets a heap of its own (mallopt(3), M_ARENA_MAX), and a heap shrinks only from its end, so it
creeps towards the sum of all peaks. Two heaps serve as well as many, because Python runs one thread at a time, and
malloc_trim(3) gives free pages in the middle of a heap back. Other C libraries need neither.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Final

_M_ARENA_MAX: Final = -8  # malloc.h of glibc
_ARENAS: Final = 2
_SECONDS: Final = 10.0

#: Names a folder; on SIGUSR1 a server writes how many live objects of each type it has into `<process id>.json` there.
LIVE_OBJECTS: Final = "STANDIN_LIVE_OBJECTS"


def look_after_memory() -> None:
    """To be called once, by the main thread, before any other thread is started."""
    if folder := os.environ.get(LIVE_OBJECTS):
        file = Path(folder) / f"{os.getpid()}.json"
        signal.signal(signal.SIGUSR1, lambda _number, _frame: _write_counts(file))
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_trim"):
        return
    libc.mallopt(_M_ARENA_MAX, _ARENAS)
    threading.Thread(target=_trim, args=(libc,), name="trim", daemon=True).start()


def _trim(libc: ctypes.CDLL) -> None:
    never = threading.Event()
    while not never.wait(_SECONDS):
        libc.malloc_trim(0)  # ctypes lets the other threads run meanwhile


def _write_counts(file: Path) -> None:
    gc.collect()
    kinds = Counter(f"{kind.__module__}.{kind.__qualname__}" for kind in map(type, gc.get_objects()))
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(kinds), encoding="utf-8")
    unfinished.replace(file)
