"""Which files of an output folder are blogd's, written down in the folder itself: one path a line.

A cache that is lost does not turn pages into strangers, nor strangers into pages. A path is entered before its file is
made, and only if nothing stands there; it is taken out after its file is gone. While a run works it appends; when it
is done it writes the paths down anew, sorted. So a run that is killed leaves paths too many at most, of files that are
not there. A last line that was cut short has no line break, and doesn't count.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, Final

from blogd.daemon.output import LEDGER, Output, OutputError, write_all

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from collections.abc import Set as AbstractSet

_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_FILE: Final = frozenset({errno.ENOENT, errno.ELOOP, errno.EISDIR})


class Ledger:
    """The paths of blogd's files below an output folder. `claim` and `tidy` raise OutputError."""

    def __init__(self, output: Output) -> None:
        self._output = output
        text = _read(output.root)
        self._paths = _parse(text)
        self._is_tidy = text == _text(self._paths)
        self._is_whole = text.endswith("\n")

    def __contains__(self, path: str) -> bool:
        return path in self._paths

    def beyond(self, known: Iterable[str]) -> set[str]:
        """Give the paths that are not among those known."""
        return self._paths.difference(known)

    def look(self, busy: AbstractSet[str]) -> None:
        """Begin anew, but for what is being made, if the ledger is gone: others may stand where its files were."""
        if self._is_whole and not os.path.lexists(f"{self._output.root}/{LEDGER}"):
            self._paths &= busy
            self._is_tidy = self._is_whole = False

    def add(self, path: str) -> None:
        """Enter a file that is known to be blogd's."""
        if path not in self._paths:
            self._paths.add(path)
            self._is_tidy = False

    def claim(self, paths: Iterable[str]) -> None:
        """Enter files that are about to be made, but not those that somebody else has made."""
        root = self._output.root
        new = [path for path in paths if path not in self._paths and not os.path.lexists(f"{root}/{path}")]
        if new:
            self._is_tidy = False
            self._append(new)
            self._paths.update(new)

    def forget(self, path: str) -> None:
        """Take a path out, at the latest when the ledger is tidied."""
        if path in self._paths:
            self._paths.discard(path)
            self._is_tidy = False

    def tidy(self) -> None:
        """Write down the paths there are, unless that is what is written."""
        if not self._is_tidy:
            self._write(self._paths)
            self._is_tidy = True

    def _append(self, paths: list[str]) -> None:
        if self._is_whole:
            self._is_whole = False
            with _explained():
                self._is_whole = _append_to(f"{self._output.root}/{LEDGER}", _text(paths))
        if not self._is_whole:
            self._write({*self._paths, *paths})

    def _write(self, paths: Iterable[str]) -> None:
        with _explained():
            self._output.write(LEDGER, _encoded(_text(paths)), replace=True)
        self._is_whole = True


def read_ledger(root: str) -> set[str]:
    """Give the paths that blogd wrote below an output folder."""
    return _parse(_read(root))


def _read(root: str) -> str:
    with contextlib.suppress(OSError):
        file = os.open(f"{root}/{LEDGER}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(file, "rb") as reader:
            return reader.read().decode("utf-8", "replace")
    return ""


def _append_to(path: str, lines: str) -> bool:
    """Append to a ledger; tell whether there is one."""
    try:
        file = os.open(path, _APPEND)
    except OSError as error:
        if error.errno in _NO_FILE:
            return False
        raise
    try:
        write_all(file, _encoded(lines))
    finally:
        os.close(file)
    return True


@contextlib.contextmanager
def _explained() -> Generator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = "check free space and permissions of the output folder"
        raise OutputError(f"{LEDGER} can't be written: {reason}", hint) from error


def _parse(text: str) -> set[str]:
    return {path for line in text.split("\n")[:-1] if _is_sound(path := _unescape(line))}


def _text(paths: Iterable[str]) -> str:
    return "".join(f"{_escape(path)}\n" for path in sorted(paths))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _is_sound(path: str) -> bool:
    """Tell whether a path leads below the folder; who wrote the ledger is not known."""
    return "\0" not in path and not any(part in {"", ".", ".."} for part in path.split("/"))


def _escape(path: str) -> str:
    return path.replace("%", "%25").replace("\n", "%0A")


def _unescape(line: str) -> str:
    return line.replace("%0A", "\n").replace("%25", "%")
