"""Edits of a site as plain values: what a failing run prints is what a regression test says.

An edit that makes no sense any more (its file is gone, a folder stands in its way) does nothing, so that any part of a
sequence of edits is a sequence of edits, which is what shrinking needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from blogd.daemon.scan import FOLDERS

if TYPE_CHECKING:
    from collections.abc import Sequence

FENCE = "---\n"


class Place(Protocol):
    """A project folder. Each deed gives the paths that it touched, and raises OSError where it can't be done."""

    def write(self, path: str, data: bytes) -> list[str]: ...
    def touch(self, path: str) -> list[str]: ...
    def read(self, path: str) -> bytes: ...
    def delete(self, path: str) -> list[str]: ...
    def rename(self, path: str, to: str) -> list[str]: ...


class Edit(Protocol):
    """Something that is done to a project folder."""

    def do(self, ground: Place) -> list[str]:
        """Do it and give the paths that were touched; raises OSError where it can't be done."""
        ...


@dataclass(frozen=True)
class Write:
    path: str
    text: str

    def do(self, ground: Place) -> list[str]:
        return ground.write(self.path, self.text.encode())


@dataclass(frozen=True)
class Field:
    """Set a field of a post's front matter, or take it out."""

    path: str
    name: str
    value: str | None

    def do(self, ground: Place) -> list[str]:
        head, body = split(ground.read(self.path).decode())
        head = re.sub(rf"(?m)^{self.name}:.*\n", "", head)
        line = "" if self.value is None else f"{self.name}: {self.value}\n"
        return ground.write(self.path, f"{FENCE}{head}{line}{FENCE}{body}".encode())


@dataclass(frozen=True)
class Body:
    """Replace a post's body."""

    path: str
    text: str

    def do(self, ground: Place) -> list[str]:
        head, _ = split(ground.read(self.path).decode())
        return ground.write(self.path, f"{FENCE}{head}{FENCE}{self.text}".encode())


@dataclass(frozen=True)
class Touch:
    path: str

    def do(self, ground: Place) -> list[str]:
        return ground.touch(self.path)


@dataclass(frozen=True)
class Resave:
    """Save the same bytes as editors do: a new file, put in the old one's place."""

    path: str

    def do(self, ground: Place) -> list[str]:
        ground.write(f"{self.path}~", ground.read(self.path))
        ground.rename(f"{self.path}~", self.path)
        return [self.path]


@dataclass(frozen=True)
class Delete:
    path: str

    def do(self, ground: Place) -> list[str]:
        return ground.delete(self.path)


@dataclass(frozen=True)
class Rename:
    path: str
    to: str

    def do(self, ground: Place) -> list[str]:
        return ground.rename(self.path, self.to)


def split(text: str) -> tuple[str, str]:
    """Split a post into front matter and body."""
    if text.startswith(FENCE):
        head, fence, body = text[len(FENCE) :].partition(FENCE)
        if fence:
            return head, body
    return "", text


def do_all(edits: Sequence[Edit], ground: Place) -> set[str]:
    """Do edits, and give the paths that a watcher would name."""
    touched: set[str] = set()
    for edit in edits:
        try:
            touched.update(edit.do(ground))
        except OSError:
            continue
    return {path for path in touched if path.partition("/")[0] in FOLDERS}
