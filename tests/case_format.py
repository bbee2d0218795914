r"""The text format of a case in `tests/cases/`: what is in a project folder, what is done to it, what comes out.

    A post's title is shown on its page.

    -- file templates/single-post.liquid
    {{ post.title }}
    -- file posts/2024/01/hello.md
    ---
    createdAt: 2024-01-15T10:00:00Z
    title: Hello
    ---
    -- expect 2024/01/15/hello/index.html
    Hello

    == the title changes
    -- edit posts/2024/01/hello.md
    - title: Hello
    + title: Bye
    -- expect 2024/01/15/hello/index.html
    Bye
    -- rendered
    2024/01/15/hello/index.html
    …

Up to the first line that starts with `-- ` or `== ` stands what the case shows, for readers. A line `== …` begins a
step, a line `-- keyword argument` a section: something that is done, in the order of the sections, or something that
holds after the step. Blank lines at the end of a section are no part of it; what it writes ends with one line end.

Deeds
    file PATH           write a file; its text is that of the section
    bytes PATH          write a file whose lines are put together without line ends, with escapes (below)
    edit PATH           replace lines `- …` by lines `+ …`; they have to be there, once
    delete PATH         remove a file, or a folder with all that is in it
    rename PATH -> PATH
    touch PATH          give a file another time of change
    drafts on|off       build as with --drafts, or without
    now INSTANT         set the build's time

Checks
    expect OUTPUT       this is the text of an output, but for its last line end
    contains OUTPUT     these lines occur in an output, in this order
    lacks OUTPUT        none of these lines occurs in it
    missing             there are no such outputs
    outputs [FOLDER]    these are all outputs, or those in a folder
    rendered            these outputs were made: `= path` if the same bytes came out, `- path` if it was removed instead
    diagnostics         these findings stand, as `path:line:column: severity: message`; without it, none does
    stays               these outputs can't be made any more; they stay as they were, where they stood
    watch keeps         a watch keeps all outputs as they were, since a source can't be read

Escapes stand for bytes (`\xef`, `\r`, `\n`, `\t`, `\0`, `\\`). They are read in paths and lists of paths too.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

DEEDS: Final = frozenset({"file", "bytes", "edit", "delete", "rename", "touch", "drafts", "now"})
CHECKS: Final = frozenset(
    {"expect", "contains", "lacks", "missing", "outputs", "rendered", "diagnostics", "stays", "watch"}
)

_HEADING: Final = re.compile(r"^((?:==|--) .*)\n", re.MULTILINE)
_ESCAPE: Final = re.compile(rb"\\(x[0-9a-f]{2}|[rnt0\\])")
_PLAIN: Final = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


class CaseError(Exception):
    """A case that doesn't follow the format."""


class Section(NamedTuple):
    """What stands under one `-- ` line; `line` is the number of that line."""

    keyword: str
    argument: str
    text: str
    line: int

    @property
    def path(self) -> str:
        """The argument as a path."""
        return to_path(self.argument)

    @property
    def lines(self) -> list[str]:
        """The lines that aren't blank."""
        return [line for line in self.text.split("\n") if line]

    def replacements(self) -> list[tuple[str, str]]:
        """Give the lines of an `edit` as pairs of an old and a new text."""
        hunks: list[tuple[str, str]] = []
        for line in self.text.removesuffix("\n").split("\n"):
            sign, text = line[:1], f"{line[2:]}\n"
            if sign == "-" and (not hunks or hunks[-1][1]):
                hunks.append((text, ""))
            elif sign == "-":
                hunks[-1] = (hunks[-1][0] + text, "")
            elif sign == "+" and hunks:
                hunks[-1] = (hunks[-1][0], hunks[-1][1] + text)
            else:
                raise CaseError(f"line {self.line}: an edit has lines `- old`, and after them lines `+ new`")
        return hunks


class Step(NamedTuple):
    """What is done at one go, and what holds then."""

    title: str
    sections: list[Section]

    @property
    def deeds(self) -> list[Section]:
        """What is done."""
        return [section for section in self.sections if section.keyword in DEEDS]

    @property
    def checks(self) -> list[Section]:
        """What is to hold."""
        return [section for section in self.sections if section.keyword in CHECKS]

    def listed(self, keyword: str) -> list[str] | None:
        """Give the lines of a section that stands once, None if it doesn't stand at all."""
        for section in self.sections:
            if section.keyword == keyword:
                return section.lines
        return None


class Case(NamedTuple):
    """A case; its first step is the first build."""

    path: Path
    steps: list[Step]


def read_case(path: Path) -> Case:
    """Read a case; CaseError if it doesn't follow the format."""
    try:
        return Case(path, _read_steps(path.read_text("utf-8")))
    except CaseError as error:
        raise CaseError(f"{path}: {error}") from None


def _read_steps(text: str) -> list[Step]:
    prose, *parts = _HEADING.split(text)
    if not prose.strip():
        raise CaseError("line 1: say first what the case shows")
    steps = [Step("the first build", [])]
    line = 1 + prose.count("\n")
    for heading, body in zip(parts[::2], parts[1::2], strict=True):
        if heading.startswith("=="):
            if body.strip():
                raise CaseError(f"line {line}: a step begins with a section")
            steps.append(Step(heading[3:], []))
        else:
            steps[-1].sections.append(_read_section(heading[3:], body, line))
        line += 1 + body.count("\n")
    return steps


def _read_section(heading: str, body: str, line: int) -> Section:
    keyword, _, argument = heading.partition(" ")
    if keyword not in DEEDS | CHECKS:
        raise CaseError(f"line {line}: no section is called {keyword!r}")
    text = body.strip("\n") if keyword in CHECKS else body.rstrip("\n")
    return Section(keyword, argument, f"{text}\n" if text else "", line)


def unescape(text: str) -> bytes:
    """Give the bytes that a text with escapes stands for."""
    return _ESCAPE.sub(lambda found: _PLAIN.get(found[1]) or bytes.fromhex(found[1][1:].decode()), text.encode())


def to_path(text: str) -> str:
    """Give the path that a text with escapes stands for."""
    return os.fsdecode(unescape(text))
