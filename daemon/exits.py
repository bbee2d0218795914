"""How a run ends: exit codes, refusals, and the signals that stop it.

| code | meaning |
|---|---|
| 0 | done |
| 1 | done, but something failed |
| 2 | not a project, wrong usage, or the site is held by another blogd |
| 130, 143, 129 | stopped by SIGINT, SIGTERM, SIGHUP |
| 141 | nobody reads the output any more |

A stop is an exception that arises wherever the program is, as Ctrl-C does: the engine's `finally` clauses end the
workers, and what is on disk is good at every instant, so there is nothing to wait for.
"""

from __future__ import annotations

import os
import signal
import stat
from contextlib import contextmanager, suppress
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

OUTPUT_CLOSED = 128 + signal.SIGPIPE
_STDOUT = 1
STOPPING = (signal.SIGTERM, signal.SIGHUP)


class ExitCode(IntEnum):
    """What the engine returns; the code of the process."""

    DONE = 0
    FAILED = 1
    REFUSED = 2


class RefusalError(Exception):
    """A run that can't begin: one lower-case sentence, and a hint that says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class StopRequest(KeyboardInterrupt):
    """A signal that asks to stop; a `KeyboardInterrupt`, so that whatever lets Ctrl-C through lets this through."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = signal.Signals(number)


def readers() -> list[int]:
    """Give what becomes ready when nobody reads stdout any more: stdout itself, if it leads to another program.

    Whoever started a watch and died may have left nothing else that says so.
    """
    with suppress(OSError):
        mode = os.fstat(_STDOUT).st_mode
        return [_STDOUT] if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else []
    return []


@contextmanager
def stop_signals() -> Generator[None]:
    """Turn SIGTERM and SIGHUP into `StopRequest`, unless they are ignored (nohup); SIGINT does by itself.

    After the first of them both are ignored, since they often come together, and cleaning up must not be cut short.
    Forked workers inherit these handlers and have to set their own.
    """
    numbers = [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    old = {number: signal.signal(number, _stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _stop(number: int, _frame: FrameType | None) -> None:
    for each in STOPPING:
        signal.signal(each, signal.SIG_IGN)
    raise StopRequest(number)
