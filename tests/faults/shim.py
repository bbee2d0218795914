"""Faults at every step of a run: the few calls by which blogd changes the world, counted, and made to fail.

A *point* is one such call: a file or folder made, written, renamed or removed, or a statement that writes to the
database. A run meets its fault at one of them: the call fails (a write half-way), once or from then on; or it is the
last before the process is killed (a write is torn).
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import sqlite3
from contextlib import ExitStack, contextmanager
from enum import Enum, auto
from typing import IO, TYPE_CHECKING, Final, NoReturn
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from _typeshed import ReadableBuffer

NEVER: Final = -1
_CALLS: Final = ("mkdir", "rmdir", "rename", "replace", "unlink", "ftruncate", "copy_file_range")
_READING: Final = ("select", "pragma", "rollback")


class Fault(Enum):
    """What happens at a point."""

    FAILS = auto()
    FAILS_FROM_THEN_ON = auto()
    KILLS = auto()


class HastyConnection(sqlite3.Connection):
    """A connection that doesn't wait for the disk: a process that ends is no power failure."""

    def execute(self, sql: str, *arguments: Iterable[object]) -> sqlite3.Cursor:  # type: ignore[override]
        """Execute a statement."""
        return super().execute(sql.replace("synchronous = normal", "synchronous = off"), *arguments)  # type: ignore[arg-type]


class Points:
    """The points that a run has passed, and a fault at one of them."""

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

    @contextmanager
    def installed(self) -> Generator[None]:
        """Have the shim around the calls of this process."""
        with ExitStack() as stack:
            for name in _CALLS:
                stack.enter_context(patch.object(os, name, self._wrapped(name, getattr(os, name))))
            stack.enter_context(patch.object(os, "open", self._open(os.open)))
            stack.enter_context(patch.object(os, "write", self._write(os.write)))
            stack.enter_context(patch.object(sqlite3, "connect", self._connect(sqlite3.connect)))
            for module in (builtins, io):
                stack.enter_context(patch.object(module, "open", self._open_file(io.open)))
            yield

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

    def _open_file(self, call: Callable[..., IO[str] | IO[bytes]]) -> Callable[..., IO[str] | IO[bytes]]:
        """Wrap Python's own `open`; what it is given to write goes to the disk in one piece."""
        points = self

        class File(io.FileIO):
            def write(self, data: ReadableBuffer, /) -> int:
                if points.is_faulty("write"):
                    super().write(bytes(data)[: len(bytes(data)) // 2])
                    points.fail()
                return super().write(data)

        def wrapper(path: str | int, mode: str = "r", *arguments: object, **named: object) -> IO[str] | IO[bytes]:
            if not set(mode) & {"w", "x", "a"}:
                return call(path, mode, *arguments, **named)
            points.pass_by("open")
            writer = io.BufferedWriter(File(path, mode.replace("b", "")))
            if "b" in mode:
                return writer
            return io.TextIOWrapper(writer, encoding="utf-8", errors="surrogateescape")

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
                return super().executemany(sql, rows)

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


def run_until_killed(work: Callable[[], object]) -> None:
    """Do work in a process of its own, which kills itself on the way."""
    process = os.fork()
    if not process:
        try:
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
