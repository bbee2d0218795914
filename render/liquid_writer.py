"""Python source in the making, which remembers for every line the place in a template that it comes from.

Code is text. A *mark* in it says that what follows belongs to another place, and becomes a line break when the code is
written; so it may stand only after an opening parenthesis (`marked` sees to that). The line number in a traceback then
leads to the tag, output or filter that failed.

Some lines can be written only when what follows them is known: `reserve` leaves a blank line to `fill` later. What was
written on trial is taken back with `rewind`.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

Place = tuple[int, int]
"""The number of a template and the index of a character in its text."""

_MARK: Final = re.compile("\0(\\d+):(\\d+)\0")


def marked(code: str, place: Place) -> str:
    """Return an expression whose errors belong to `place`."""
    return f"(\0{place[0]}:{place[1]}\0{code})"


class Writer:
    """The body of a function, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.places: list[Place] = []
        self._depths: list[int] = []
        self._depth = 1
        self._names = 0

    def name(self, prefix: str) -> str:
        """Return a variable name that is not in use."""
        self._names += 1
        return f"{prefix}{self._names}"

    def line(self, code: str, place: Place) -> int:
        """Write a statement and return its number."""
        number = len(self.lines)
        first, *rest = _MARK.split(code)
        self._put(first, place)
        for template, index, part in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
            self._put(part, (int(template), int(index)))
        return number

    def reserve(self, place: Place) -> int:
        """Leave a line to be filled in later and return its number."""
        return self.line("", place)

    def fill(self, number: int, code: str) -> None:
        """Write a reserved line, or write a line anew."""
        self.lines[number] = code

    def rewind(self, number: int) -> None:
        """Take back all lines from `number` on."""
        del self.lines[number:], self.places[number:], self._depths[number:]

    @contextmanager
    def block(self, head: str, place: Place) -> Generator[None]:
        """Write a compound statement."""
        self.line(head, place)
        self._depth += 1
        number = len(self.lines)
        yield
        if not any(self.lines[number:]):
            self.line("pass", place)
        self._depth -= 1

    def source(self, head: list[str]) -> tuple[str, list[Place]]:
        """Return the whole source, given the lines that go before, and the place of each of its lines."""
        body = [f"{'    ' * depth}{line}" for depth, line in zip(self._depths, self.lines, strict=True)]
        return "\n".join([*head, *body, ""]), [(0, -1)] * len(head) + self.places

    def _put(self, code: str, place: Place) -> None:
        self.lines.append(code)
        self.places.append(place)
        self._depths.append(self._depth)
