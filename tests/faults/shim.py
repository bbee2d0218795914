"""Faults at every step of a run: the few calls by which blogd changes the world, counted, and made to fail.

A *point* is one such call: a file or folder made, written, renamed or removed, or a statement that writes to the
database. A run in a process of its own meets its fault at one of them: the call fails (a write half-way), once or from
then on; or it is the last before the process is killed (a write is torn).
"""

from __future__ import annotations

import errno
import os
import pickle
import signal
import sqlite3
import traceback
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn
from unittest.mock import patch

from blogd.cache import database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

NEVER: Final = -1
_CALLS: Final = ("mkdir", "rmdir", "replace", "unlink", "ftruncate", "copy_file_range")
_READING: Final = ("select", "pragma", "rollback")


class Fault(Enum):
    """What happens at a point."""

    FAILS = auto()
    FAILS_FROM_THEN_ON = auto()
    KILLS = auto()


class Ending(NamedTuple):
    """How a process ended: what it returned, None if it was killed, and the points that it passed."""

    value: object
    points: list[str]


class HastyConnection(sqlite3.Connection):
    """A connection that doesn't wait for the disk: a process that ends is no power failure."""

    def execute(self, sql: str, *arguments: Iterable[object]) -> sqlite3.Cursor:  # type: ignore[override]
        """Execute a statement."""
        return super().execute(sql.replace("synchronous = normal", "synchronous = off"), *arguments)  # type: ignore[arg-type]


class Points:
    """The points of this process, and a fault at one of them."""

    def __init__(self, fault: Fault, at: int) -> None:
        self.passed: list[str] = []
        self._fault = fault
        self._at = at

    def is_faulty(self, name: str) -> bool:
        """Pass a point; tell whether it is to fail."""
        number = len(self.passed)
        self.passed.append(name)
        if self._at == NEVER:
            return False
        return number == self._at or (number > self._at and self._fault is Fault.FAILS_FROM_THEN_ON)

    def pass_by(self, name: str) -> None:
        """Pass a point; fail there, or be killed."""
        if self.is_faulty(name):
            self.fail()

    def fail(self) -> NoReturn:
        """Do what the fault does."""
        if self._fault is Fault.KILLS:
            os.kill(os.getpid(), signal.SIGKILL)
        kind = (errno.ENOSPC, errno.EIO, errno.EACCES)[self._at % 3]
        raise OSError(kind, os.strerror(kind))

    def install(self) -> None:
        """Put the shim around the calls of this process, for good."""
        for name in _CALLS:
            patch.object(os, name, self._wrapped(name, getattr(os, name))).start()
        patch.object(os, "open", self._open(os.open)).start()
        patch.object(os, "write", self._write(os.write)).start()
        patch.object(database.sqlite3, "connect", self._connect(sqlite3.connect)).start()

    def _wrapped(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*arguments: object, **named: object) -> object:
            self.pass_by(name)
            return call(*arguments, **named)

        return wrapper

    def _open(self, call: Callable[..., int]) -> Callable[..., int]:
        def wrapper(path: str, flags: int, *arguments: object, **named: object) -> int:
            if flags & os.O_CREAT:
                self.pass_by("open")
            return call(path, flags, *arguments, **named)

        return wrapper

    def _write(self, call: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
        def wrapper(file: int, data: bytes) -> int:
            if self.is_faulty("write"):
                call(file, data[: len(data) // 2])
                self.fail()
            return call(file, data)

        return wrapper

    def _connect(self, call: Callable[..., sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
        pass_statement = self._pass_statement

        class Connection(HastyConnection):
            def execute(self, sql: str, *arguments: Iterable[object]) -> sqlite3.Cursor:  # type: ignore[override]
                pass_statement(sql)
                return super().execute(sql, *arguments)

            def executemany(self, sql: str, rows: Iterable[Sequence[object]], /) -> sqlite3.Cursor:  # type: ignore[override]
                pass_statement(sql)
                return super().executemany(sql, rows)  # type: ignore[arg-type]

            def executescript(self, sql: str, /) -> sqlite3.Cursor:
                pass_statement(sql)
                return super().executescript(sql)

        def wrapper(*arguments: object, **named: object) -> sqlite3.Connection:
            return call(*arguments, **named, factory=Connection)

        return wrapper

    def _pass_statement(self, sql: str) -> None:
        if sql.startswith(_READING):
            return
        if self.is_faulty(" ".join(sql.split()[:3])):
            try:
                self.fail()
            except OSError as error:
                raise _database_error(error) from error


def _database_error(error: OSError) -> sqlite3.OperationalError:
    is_full = error.errno == errno.ENOSPC
    failure = sqlite3.OperationalError("database or disk is full" if is_full else "disk I/O error")
    failure.sqlite_errorcode = sqlite3.SQLITE_FULL if is_full else sqlite3.SQLITE_IOERR
    return failure


def run_with_fault(work: Callable[[], object], fault: Fault, at: int, folder: Path) -> Ending:
    """Do work in a process of its own that meets a fault; AssertionError if an exception leaves it."""
    report = folder / "ending"
    report.unlink(missing_ok=True)
    process = os.fork()
    if not process:
        _work(work, Points(fault, at), report)
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return Ending(None, [])
    value, points, trouble = pickle.loads(report.read_bytes())
    assert not trouble, f"{fault.name} at {at}, {points[at] if at < len(points) else 'the end'}:\n{trouble}"
    return Ending(value, points)


def _work(work: Callable[[], object], points: Points, report: Path) -> NoReturn:
    trouble = ""
    value: object = None
    points.install()
    try:
        value = work()
    except BaseException:  # noqa: BLE001 - told by the parent
        trouble = traceback.format_exc()
    patch.stopall()
    report.write_bytes(pickle.dumps((value, points.passed, trouble)))
    os._exit(0)
