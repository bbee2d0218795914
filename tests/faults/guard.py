"""An ear on all that this process does to files: what it reads and writes where it has no business.

Python's audit hooks tell of each such call before it is made. They can't be taken off, so there is one, which listens
while a `guarded` block is running.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

_CHANGING: Final = {
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.rename": (0, 1),
    "os.link": (0, 1),
    "os.symlink": (1,),
    "os.chmod": (0,),
    "os.utime": (0,),
    "os.truncate": (0,),
    "shutil.rmtree": (0,),
}
_LISTING: Final = frozenset({"os.listdir", "os.scandir"})
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class _Guard:
    """Notes reading in `world` outside `readable`, and changes anywhere but in `writable`; all are real paths."""

    def __init__(self, world: str, readable: list[str], writable: list[str]) -> None:
        self.trespasses: list[str] = []
        self._world = world
        self._readable = readable
        self._writable = writable

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            assert isinstance(flags, int)
            real = _real(path, follows=not flags & (os.O_NOFOLLOW | os.O_EXCL))
            self._judge(event, real, is_change=bool(flags & _WRITING))
        elif event == "sqlite3.connect":
            self._judge(event, _real(str(arguments[0]).removeprefix("file://").partition("?")[0]), is_change=True)
        elif event in _LISTING:
            self._judge(event, _real(arguments[0] or "."), is_change=False)
        else:
            folder = -1 if event == "os.truncate" else arguments[-1]
            for position in _CHANGING.get(event, ()):
                self._judge(event, _real(arguments[position], folder, follows=False), is_change=True)

    def _judge(self, event: str, real: str, *, is_change: bool) -> None:
        if is_change:
            is_fine = real in {"", os.devnull} or _is_in(real, self._writable)
        else:
            is_fine = not _is_in(real, [self._world]) or _is_in(real, self._readable)
        if not is_fine:
            self.trespasses.append(f"{event} {real}")


_guards: list[_Guard] = []


@contextmanager
def guarded(world: Path, readable: Iterable[Path], writable: Iterable[Path]) -> Generator[list[str]]:
    """Give the list of trespasses, which fills while the block runs.

    They are: reading a file of `world` outside `readable`, and changing any file that isn't in `writable`.
    """
    guard = _Guard(os.path.realpath(world), [*map(os.path.realpath, readable)], [*map(os.path.realpath, writable)])
    _guards.append(guard)
    try:
        yield guard.trespasses
    finally:
        _guards.remove(guard)


def _real(path: object, folder: object = -1, *, follows: bool = True) -> str:
    """Give the real path that a call is about; '' for an open file, and for what can be no file's name."""
    if isinstance(path, int):
        return os.readlink(f"/proc/self/fd/{path}") if os.path.isdir(f"/proc/self/fd/{path}") else ""
    assert isinstance(path, str | bytes | Path)
    name = os.fsdecode(path)
    if "\0" in name:
        return ""
    if isinstance(folder, int) and folder >= 0:
        name = f"/proc/self/fd/{folder}/{name}"
    if follows:
        return os.path.realpath(name)
    parent, _, last = name.rstrip("/").rpartition("/")
    return f"{os.path.realpath(parent or ('/' if name.startswith('/') else '.')).rstrip('/')}/{last}"


def _is_in(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    for guard in _guards:
        guard.hear(event, arguments)


sys.addaudithook(_listen)
