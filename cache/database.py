"""A SQLite file wherever it lies, and whatever becomes of it.

It is opened in WAL mode. Where the file system can't do that (no shared memory, no locks), it is opened in plainer
ways, which suit a file that has one writer anyway. What SQLite says of troubles is translated here: a `DamagedError`
is about the file's content, and setting the file aside helps; any other `StoreError` is about its surroundings.
"""

from __future__ import annotations

import errno
import fcntl
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

Prepare = Callable[[sqlite3.Connection], None]

PATIENCE_S: Final = 5.0
_COMPANIONS: Final = ("-wal", "-shm", "-journal")
_PRIMARY: Final = 0xFF  # https://www.sqlite.org/rescode.html: the low byte of an extended code
CHECK_SPACE: Final = "free some space, or see to the permissions of the folder; then run blogd again"
_CHECK_FOLDER: Final = "check the permissions of its folder; the cache may be removed at any time"
_CHECK_DISK: Final = "check the disk; the cache may be removed at any time"
_IN_USE: Final = "close the program that has it open"
_SURROUNDINGS: Final = {
    sqlite3.SQLITE_FULL: CHECK_SPACE,
    sqlite3.SQLITE_NOMEM: "free some memory, then run blogd again",
    sqlite3.SQLITE_IOERR: _CHECK_DISK,
    sqlite3.SQLITE_PROTOCOL: _CHECK_DISK,
    sqlite3.SQLITE_NOLFS: _CHECK_DISK,
    sqlite3.SQLITE_READONLY: _CHECK_FOLDER,
    sqlite3.SQLITE_PERM: _CHECK_FOLDER,
    sqlite3.SQLITE_CANTOPEN: _CHECK_FOLDER,
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
}
_UNABLE: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_CANTOPEN})
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


class StoreError(Exception):
    """A database can't be used: which, why, and what to do."""

    def __init__(self, path: Path, reason: str, hint: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.hint = hint


class DamagedError(StoreError):
    """What is in a database makes no sense."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason, "`blogd build` sets it aside and makes a new one")


@contextmanager
def translated(path: Path) -> Generator[None]:
    """Raise StoreError for whatever SQLite says of a file, and for records that can't be decoded."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            raise  # Python's own: a programmer's mistake
        hint = _SURROUNDINGS.get(code & _PRIMARY)
        if hint is None:
            raise DamagedError(path, str(error)) from error
        raise StoreError(path, str(error), hint) from error
    except msgspec.MsgspecError as error:
        raise DamagedError(path, f"a record makes no sense: {error}") from error


class _Way(NamedTuple):
    """How to open a file: SQLite's parameters, and what to ask of the connection."""

    query: str
    pragmas: tuple[str, ...]


_ALONE: Final = ("locking_mode = exclusive", "journal_mode = delete")
_USUAL: Final = _Way("", ("journal_mode = wal",))
_WITHOUT_SHARED_MEMORY: Final = _Way("", _ALONE)
_TO_READ: Final = _Way("?mode=ro", ())
_WITHOUT_LOCKS: Final = _Way("?vfs=unix-none", _ALONE)


def connect(path: Path, prepare: Prepare) -> sqlite3.Connection:
    """Open a database to write, and prepare it; raises StoreError."""
    _remove_links(path)
    with translated(path):
        try:
            return _connected(path, _USUAL, prepare)
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
            if code in _UNABLE:
                return _connected(path, _WITHOUT_SHARED_MEMORY, prepare)
            if code == sqlite3.SQLITE_BUSY and not _has_locks(path.parent):
                return _connected(path, _WITHOUT_LOCKS, prepare)
            raise


def _remove_links(path: Path) -> None:
    """Remove links that stand where the database belongs: it would be written where they lead."""
    for suffix in ("", *_COMPANIONS):
        file = path.with_name(path.name + suffix)
        if file.is_symlink():
            file.unlink()


def connect_to_read(path: Path, check: Prepare) -> sqlite3.Connection:
    """Open a database as it is at this moment; raises StoreError."""
    with translated(path):
        connection = _connected(path, _TO_READ, check)
        connection.execute("begin")
        return connection


def _connected(path: Path, way: _Way, prepare: Prepare) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.as_uri()}{way.query}", uri=True, isolation_level=None, timeout=PATIENCE_S)
    try:
        for pragma in (*way.pragmas, "synchronous = normal"):
            connection.execute(f"pragma {pragma}")
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _has_locks(folder: Path) -> bool:
    """Tell whether a file system has the locks that SQLite uses; those without say that all is locked."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _NO_LOCKS
    return True


def set_aside(path: Path) -> None:
    """Rename a database that is no good, without the files that SQLite would apply to a new one in its place."""
    try:
        for suffix in _COMPANIONS:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.replace(path.with_suffix(".broken"))
    except OSError as error:
        raise StoreError(path, f"is damaged and can't be renamed: {error.strerror}", _CHECK_FOLDER) from error
