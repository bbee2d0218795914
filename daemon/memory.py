"""How much memory processes use: those of a run together, and this one by itself."""

from __future__ import annotations

import gc
import os
import resource
import sys
import time
from contextlib import suppress
from glob import iglob
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_S: Final = 2.0  # a measurement may cost 50 ms
_FIELD: Final = b"\nPss:"
_DATA: Final = b"\nVmData:"


class MemoryGauge:
    """Remember the highest proportional set size (shared pages counted once) of a run's processes; 0 if unknown."""

    def __init__(self) -> None:
        self.peak = 0
        self._measured_at = 0.0

    def rest(self) -> None:
        """Let the next measurement wait: what takes less than that is not held up."""
        self._measured_at = time.monotonic()

    def measure(self, *, now: bool = False) -> bool:
        """Measure this process and all it started, unless that was done a moment ago; tell whether it was time to."""
        clock = time.monotonic()
        is_time = now or clock - self._measured_at >= EVERY_S
        if is_time:
            self._measured_at = clock
            self.peak = max(self.peak, sum(map(proportional_set_size, family(os.getpid()))))
        return is_time


def family(pid: int) -> Iterator[int]:
    """Give a process, those that it started, and theirs; where the system doesn't tell of these, it alone."""
    yield pid
    for path in iglob(f"/proc/{pid}/task/*/children"):
        with suppress(OSError), open(path, "rb") as file:
            for child in file.read().split():
                yield from family(int(child))


def proportional_set_size(pid: int) -> int:
    """Give a process's proportional set size in bytes; 0 where the system doesn't tell, and when it has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            text = file.read()
    except OSError:
        return 0
    _, found, rest = text.partition(_FIELD)
    return int(rest.split(None, 1)[0]) * 1024 if found else 0


def resident_set_size() -> int:
    """Give the bytes that this process holds, shared ones included; where the system doesn't tell, the most it had."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def seldom_collect_garbage() -> None:
    """Look for garbage in what is made from now on alone, and not often: a worker's pages leave little."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def limit_growth(growth: int) -> None:
    """Let this process get `growth` bytes more than it has, and no more; Linux only, elsewhere this does nothing."""
    try:
        with open("/proc/self/status", "rb") as file:
            has = int(file.read().partition(_DATA)[2].split(None, 1)[0]) * 1024
    except (OSError, IndexError):
        return
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = has + growth
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
