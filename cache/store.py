"""The database of one output folder: what its sources said, and what its pages were made of.

One SQLite file with one connection and one writer, the coordinator. It is a cache: if its content is no good (damaged,
of another version, not a database), it is set aside and begun anew, and the run says so. What can't be read or written
raises StoreError; what is in memory is then ahead of what is written down, and only opening the database again helps.

Order of writes. A page's row is written after its file, and marked stale before its file is touched again: a crash at
any point leaves pages that are made once more, never one that is believed and wrong.
"""

from __future__ import annotations

import contextlib
import sqlite3
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final, cast

import msgspec

from blogd.cache.database import DamagedError, connect, connect_to_read, set_aside, translated
from blogd.cache.reasons import Cause
from blogd.cache.rows import Questions, SourceRow, Step, decode_questions, decode_step, encode
from blogd.render.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

SCHEMA: Final = "6"
DATABASE: Final = "cache.db"

_NAMED: Final = "select value from meta where name = ?"
_ADD_STEP: Final = "insert into steps (outputs, questions) values (?, ?)"
_decode_diagnostics = msgspec.msgpack.Decoder(tuple[Diagnostic, ...]).decode


class Store:
    """An open database; all methods raise StoreError. `reset` says why it was begun anew, '' if it wasn't.

    `read_only`: see it as it is at this moment, whoever writes to it.
    """

    def __init__(self, folder: Path, version: str, *, read_only: bool = False) -> None:
        self.path = folder / DATABASE
        self.reset = ""
        if read_only:
            self._connection = connect_to_read(self.path, partial(_check_schema, path=self.path))
            return
        prepare = partial(_prepare, path=self.path, version=version)
        try:
            self._connection = connect(self.path, prepare)
        except DamagedError as error:
            self.reset = error.reason
            set_aside(self.path)
            self._connection = connect(self.path, prepare)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        """Commit what is done inside at once, or nothing of it."""
        with translated(self.path):
            self._connection.execute("begin immediate")
            try:
                yield
                self._connection.execute("commit")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("rollback")
                raise

    def _value(self, query: str, key: str) -> object:
        """Give the single value that a query with one parameter finds, None if it finds none."""
        with translated(self.path):
            found = self._connection.execute(query, (key,)).fetchone()
        return found[0] if found else None

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with translated(self.path):
            self._connection.executemany(statement, rows)

    def version(self) -> str:
        """Name the versions of what made the pages."""
        return str(self._value(_NAMED, "version"))

    # Named values.

    def get(self, name: str) -> bytes | None:
        """Give a named value."""
        return cast("bytes | None", self._value(_NAMED, name))

    def put(self, name: str, value: bytes) -> None:
        """Set a named value."""
        self._write("insert or replace into meta values (?, ?)", [(name, value)])

    # Sources.

    def sources(self) -> dict[str, SourceRow]:
        """Give all sources, without their records."""
        query = "select path, size, mtime_ns, inode, digest, failed, diagnostics from sources"
        with translated(self.path):
            return {
                path: SourceRow(path, size, mtime, inode, digest, bool(failed), None, _told(found))
                for path, size, mtime, inode, digest, failed, found in self._connection.execute(query)
            }

    def records(self) -> Iterator[tuple[str, bytes, bool]]:
        """Give the records of all sources that have one: path, record, whether it is of an older version."""
        query = "select path, record, failed from sources where record is not null"
        with translated(self.path):
            for path, record, failed in self._connection.execute(query):
                yield path, record, bool(failed)

    def record(self, path: str) -> bytes | None:
        """Give the record of one source."""
        return cast("bytes | None", self._value("select record from sources where path = ?", path))

    def put_record(self, path: str, record: bytes) -> None:
        """Replace the record of one source."""
        self._write("update sources set record = ? where path = ?", [(record, path)])

    def put_sources(self, rows: Iterable[SourceRow]) -> None:
        """Write sources."""
        self._write(
            "insert or replace into sources values (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    row.path,
                    row.size,
                    row.mtime_ns,
                    _signed(row.inode),
                    row.digest,
                    row.failed,
                    row.record,
                    encode(row.diagnostics) if row.diagnostics else None,
                )
                for row in rows
            ),
        )

    def delete_sources(self, paths: Iterable[str]) -> None:
        """Forget sources."""
        self._write("delete from sources where path = ?", ((path,) for path in paths))

    # Outputs.

    def steps(self) -> Iterator[Step]:
        """Give what was done to outputs, in its order."""
        with translated(self.path):
            for (outputs,) in self._connection.execute("select outputs from steps order by number"):
                yield decode_step(outputs)

    def questions(self) -> Iterator[Questions]:
        """Give what outputs asked, in the order in which it came up."""
        with translated(self.path):
            for (questions,) in self._connection.execute("select questions from steps order by number"):
                yield decode_questions(questions)

    def add_step(self, step: Step, questions: Questions) -> None:
        """Write down what is done to outputs."""
        self._write(_ADD_STEP, [(encode(step), encode(questions))])

    def forget_steps(self) -> None:
        """Forget all that was done to outputs, for somebody to tell it in fewer words."""
        self._write("delete from steps", [()])


def _prepare(connection: sqlite3.Connection, path: Path, version: str) -> None:
    """Make the tables, unless they are there, and all pages stale if other versions have made them."""
    connection.executescript(files(__package__ or "blogd.cache").joinpath("store.sql").read_text("utf-8"))
    _check_schema(connection, path)
    connection.execute("begin immediate")
    connection.execute("insert or ignore into meta values ('schema', ?)", (SCHEMA,))
    found = connection.execute(_NAMED, ("version",)).fetchone()
    if found is None or found[0] != version:
        if found is not None:
            connection.execute(_ADD_STEP, (encode(Step(all_stale=Cause.VERSION)), encode(Questions())))
        connection.execute("insert or replace into meta values ('version', ?)", (version,))
    connection.execute("commit")


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute(_NAMED, ("schema",)).fetchone()
    if found is not None and found[0] != SCHEMA:
        raise DamagedError(path, f"another version of blogd made it: its format is {found[0]}, not {SCHEMA}")


def _told(found: bytes | None) -> tuple[Diagnostic, ...]:
    return _decode_diagnostics(found) if found else ()


def _signed(number: int) -> int:
    """Fit an inode number, which may have 64 bits, into SQLite's signed integers."""
    return number - (1 << 64) if number >= 1 << 63 else number
