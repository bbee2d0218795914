"""The output folder: files come and go in it whole, and only blogd's own.

A file that stands is replaced by rename, a new one is created directly (its row in the manifest, written after it,
says that it is whole). Temporary files live in one hidden folder of the output, so that leftovers of a crash are found
in one place. Folders are made once, and looked at once: a symbolic link among them is never followed.

Which files are blogd's is written down in the output folder itself, in `LEDGER`: one path a line, sorted. A cache that
is lost does not turn pages into strangers, nor strangers into pages.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LEDGER: Final = ".blogd-files"
TEMPORARY: Final = ".blogd-tmp"


class OutputError(Exception):
    """A file can't be written; the message says why, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Output:
    """Write and remove files below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root)
        self._folders = {self.root}
        self._temporary = f"{self.root}/{TEMPORARY}/{os.getpid()}"

    def write(self, path: str, data: bytes, *, replace: bool) -> tuple[int, int]:
        """Write a file and give its (size, mtime_ns); `replace`: one that stands there may go."""
        target = f"{self.root}/{path}"
        self._make_folder(os.path.dirname(target))
        file = self._create(target, replace=replace)
        if file is not None:
            with contextlib.closing(_Closer(file)):
                _write_all(file, data)
                return _stat(file)
        file = os.open(self._temporary_path(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        with contextlib.closing(_Closer(file)):
            _write_all(file, data)
            found = _stat(file)
        self._put_in_place(target)
        return found

    def copy(self, source: str, path: str, *, replace: bool) -> tuple[int, int]:
        """Copy a file and give its (size, mtime_ns)."""
        target = f"{self.root}/{path}"
        self._make_folder(os.path.dirname(target))
        if os.path.lexists(target) and not replace:
            raise _stranger(path)
        with open(source, "rb") as reader:
            file = os.open(self._temporary_path(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
            with contextlib.closing(_Closer(file)):
                _copy_bytes(reader.fileno(), file)
                found = _stat(file)
        self._put_in_place(target)
        return found

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that it leaves empty."""
        target = f"{self.root}/{path}"
        if not self._is_inside(os.path.dirname(target)):
            return
        try:
            os.unlink(target)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except IsADirectoryError as error:
            raise OutputError(f"{path} is a folder now", "move the folder away") from error
        self._prune(os.path.dirname(target))

    def _prune(self, folder: str) -> None:
        while folder != self.root:
            self._folders.discard(folder)
            try:
                os.rmdir(folder)
            except OSError:
                return
            folder = os.path.dirname(folder)

    def sweep(self) -> None:
        """Remove the temporary files of runs that ended early."""
        folder = f"{self.root}/{TEMPORARY}"
        if os.path.islink(folder):
            os.unlink(folder)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for name in os.listdir(folder):
                os.unlink(f"{folder}/{name}")
            os.rmdir(folder)

    def _create(self, target: str, *, replace: bool) -> int | None:
        """Create a new file; None where a file stands that may be replaced."""
        if replace:
            return None
        try:
            return os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError as error:
            raise _stranger(os.path.relpath(target, self.root)) from error

    def _temporary_path(self) -> str:
        self._make_folder(os.path.dirname(self._temporary))
        return self._temporary

    def _put_in_place(self, target: str) -> None:
        try:
            os.replace(self._temporary, target)
        except (IsADirectoryError, NotADirectoryError) as error:
            os.unlink(self._temporary)
            shown = os.path.relpath(target, self.root)
            raise OutputError(f"a folder stands where {shown} belongs", "move the folder away") from error

    def _make_folder(self, folder: str) -> None:
        if folder in self._folders:
            return
        self._make_folder(os.path.dirname(folder))
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                shown = os.path.relpath(folder, self.root)
                raise OutputError(
                    f"{shown} in the output is a file or a link where a folder belongs", "move it away"
                ) from None
        self._folders.add(folder)

    def _is_inside(self, folder: str) -> bool:
        return os.path.realpath(folder) == folder

    def forget_folders(self) -> None:
        """Look at folders again: somebody else may have removed them."""
        self._folders = {self.root}


def digest(data: bytes) -> bytes:
    """Give the digest by which files are compared."""
    return hashlib.blake2b(data, digest_size=16).digest()


def read_ledger(root: str) -> set[str]:
    """Give the paths that blogd wrote below an output folder."""
    try:
        lines = _read(f"{root}/{LEDGER}").split("\n")
    except OSError:
        return set()
    return {_unescape(line) for line in lines if line and not line.startswith("/") and ".." not in line.split("/")}


def write_ledger(root: str, paths: Iterable[str]) -> None:
    """Write down which files are blogd's."""
    text = "".join(f"{_escape(path)}\n" for path in sorted(paths))
    with open(f"{root}/{LEDGER}.new", "wb") as file:
        file.write(text.encode("utf-8", "replace"))
    os.replace(f"{root}/{LEDGER}.new", f"{root}/{LEDGER}")


def _escape(path: str) -> str:
    return path.replace("%", "%25").replace("\n", "%0A")


def _unescape(line: str) -> str:
    return line.replace("%0A", "\n").replace("%25", "%")


def _read(path: str) -> str:
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")


def _stranger(path: str) -> OutputError:
    return OutputError(f"{path} stands in the output, but blogd did not write it", "move it away, or delete it")


class _Closer:
    def __init__(self, file: int) -> None:
        self._file = file

    def close(self) -> None:
        os.close(self._file)


def _write_all(file: int, data: bytes) -> None:
    done = os.write(file, data)
    while done < len(data):
        done += os.write(file, data[done:])


def _copy_bytes(source: int, target: int) -> None:
    """Copy a file's bytes; where the file system can share them, it does."""
    if hasattr(os, "copy_file_range"):
        with contextlib.suppress(OSError):
            while os.copy_file_range(source, target, 1 << 30):
                pass
            return
        os.lseek(source, 0, os.SEEK_SET)
        os.ftruncate(target, 0)
        os.lseek(target, 0, os.SEEK_SET)
    while chunk := os.read(source, 1 << 20):
        _write_all(target, chunk)


def _stat(file: int) -> tuple[int, int]:
    found = os.fstat(file)
    return found.st_size, found.st_mtime_ns
