"""Runs a Python program and writes down, a few hundred times per CPU second, what it and its forks are doing.

    python sampler.py FOLDER PROGRAM ARGUMENT…

A timer of CPU time interrupts each process; the handler charges the CPU time since the last interruption to the stack
of frames it finds, so the time of a long call into C goes to who called it. Stacks are counted in memory and kept as
JSON in `FOLDER/{pid}.json`, every half second and at the end: workers leave by `os._exit`.
Stands alone, since it runs in the measured program's interpreter.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import signal
import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_INTERVAL_S = 0.002
_KEEP_EVERY_S = 0.5


class Sampler:
    """The stacks of one process: (file, line of the function, function), innermost first, and their CPU seconds."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._start()

    def _start(self) -> None:
        self._is_busy = False
        self._seconds: defaultdict[tuple[tuple[str, int, str], ...], float] = defaultdict(float)
        self._last = self._kept = time.process_time()
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL_S, _INTERVAL_S)

    def fork(self) -> None:
        """Begin anew in a child."""
        self._start()

    def end(self) -> None:
        """Stop, and write down everything."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        self.keep()

    def keep(self) -> None:
        """Write down what has been counted so far."""
        path = os.path.join(self._folder, f"{os.getpid()}.json")
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(json.dumps([[seconds, stack] for stack, seconds in self._seconds.items()]))
        os.replace(f"{path}.new", path)

    def _sample(self, _: int, frame: FrameType | None) -> None:
        if self._is_busy:  # the timer interrupts its own handler, too
            return
        self._is_busy = True
        now = time.process_time()
        self._seconds[_stack(frame)] += now - self._last
        if now - self._kept > _KEEP_EVERY_S:
            self.keep()
            self._kept = now
        self._last = time.process_time()
        self._is_busy = False


def _stack(frame: FrameType | None) -> tuple[tuple[str, int, str], ...]:
    stack: list[tuple[str, int, str]] = []
    while frame is not None:
        code = frame.f_code
        stack.append((code.co_filename, code.co_firstlineno, code.co_qualname))
        frame = frame.f_back
    return tuple(stack)


if __name__ == "__main__":
    sampler = Sampler(sys.argv[1])
    os.register_at_fork(after_in_child=sampler.fork)
    atexit.register(sampler.end)
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
