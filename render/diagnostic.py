"""What went wrong, where, and the way out: the one value that all rooms report problems with.

A diagnostic is data, never prose to be parsed: the console, the JSON stream and the cache all take the same value.
It crosses processes and lies in the cache, so it is frozen and holds plain values only.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["error", "warning"]


class Diagnostic(msgspec.Struct, frozen=True, order=True, kw_only=True, gc=False):
    """Say what is wrong at one place of one file.

    `path` is relative to the site, with `/`; `line` and `column` count from 1, 0 where there is none.
    `message` is one lower-case sentence without a full stop; `hint` says what to do.
    `source_line` is the line itself, for a caret under `column`.
    """

    severity: Severity
    path: str
    message: str
    line: int = 0
    column: int = 0
    hint: str = ""
    source_line: str = ""


class LostError(Exception):
    """Something that a page shows is not as it was when the site was made: what is named has to be read again."""


class SourceError(Exception):
    """A source that can't be used; carries the diagnostic that says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic

    def __reduce__(self) -> tuple[type[SourceError], tuple[Diagnostic]]:
        """Survive a pipe between processes."""
        return type(self), (self.diagnostic,)
