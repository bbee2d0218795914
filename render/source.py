"""The text of a source file: its encoding, its lines, and findings that point into it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from blogd.render.diagnostic import Diagnostic, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blogd.render.diagnostic import Severity

MAX_FINDINGS = 20
BOM = b"\xef\xbb\xbf"

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_SHOWN = 200


class Source(msgspec.Struct, frozen=True):
    """A text, or the part of one that starts on line `first_line` of the file `path`."""

    path: str
    text: str
    first_line: int = 1

    def finding(self, severity: Severity, line: int, message: str, hint: str = "", *, column: int = 1) -> Diagnostic:
        """Say what is wrong at a line of the file; the line itself is cut where nobody would read on."""
        lines = _LINE_BREAK.split(self.text)
        index = line - self.first_line
        shown = lines[index][:_SHOWN] if 0 <= index < len(lines) else ""
        return Diagnostic(
            severity=severity,
            path=self.path,
            line=line,
            column=column,
            message=message,
            hint=hint,
            source_line=shown,
        )

    def error(self, line: int, message: str, hint: str = "", *, column: int = 1) -> SourceError:
        """Say why the file can't be used."""
        return SourceError(self.finding("error", line, message, hint, column=column))


class Findings:
    """What is noticed in one file, in order, up to a number after which more would help nobody."""

    def __init__(self, source: Source, noted: Iterable[Diagnostic] = ()) -> None:
        self.source = source
        self.noted = list(noted)

    @property
    def is_full(self) -> bool:
        """Tell whether what comes is no longer noted."""
        return len(self.noted) >= MAX_FINDINGS

    def warn(self, line: int, message: str, hint: str = "", *, column: int = 1) -> None:
        """Note what is odd at a line of the file."""
        if not self.is_full:
            self.noted.append(self.source.finding("warning", line, message, hint, column=column))


def count_breaks(data: bytes, end: int) -> int:
    """Count the line breaks (LF, CRLF, lone CR) before a byte."""
    return data.count(b"\n", 0, end) + data.count(b"\r", 0, end) - data.count(b"\r\n", 0, end)


def decode(path: str, data: bytes, first_line: int = 1) -> tuple[Source, tuple[Diagnostic, ...]]:
    """Decode UTF-8; whatever is not becomes U+FFFD, and the first such byte is told."""
    try:
        return Source(path, data.decode(), first_line), ()
    except UnicodeDecodeError as error:
        source = Source(path, data.decode(errors="replace"), first_line)
        before = data[: error.start].decode()
        warning = source.finding(
            "warning",
            first_line + count_breaks(data, error.start),
            f"byte 0x{data[error.start]:02X} is not UTF-8 and is read as U+FFFD",
            "save the file in UTF-8",
            column=len(before) - max(before.rfind("\n"), before.rfind("\r")),
        )
        return source, (warning,)
