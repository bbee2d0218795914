"""The output folder: files come and go in it whole, and only blogd's own (see `ledger`).

A file that stands is replaced by rename, a new one is created directly (its row in the manifest, written after it,
says that it is whole). Temporary files live in one hidden folder of the output, so that leftovers of a crash are found
in one place. Folders are made once, and looked at once between two changes of the site: a symbolic link in the output
is never followed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

LEDGER: Final = ".blogd-files"
TEMPORARY: Final = ".blogd-tmp"

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_ANEW: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK_BYTES: Final = 1 << 26
_FOLDER_GONE: Final = (FileNotFoundError, NotADirectoryError)  # since it was looked at


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
        try:
            return self._write(target, data, replace=replace)
        except _FOLDER_GONE:
            self.forget_folders()
            return self._write(target, data, replace=replace)

    def copy(self, source: str, path: str, *, replace: bool, progress: Callable[[], None]) -> tuple[int, int]:
        """Copy a file and give its (size, mtime_ns); `progress` is called now and then."""
        target = f"{self.root}/{path}"
        if not replace and os.path.lexists(target):
            raise _stranger(path)
        try:
            return self._copy(source, target, progress)
        except _FOLDER_GONE:
            self.forget_folders()
            return self._copy(source, target, progress)

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that it leaves empty."""
        target = f"{self.root}/{path}"
        if not self._is_inside(os.path.dirname(target)):
            return
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if not stat.S_ISDIR(os.lstat(target).st_mode):  # a folder is not what stood there
                os.unlink(target)
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
        """Remove temporary files, which no run needs any more, as far as that can be done."""
        self.forget_folders()
        folder = f"{self.root}/{TEMPORARY}"
        with contextlib.suppress(OSError):
            if os.path.islink(folder):
                os.unlink(folder)
                return
            for name in os.listdir(folder):
                os.unlink(f"{folder}/{name}")
            os.rmdir(folder)

    def _write(self, target: str, data: bytes, *, replace: bool) -> tuple[int, int]:
        self._make_folder(os.path.dirname(target))
        if not replace:
            return self._create(target, data)
        with self._temporary_file() as file:
            write_all(file, data)
            found = _stat(file)
        self._put_in_place(target)
        return found

    def _copy(self, source: str, target: str, progress: Callable[[], None]) -> tuple[int, int]:
        self._make_folder(os.path.dirname(target))
        with open(source, "rb") as reader, self._temporary_file() as file:
            _copy_bytes(reader.fileno(), file, progress)
            found = _stat(file)
        self._put_in_place(target)
        return found

    def _create(self, target: str, data: bytes) -> tuple[int, int]:
        """Write a file where none stands."""
        try:
            file = os.open(target, _NEW, 0o666)
        except FileExistsError as error:
            raise _stranger(os.path.relpath(target, self.root)) from error
        try:
            write_all(file, data)
            return _stat(file)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(target)
            raise
        finally:
            os.close(file)

    @contextlib.contextmanager
    def _temporary_file(self) -> Generator[int]:
        self._make_folder(os.path.dirname(self._temporary))
        file = os.open(self._temporary, _ANEW, 0o666)
        try:
            yield file
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
            raise
        finally:
            os.close(file)

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
        self._folders = {os.path.dirname(self.root)}


def digest(data: bytes) -> bytes:
    """Give the digest by which files are compared."""
    return hashlib.blake2b(data, digest_size=16).digest()


def digest_of(path: Path) -> bytes:
    """Give the digest of a file, b'' if there is none to read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except (OSError, ValueError):
        return b""


def _stranger(path: str) -> OutputError:
    return OutputError(f"{path} stands in the output, but blogd did not write it", "move it away, or delete it")


def write_all(file: int, data: bytes) -> None:
    """Write all of some bytes to a file descriptor."""
    done = os.write(file, data)
    while done < len(data):
        done += os.write(file, data[done:])


def _copy_bytes(source: int, target: int, progress: Callable[[], None]) -> None:
    """Copy a file's bytes; where the file system can share them, it does."""
    if hasattr(os, "copy_file_range"):
        with contextlib.suppress(OSError):
            while os.copy_file_range(source, target, _CHUNK_BYTES):
                progress()
            return
        os.lseek(source, 0, os.SEEK_SET)
        os.ftruncate(target, 0)
        os.lseek(target, 0, os.SEEK_SET)
    while chunk := os.read(source, 1 << 20):
        write_all(target, chunk)
        progress()


def _stat(file: int) -> tuple[int, int]:
    found = os.fstat(file)
    return found.st_size, found.st_mtime_ns
