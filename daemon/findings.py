"""What is wrong at the moment, by whom it was found, and what of it has been told.

An *owner* is what a finding hangs on: ("source", path), ("page", path), ("site",) for what files say together,
("scan",) and ("watch",). New findings of an owner replace its earlier ones, so a mended error goes away by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from blogd.render.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blogd.cache.rows import PageRow, SourceRow

Owner = tuple[str, ...]

STORED: Final = (("site",), ("scan",))  # the others stand in the rows of sources and pages

_decode = msgspec.msgpack.Decoder(dict[str, tuple[Diagnostic, ...]]).decode


class Findings:
    """All findings that stand."""

    def __init__(self) -> None:
        self._found: dict[Owner, tuple[Diagnostic, ...]] = {}
        self._told: set[Diagnostic] = set()
        self._inherited: set[Diagnostic] = set()

    def load(self, stored: bytes | None, sources: Iterable[SourceRow], pages: Iterable[PageRow]) -> None:
        """Take in what an earlier run has found."""
        for name, found in (_decode(stored) if stored else {}).items():
            self.replace((name,), found)
        for row in sources:
            self.replace(("source", row.path), row.diagnostics)
        for page in pages:
            self.replace(("page", page.path), page.diagnostics)
        self._inherited = self.standing()

    def dump(self) -> bytes:
        """Give what stands in no row."""
        return msgspec.msgpack.encode({owner[0]: self._found[owner] for owner in STORED if owner in self._found})

    def replace(self, owner: Owner, found: Iterable[Diagnostic]) -> None:
        """Replace what an owner has found."""
        diagnostics = tuple(found)
        if diagnostics:
            self._found[owner] = diagnostics
        else:
            self._found.pop(owner, None)

    def review(self, owner: Owner, paths: Iterable[str], found: Iterable[Diagnostic]) -> None:
        """Replace what an owner has found at some paths and below them."""
        places = tuple(f"{path}/" for path in paths)
        kept = (diagnostic for diagnostic in self.of(owner) if not f"{diagnostic.path}/".startswith(places))
        self.replace(owner, sorted({*kept, *found}))

    def of(self, owner: Owner) -> tuple[Diagnostic, ...]:
        """Give what an owner has found."""
        return self._found.get(owner, ())

    def standing(self) -> set[Diagnostic]:
        """Give all findings, each once."""
        return {diagnostic for found in self._found.values() for diagnostic in found}

    def errors(self) -> int:
        """Count the errors that stand."""
        return sum(diagnostic.severity == "error" for diagnostic in self.standing())

    def failed(self) -> int:
        """Count the sources and outputs that have an error."""
        return sum(any(item.severity == "error" for item in found) for found in self._found.values())

    def take_news(self, *, is_over: bool) -> tuple[list[Diagnostic], list[str]]:
        """Give the findings that have not been told yet, and the files whose errors are gone.

        While work goes on, what an earlier run has found is no news: it may be mended.
        """
        if is_over:
            self._inherited.clear()
        standing = self.standing() - self._inherited
        new = sorted(standing - self._told)
        errors = {item.path for item in standing if item.severity == "error"}
        mended = {item.path for item in self._told - standing if item.severity == "error"} - errors
        self._told = standing
        return new, sorted(mended)
