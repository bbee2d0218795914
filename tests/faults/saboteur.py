"""`blogd`, but a worker that comes to a page or post named after a deed does it: a program that tests run."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from blogd.daemon import pool, wire, worker_process
from blogd.daemon.__main__ import main
from blogd.daemon.memory import limit_growth
from blogd.daemon.wire import encode
from blogd.daemon.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

_kept: list[bytes] = []
_is_mad = False


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _exit() -> None:
    os._exit(7)


def _hang() -> None:
    while True:
        time.sleep(3600)


def _spin() -> None:
    while True:
        pass


def _eat() -> None:
    while True:
        _kept.append(b"x" * (16 << 20))


def _grow() -> None:
    _kept.append(b"x" * (48 << 20))


def _rave() -> None:
    global _is_mad  # noqa: PLW0603 - what is sent next makes no sense
    _is_mad = True


def _print() -> None:
    print("from Python")  # noqa: T201 - that is the deed
    os.write(2, b"from below\n")


DEEDS: Final[dict[str, Callable[[], None]]] = {
    "kill": _kill,
    "crash": _crash,
    "exit": _exit,
    "hang": _hang,
    "spin": _spin,
    "eat": _eat,
    "grow": _grow,
    "rave": _rave,
    "print": _print,
}


def _sabotaged(work: Callable[..., object], prefix: str) -> Callable[..., object]:
    def wrapper(self: Worker, task: wire.FileTask | wire.PageTask, *arguments: object) -> object:
        for name, deed in DEEDS.items():
            if f"{prefix}-{name}" in task.path:
                deed()
        return work(self, task, *arguments)

    return wrapper


def _encode(message: object) -> bytes:
    return b"\xc1" if _is_mad else encode(message)


def _limit(_: int) -> None:
    limit_growth(512 << 20)


def _refuse() -> int:
    raise BlockingIOError(11, "Resource temporarily unavailable")


if __name__ == "__main__":
    substitutes: list[tuple[object, str, object]] = [
        (Worker, "_read", _sabotaged(vars(Worker)["_read"], "read")),
        (Worker, "_make", _sabotaged(vars(Worker)["_make"], "make")),
        (worker_process, "limit_growth", _limit),
        (wire, "encode", _encode),
        (pool, "LIMIT_S", 0.5),
        (pool, "PER_TASK_S", 0.0),
        (pool, "GROWN", 32 << 20),
    ]
    for target, name, substitute in substitutes:
        patch.object(target, name, substitute).start()
    if "no-process" in sys.argv:
        sys.argv.remove("no-process")
        patch.object(os, "fork", _refuse).start()
    sys.exit(main())
