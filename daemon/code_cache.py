"""Compiled templates on disk, so that no process compiles what another has compiled: one file for each, by its key.

Whatever can't be read, or isn't what was written, counts as absent; what can't be written is compiled again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from shutil import rmtree
from typing import TYPE_CHECKING, Final

from blogd.daemon.output import digest

if TYPE_CHECKING:
    from pathlib import Path

DIGEST_BYTES: Final = 16
MANY: Final = 1000  # files; most of them are of templates that were edited since


class CodeFiles(MutableMapping[bytes, bytes]):
    """Compiled code by key, in a folder; processes may share it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __getitem__(self, key: bytes) -> bytes:
        try:
            with open(self._path(key), "rb") as file:
                stored = file.read()
        except OSError as error:
            raise KeyError(key) from error
        if digest(stored[DIGEST_BYTES:]) != stored[:DIGEST_BYTES]:
            raise KeyError(key)
        return stored[DIGEST_BYTES:]

    def __setitem__(self, key: bytes, value: bytes) -> None:
        path = self._path(key)
        with suppress(OSError):
            os.makedirs(self._folder, exist_ok=True)
            with open(f"{path}.{os.getpid()}", "wb") as file:
                file.write(digest(value) + value)
            os.replace(f"{path}.{os.getpid()}", path)

    def __delitem__(self, key: bytes) -> None:
        with suppress(OSError):
            os.unlink(self._path(key))

    def __iter__(self) -> Iterator[bytes]:
        return (bytes.fromhex(name) for name in sorted(os.listdir(self._folder)) if "." not in name)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _path(self, key: bytes) -> str:
        return f"{self._folder}/{key.hex()}"


def tidy_code(cache: Path, folder: Path) -> None:
    """Remove the folders of other versions, and this one's if it is full."""
    for other in cache.glob("code-*"):
        if other.is_symlink():
            other.unlink()
        elif other != folder or len(os.listdir(other)) > MANY:
            rmtree(other, ignore_errors=True)
