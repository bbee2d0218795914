"""One blogd at a time on one output folder: a lock that the system lets go when the processes end, however they end.

Forked workers hold it too: who comes next does not begin before the last of them is gone. They end with their
coordinator, so that takes a moment at most, for which the next one waits.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from blogd.daemon.exits import RefusalError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

PATIENCE_S: Final = 2.0
_STEP_S: Final = 0.02
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


@contextmanager
def held(path: Path, out: Path, note: Callable[[str], None] = lambda _: None) -> Generator[None]:
    """Hold the lock file while inside; RefusalError says who holds it. Where there are no locks, `note` is told."""
    file = _open(path)
    try:
        try:
            _lock(file, out)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise RefusalError(f"{path}: can't be locked: {error.strerror}", _hint(path)) from error
            note("the file system of the cache has no locks: make sure that no other blogd writes this output")
        with suppress(OSError):  # it only serves to name the holder
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(file)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise RefusalError(f"{path}: can't be written: {error.strerror}", _hint(path)) from error


def _hint(path: Path) -> str:
    return f"the cache has to be writable: see to {path.parent}, or remove it"


def _lock(file: int, out: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip()
            if _is_alive(holder) or time.monotonic() > deadline:
                raise RefusalError(
                    f"{out} is being written by another blogd (process {holder or 'unknown'})",
                    "wait for it, stop it, or give this one a folder of its own: --out DIR",
                ) from None
            time.sleep(_STEP_S)  # the kernel can wait for a lock, but not for a while only
        else:
            return


def _is_alive(holder: str) -> bool:
    """Tell whether a process runs; one that has ended and that nobody has asked for its exit code doesn't."""
    try:
        os.kill(int(holder), 0)
        with open(f"/proc/{holder}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in {b"Z", b"X"}
    except (ValueError, ProcessLookupError):
        return False
    except OSError:  # it is somebody else's, or the system has no /proc
        return True
