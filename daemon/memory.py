"""How much memory the processes of a run use together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERY_S: Final = 0.5
_FIELD: Final = b"\nPss:"


class MemoryGauge:
    """Remember the highest proportional set size (shared pages counted once) of some processes; 0 if unknown."""

    def __init__(self) -> None:
        self.peak = 0
        self._measured_at = 0.0

    def measure(self, pids: Iterable[int], *, now: bool = False) -> bool:
        """Measure, unless that was done a moment ago; tell whether it was time to."""
        clock = time.monotonic()
        is_time = now or clock - self._measured_at >= EVERY_S
        if is_time:
            self._measured_at = clock
            self.peak = max(self.peak, sum(map(proportional_set_size, pids)))
        return is_time


def proportional_set_size(pid: int) -> int:
    """Give a process's proportional set size in bytes; 0 where the system doesn't tell, and when it has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            text = file.read()
    except OSError:
        return 0
    _, found, rest = text.partition(_FIELD)
    return int(rest.split(None, 1)[0]) * 1024 if found else 0
