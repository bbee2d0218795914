"""What becomes of an output and a cache between two runs, by hand, by a power cut or by a strange file system.

A run says what is in its way, and once that is gone the next one gives what a clean build gives.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import pytest

from blogd.cache import database
from blogd.daemon.exits import ExitCode
from tests.faults.world import TODAY, Scene, World, certainty, run
from tests.support import read_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PAGE: Final = "2024/01/01/one/index.html"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A site that was built today."""
    with certainty(tmp_path / "code"):
        made = World(tmp_path, Scene.COLD)
        made.restore()
        assert run(made.ground, TODAY).code == ExitCode.DONE
        yield made


def cache_of(world: World) -> Path:
    (path,) = (world.ground.root / ".blogd").glob("*/cache.db")
    return path


def _edit(out: Path) -> None:
    path = out / PAGE
    path.write_bytes(path.read_bytes().replace(b"Words", b"Lies!"))


def _empty(out: Path) -> None:
    for path in out.rglob("*.html"):
        stat = path.stat()
        os.truncate(path, 0)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _link(out: Path) -> None:
    (out / PAGE).unlink()
    (out / PAGE).symlink_to("/etc/passwd")


def _replace_by_folder(out: Path) -> None:
    (out / PAGE).unlink()
    (out / PAGE).mkdir()


BY_HAND: Final[dict[str, Callable[[Path], object]]] = {
    "edited": _edit,
    "emptied, as by a power cut": _empty,
    "deleted": lambda out: (out / PAGE).unlink(),
    "folder deleted": lambda out: shutil.rmtree(out / "2024"),
    "all deleted": shutil.rmtree,
    "ledger deleted": lambda out: (out / ".blogd-files").unlink(),
    "ledger emptied": lambda out: os.truncate(out / ".blogd-files", 0),
    "ledger cut short": lambda out: os.truncate(out / ".blogd-files", 20),
    "a link instead": _link,
}


@pytest.mark.parametrize("what", BY_HAND)
def test_what_was_done_to_the_output_is_undone(world: World, what: str) -> None:
    BY_HAND[what](world.out)
    world.check_repaired(what)


def test_a_folder_in_the_place_of_a_page_is_told_and_left(world: World) -> None:
    _replace_by_folder(world.out)
    (world.out / PAGE / "mine").write_text("mine")
    ended = run(world.ground, TODAY)

    assert ended.code == ExitCode.FAILED
    assert [(found.message, found.hint) for found in ended.findings] == [
        (f"a folder stands where {PAGE} belongs", "move the folder away")
    ]
    assert (world.out / PAGE / "mine").read_text() == "mine"
    shutil.rmtree(world.out / PAGE)
    world.check_repaired("the folder is gone")


def test_a_file_in_the_place_of_a_folder_is_told_and_left(world: World) -> None:
    shutil.rmtree(world.out / "2024")
    (world.out / "2024").write_text("mine")
    ended = run(world.ground, TODAY)

    assert ended.code == ExitCode.FAILED
    assert {found.message for found in ended.findings} == {
        "2024 in the output is a file or a link where a folder belongs"
    }
    assert (world.out / "2024").read_text() == "mine"
    (world.out / "2024").unlink()
    world.check_repaired("the file is gone")


def test_a_read_only_output_is_told(world: World) -> None:
    for path in ("posts/one.md", "posts/two.md"):
        world.ground.write(path, world.ground.read(path) + b"More.\n")
    before = read_tree(world.out)

    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with (
        patch.object(os, "replace", refuse),
        patch.object(os, "mkdir", refuse),
        patch("blogd.daemon.output.write_all", refuse),
    ):
        ended = run(world.ground, TODAY)

    assert ended.code == ExitCode.FAILED
    assert any("read-only file system" in found.message and found.hint for found in ended.findings)
    assert read_tree(world.out) == before
    world.reconsider()
    world.check_repaired("it can be written again")


def _set_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update meta set value = '999' where name = 'schema'")
        connection.commit()


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xa5" * 5000)


def _to_bodies(path: Path, deed: Callable[[Path], object]) -> None:
    for body in path.parent.glob("bodies/*"):
        deed(body)


DAMAGES: Final[dict[str, Callable[[Path], object]]] = {
    "deleted": lambda path: path.unlink(),
    "emptied": lambda path: os.truncate(path, 0),
    "cut short": lambda path: os.truncate(path, path.stat().st_size // 2),
    "cut to a header": lambda path: os.truncate(path, 100),
    "cut within a page": lambda path: os.truncate(path, 5000),
    "overwritten": _overwrite,
    "no database": lambda path: path.write_bytes(b"no database" * 1000),
    "of a newer version": _set_version,
    "bodies deleted": lambda path: _to_bodies(path, Path.unlink),
    "bodies cut short": lambda path: _to_bodies(path, lambda body: os.truncate(body, 10)),
    "bodies overwritten": lambda path: _to_bodies(path, lambda body: body.write_bytes(b"\xa5" * body.stat().st_size)),
    "search deleted": lambda path: shutil.rmtree(path.parent / "search"),
}


@pytest.mark.parametrize("what", DAMAGES)
@pytest.mark.parametrize("is_edited", [False, True])
def test_a_damaged_cache_is_made_anew(world: World, what: str, *, is_edited: bool) -> None:
    DAMAGES[what](cache_of(world))
    if is_edited:
        world.ground.write("posts/two.md", world.ground.read("posts/two.md") + b"More.\n")
        world.reconsider()
    world.check_repaired(what)


@pytest.mark.parametrize("older", ["html", ".blogd"])
def test_an_output_and_a_cache_of_different_times_are_reconciled(world: World, older: str) -> None:
    folder = world.ground.root / older
    shutil.copytree(folder, world.folder / "older")
    world.ground.write("posts/one.md", world.ground.read("posts/one.md").replace(b"One", b"Eins"))
    world.ground.delete("posts/two.md")
    run(world.ground, TODAY)
    shutil.rmtree(folder)
    shutil.copytree(world.folder / "older", folder)
    world.reconsider()
    world.check_repaired(f"an older {older}")


def test_a_locked_cache_is_told(world: World) -> None:
    world.ground.write("posts/two.md", world.ground.read("posts/two.md") + b"More.\n")
    with closing(sqlite3.connect(cache_of(world), isolation_level=None)) as connection:
        connection.execute("begin immediate")
        with patch.object(database, "PATIENCE_S", 0.01):
            ended = run(world.ground, TODAY)

    assert ended.code == ExitCode.FAILED
    (found,) = ended.findings
    assert (found.message, found.hint) == ("database is locked", "close the program that has it open")


def test_a_folder_in_the_place_of_the_cache_is_told(world: World) -> None:
    cache = cache_of(world)
    cache.unlink()
    cache.mkdir()
    ended = run(world.ground, TODAY)

    assert ended.code == ExitCode.FAILED
    assert {found.message for found in ended.findings} == {"unable to open database file"}
    assert all(found.path == str(cache) and found.hint for found in ended.findings)
    cache.rmdir()
    world.check_repaired("the folder is gone")


class _Strange(sqlite3.Connection):
    """A connection to a file on a file system that lacks something."""

    code = 0

    def execute(self, sql: str, *arguments: Iterable[object]) -> sqlite3.Cursor:  # type: ignore[override]
        if sql == "pragma journal_mode = wal":
            error = sqlite3.OperationalError("not here")
            error.sqlite_errorcode = self.code
            raise error
        return super().execute(sql, *arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "code",
    [sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL],
)
def test_a_file_system_without_shared_memory_is_good_enough(world: World, code: int) -> None:
    _Strange.code = code
    with patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=_Strange)):
        world.check_repaired("without shared memory")


def test_a_file_system_without_locks_is_good_enough(world: World) -> None:
    _Strange.code = sqlite3.SQLITE_BUSY

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    with (
        patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=_Strange)),
        patch.object(fcntl, "lockf", refuse),
        patch.object(fcntl, "flock", refuse),
    ):
        world.check_repaired("without locks")
