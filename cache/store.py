"""The database of one output folder: what its sources said, and what its pages were made of.

One SQLite file in WAL mode with one connection and one writer, the coordinator. It is a cache: whatever is wrong with
it (damaged, of another version, not a database), it is set aside and begun anew, and the run says so.

Order of writes. A page's row is written after its file, and marked stale before its file is touched again: a crash at
any point leaves pages that are made once more, never one that is believed and wrong.
"""

from __future__ import annotations

import contextlib
import sqlite3
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec

from blogd.cache.reasons import Cause
from blogd.render.diagnostic import Diagnostic
from blogd.render.routes import PageKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from blogd.render.reads import Entity

SCHEMA: Final = "2"
DATABASE: Final = "cache.db"

CLEAN: Final = 0  # as its row says
STALE: Final = 1  # to be rendered
FAILED: Final = 2  # could not be rendered; an older file may stand

_encode = msgspec.msgpack.Encoder().encode
_diagnostics = msgspec.msgpack.Decoder(tuple[Diagnostic, ...]).decode
_key = msgspec.msgpack.Decoder(tuple[str | int, ...]).decode


class SourceRow(msgspec.Struct, gc=False):
    """A source as it was last read. `failed`: it can't be used, and `record` is of an older version, if any."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    digest: bytes
    failed: bool = False
    record: bytes | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


class PageRow(msgspec.Struct, gc=False):
    """An output as it was last made. `reads` is an array of (entity id, mask) pairs, `shared` names a further set.

    `reason` says why it was made (see `reasons`), or why it has to be; `made_s` when, in seconds since 1970, 0: never.
    """

    id: int
    path: str
    key: PageKey
    digest: bytes = b""
    size: int = -1
    mtime_ns: int = 0
    state: int = STALE
    shared: int = 0
    reads: bytes = b""
    diagnostics: tuple[Diagnostic, ...] = ()
    reason: int = Cause.UNKNOWN
    made_s: int = 0


class Store:
    """An open database. `reset` says why it was begun anew, '' if it wasn't.

    `read_only`: see it as it is at this moment, whoever writes to it; raises sqlite3.DatabaseError if it can't be used.
    """

    def __init__(self, folder: Path, version: str, *, read_only: bool = False) -> None:
        self.path = folder / DATABASE
        self.reset = ""
        if read_only:
            self._connection = self._open_to_read()
            return
        try:
            self._connection = self._open(version)
        except sqlite3.DatabaseError as error:
            self._set_aside(str(error))
            self._connection = self._open(version)

    def _open(self, version: str) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=5)
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            connection.executescript(files(__package__ or "blogd.cache").joinpath("store.sql").read_text("utf-8"))
            found = connection.execute("select value from meta where name = 'schema'").fetchone()
            _check(found)
            connection.execute("insert or ignore into meta values ('schema', ?)", (SCHEMA,))
            self._adopt(connection, version)
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_to_read(self) -> sqlite3.Connection:
        connection = sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5)
        try:
            connection.execute("begin")
            _check(connection.execute("select value from meta where name = 'schema'").fetchone())
        except BaseException:
            connection.close()
            raise
        return connection

    def _adopt(self, connection: sqlite3.Connection, version: str) -> None:
        """Make all pages stale if they were made by other versions of what makes them."""
        found = connection.execute("select value from meta where name = 'version'").fetchone()
        if found is None or found[0] != version:
            connection.execute("begin immediate")
            connection.execute("update pages set state = ?, reason = ?", (STALE, Cause.VERSION))
            connection.execute("insert or replace into meta values ('version', ?)", (version,))
            connection.execute("commit")

    def _set_aside(self, reason: str) -> None:
        self.reset = reason
        self.path.replace(self.path.with_suffix(".broken"))
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done inside at once, or nothing of it."""
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    # Named values.

    def get(self, name: str) -> bytes | None:
        """Give a named value."""
        found = self._connection.execute("select value from meta where name = ?", (name,)).fetchone()
        return bytes(found[0]) if found else None

    def put(self, name: str, value: bytes) -> None:
        """Set a named value."""
        self._connection.execute("insert or replace into meta values (?, ?)", (name, value))

    # Sources.

    def sources(self) -> dict[str, SourceRow]:
        """Give all sources, without their records."""
        rows = self._connection.execute("select path, size, mtime_ns, inode, digest, failed, diagnostics from sources")
        return {
            path: SourceRow(path, size, mtime, inode, digest, bool(failed), None, _diagnostics(found) if found else ())
            for path, size, mtime, inode, digest, failed, found in rows
        }

    def records(self) -> Iterator[tuple[str, bytes, bool]]:
        """Give the records of all sources that have one: path, record, whether it is of an older version."""
        rows = self._connection.execute("select path, record, failed from sources where record is not null")
        return ((path, record, bool(failed)) for path, record, failed in rows)

    def record(self, path: str) -> bytes | None:
        """Give the record of one source."""
        found = self._connection.execute("select record from sources where path = ?", (path,)).fetchone()
        return found[0] if found else None

    def put_record(self, path: str, record: bytes) -> None:
        """Replace the record of one source."""
        self._connection.execute("update sources set record = ? where path = ?", (record, path))

    def put_sources(self, rows: Iterable[SourceRow]) -> None:
        """Write sources."""
        self._connection.executemany(
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
                    _encode(row.diagnostics) if row.diagnostics else None,
                )
                for row in rows
            ),
        )

    def delete_sources(self, paths: Iterable[str]) -> None:
        """Forget sources."""
        self._connection.executemany("delete from sources where path = ?", ((path,) for path in paths))

    # Pages.

    def pages(self) -> Iterator[PageRow]:
        """Give all pages, without what they read."""
        rows = self._connection.execute(
            "select id, path, key, digest, size, mtime_ns, state, shared, diagnostics, reason, made_s from pages"
        )
        for number, path, key, digest, size, mtime, state, shared, found, *made in rows:
            diagnostics = _diagnostics(found) if found else ()
            yield PageRow(number, path, _key(key), digest, size, mtime, state, shared, b"", diagnostics, *made)

    def reads(self) -> Iterator[tuple[int, bytes]]:
        """Give what all pages read, by id."""
        yield from self._connection.execute("select id, reads from pages")

    def entities(self) -> Iterator[tuple[int, Entity]]:
        """Give all entities by id."""
        return ((number, _key(entity)) for number, entity in self._connection.execute("select * from entities"))

    def shared_reads(self) -> Iterator[tuple[int, bytes]]:
        """Give the sets of reads that pages share, by id."""
        yield from self._connection.execute("select * from shared_reads")

    def put_pages(self, rows: Iterable[PageRow]) -> None:
        """Write pages."""
        self._connection.executemany(
            "insert or replace into pages values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    row.id,
                    row.path,
                    _encode(row.key),
                    row.digest,
                    row.size,
                    row.mtime_ns,
                    row.state,
                    row.shared,
                    row.reads,
                    _encode(row.diagnostics) if row.diagnostics else None,
                    row.reason,
                    row.made_s,
                )
                for row in rows
            ),
        )

    def mark_stale(self, rows: Iterable[PageRow]) -> None:
        """Note that pages are to be rendered, and why."""
        marks = ((STALE, row.reason, row.id) for row in rows)
        self._connection.executemany("update pages set state = ?, reason = ? where id = ?", marks)

    def delete_pages(self, ids: Iterable[int]) -> None:
        """Forget pages."""
        self._connection.executemany("delete from pages where id = ?", ((number,) for number in ids))

    def put_entities(self, entities: Iterable[tuple[int, Entity]]) -> None:
        """Write new entities."""
        rows = ((number, _encode(entity)) for number, entity in entities)
        self._connection.executemany("insert or replace into entities values (?, ?)", rows)

    def put_shared_reads(self, sets: Iterable[tuple[int, bytes]]) -> None:
        """Write new sets of shared reads."""
        self._connection.executemany("insert or replace into shared_reads values (?, ?)", sets)


def _check(found: tuple[str] | None) -> None:
    if found is not None and found[0] != SCHEMA:
        raise sqlite3.DatabaseError(f"its format is {found[0]}, not {SCHEMA}")


def _signed(number: int) -> int:
    """Fit an inode number, which may have 64 bits, into SQLite's signed integers."""
    return number - (1 << 64) if number >= 1 << 63 else number
