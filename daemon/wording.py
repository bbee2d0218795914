"""The words of the console: numbers, times, places and sentences, for people; the same in every kind of display.

Everything that comes from files passes through `printable`: a name or a line of text may hold control characters that
would drive the terminal, or bytes that are not UTF-8.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blogd.daemon.events import Built, Difference, Indexed, Verified
    from blogd.render.diagnostic import Diagnostic

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_TAB = "    "


def printable(text: str) -> str:
    """Make a text harmless on a terminal: one line, no control characters, encodable."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\t", _TAB))


def cells(text: str) -> int:
    """Count the columns that a printable text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def clipped(text: str, width: int) -> str:
    """Cut a text to a width in columns; an ellipsis stands for what went from its end."""
    if cells(text) <= width:
        return text
    kept = sum(1 for used in accumulate(map(cells, text)) if used < width)
    return text[:kept] + "…"


def clipped_path(path: str, width: int) -> str:
    """Cut a path to a width in columns from its start: its end says the most."""
    return clipped(path[::-1], width)[::-1]


def number(value: int) -> str:
    """Group the digits: `20,031`."""
    return f"{value:,}"


def counted(value: int, noun: str) -> str:
    """Count a noun whose plural is regular: `1 page`, `3 pages`."""
    return f"{number(value)} {noun}" if value == 1 else f"{number(value)} {noun}s"


def duration(milliseconds: float) -> str:
    """Say how long something took, in two or three digits that matter."""
    seconds = milliseconds / 1000
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02} s"


def countdown(seconds: float) -> str:
    """Say how much time is left: `0:04 left`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} left" if hours else f"{minutes}:{rest:02} left"


def memory(size: int) -> str:
    """Say a size in bytes with three digits."""
    return f"{size / 1e9:.2f} GB" if size >= 999_500_000 else f"{size / 1e6:.0f} MB"


def what_changed(paths: Sequence[str], width: int = 10_000) -> str:
    """Name the first of the changed paths and count the rest, within a width."""
    if not paths:
        return "no source changed"
    more = f" + {number(len(paths) - 1)} more" if len(paths) > 1 else ""
    return clipped_path(printable(paths[0]), width - len(more)) + more


def place(finding: Diagnostic) -> str:
    """Say where: `path:line:column`, as far as known."""
    numbers = [finding.line, finding.column] if finding.line else []
    return ":".join([printable(finding.path), *(str(n) for n in numbers if n)])


def excerpt(finding: Diagnostic, width: int) -> tuple[str, str] | None:
    """Give the source line, cut to a width around the column, and the caret below it ('' without a column)."""
    text = printable(finding.source_line.rstrip())
    if not text.strip():
        return None
    position = len(printable(finding.source_line[: max(0, finding.column - 1)]))
    start = min(len(text) - len(text.lstrip()), position)
    if cells(text[start:position]) >= width:
        start = position - width // 2
        text = f"{text[:start]}…{text[start + 1 :]}"
    caret = " " * cells(text[start:position]) + "^" if finding.column else ""
    return clipped(text[start:], width), caret


def hint(finding: Diagnostic) -> list[str]:
    """Say the way out in a line of its own; what has several lines, as a traceback, is set below the source line."""
    lines = [printable(line) for line in finding.hint.splitlines()]
    return [f"hint: {line}" for line in lines] if len(lines) == 1 else [f"    {line}" for line in lines]


def headline(built: Built) -> str:
    """Say what a build came to: `built 20,031 files in 8.41 s`."""
    files, took = counted(built.pages, "file"), duration(built.elapsed_ms)
    idle = not (built.rendered or built.written or built.removed or built.failed)
    return f"{files} up to date, checked in {took}" if idle else f"built {files} in {took}"


def totals(built: Built) -> list[tuple[int, str]]:
    """List the counts of a build's summary; failures only where there are some."""
    counts = [
        (built.rendered, "rendered"),
        (built.written, "written"),
        (built.unchanged, "unchanged"),
        (built.removed, "removed"),
    ]
    return [*counts, (built.failed, "failed")] if built.failed else counts


def outcome(built: Built) -> str:
    """Say in one breath what a rebuild did: `3 rendered, 2 written`."""
    counts = [f"{number(count)} {verb}" for count, verb in totals(built) if count and verb != "unchanged"]
    return ", ".join(counts) or "nothing to render"


def indexed(index: Indexed) -> str:
    """Say that the search index is new, and what that took."""
    counts = ((index.written, "written"), (index.removed, "removed"))
    told = [f"{number(count)} {verb}" for count, verb in counts if count]
    return f"search is up to date: {', '.join([*told, duration(index.elapsed_ms)])}"


def failure(built: Built) -> str:
    """Say that and how much failed, and what became of the rest."""
    return f"{number(built.failed)} failed; the rest is built, the last good pages stay"


def pages_per_second(built: Built) -> str:
    """Say the speed of a build: pages rendered over the whole time."""
    return f"{number(round(built.rendered / max(built.elapsed_ms, 1) * 1000))} pages/s"


def difference(found: Difference) -> list[str]:
    """Say how a file differs from that of a clean build, and why."""
    told = {"differs": "differs", "missing": "is missing", "extra": "should not be there"}[found.kind]
    place = f"{found.path}:{found.line}" if found.line else found.path
    return [printable(f"{place}: {told}"), *(printable(f"    {reason}") for reason in found.because)]


def verified(result: Verified) -> str:
    """Say whether an output is that of a clean build."""
    files, took = counted(result.files, "file"), duration(result.elapsed_ms)
    left_out = f"; {number(result.failed)} that can't be rendered were left out" if result.failed else ""
    if not result.differences:
        return f"the output is that of a clean build: {files}, verified in {took}{left_out}"
    return f"{counted(result.differences, 'difference')} from a clean build of {files}, verified in {took}{left_out}"


def note(text: str) -> str:
    """Mark a note as such; further lines are indented below the first."""
    first, *rest = text.splitlines() or [""]
    return "\n".join([f"note: {printable(first)}", *(f"    {printable(line)}" for line in rest)])


def findings(errors: int, warnings: int) -> str:
    """Count errors and warnings, leaving out what there is none of."""
    parts = [counted(n, noun) for n, noun in ((errors, "error"), (warnings, "warning")) if n]
    return ", ".join(parts)
