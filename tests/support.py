"""What tests of whole builds share: a project folder to edit, and engines that build it in this process.

A `Ground` gives each file it writes a time of change of its own, a second after the one before: edits are seen however
fast they come. An `Outcome` is all that a build leaves behind, and what it did.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, cast
from unittest.mock import patch

from msgspec.structs import replace

from blogd.daemon.engine import Engine
from blogd.daemon.events import Note
from blogd.daemon.options import Mode, Options
from blogd.daemon.output import LEDGER
from blogd.daemon.project import open_project

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from blogd.cache.rows import PageRow
    from blogd.daemon.events import Event
    from blogd.render.diagnostic import Diagnostic

BEGINNING_NS: Final = 1_700_000_000 * 10**9


class Ground:
    """A project folder; every deed gives the paths that it touched."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._now_ns = BEGINNING_NS
        root.mkdir()

    def write(self, path: str, data: bytes) -> list[str]:
        """Write a file, and the folders that it lies in."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return self.touch(path)

    def touch(self, path: str) -> list[str]:
        """Give a file another time of change."""
        self._now_ns += 10**9
        os.utime(self.root / path, ns=(self._now_ns, self._now_ns))
        return [path]

    def read(self, path: str) -> bytes:
        """Read a file."""
        return (self.root / path).read_bytes()

    def delete(self, path: str) -> list[str]:
        """Remove a file, or a folder with all that is in it."""
        target = self.root / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()
        return [path]

    def rename(self, path: str, to: str) -> list[str]:
        """Give a file or folder another path."""
        (self.root / to).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).rename(self.root / to)
        return [path, to]


class Outcome(NamedTuple):
    """What a build left: outputs, those of them that it made, findings; and what it told of troubles of its own."""

    files: dict[str, bytes]
    made: list[str]
    findings: list[str]
    notes: list[str]


class Silence:
    """A reporter that keeps notes and shows nothing."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def emit(self, event: Event, /) -> None:
        """Keep a note."""
        if isinstance(event, Note):
            self.notes.append(event.text)

    def tick(self) -> float | None:
        """There is no time to show."""
        return None

    def close(self) -> None:
        """There is nothing to put back."""


class Builder:
    """An engine at work on one output folder."""

    def __init__(self, engine: Engine, out: Path, reporter: Silence) -> None:
        self.engine = engine
        self._out = out
        self._reporter = reporter

    def build(self, paths: Iterable[str] | None = None) -> Outcome:
        """Make the output what the sources say, looking at some paths only, if they are given."""
        books = self.engine.books
        with patch.object(books, "enter_page", wraps=books.enter_page) as entered:
            if paths is None:
                self.engine.look_everywhere()
            else:
                self.engine.look_at(paths)
            self.engine.settle([], lambda: None)
        made = sorted(cast("PageRow", call.args[0]).path for call in entered.call_args_list)
        findings = sorted(map(_show, books.findings.standing()))
        return Outcome(read_tree(self._out), made, findings, self._reporter.notes)


def post(title: str, day: int, body: str = "Words.", **fields: str) -> bytes:
    """Give the source of a post of January 2024."""
    matter = {"title": title, "createdAt": f"2024-01-{day:02}T10:00:00Z", **fields}
    return "\n".join(["---", *(f"{name}: {value}" for name, value in matter.items()), "---", body, ""]).encode()


@contextmanager
def builder(
    site: Path, out: Path, *, mode: Mode = "build", drafts: bool = False, workers: int = 0
) -> Generator[Builder]:
    """Open a site as a new run would; 0 workers: without processes."""
    reporter = Silence()
    project = open_project(Options(mode=mode, site=site, out=out, drafts=drafts), workers)
    plain = replace(project, policy=replace(project.policy, has_search=False))  # whatever is installed
    engine = Engine(plain, reporter)
    try:
        engine.open()
        yield Builder(engine, out, reporter)
    finally:
        engine.close()


def build(site: Path, out: Path, *, drafts: bool = False, workers: int = 0) -> Outcome:
    """Build as a run of its own."""
    with builder(site, out, drafts=drafts, workers=workers) as opened:
        return opened.build()


def read_tree(folder: Path) -> dict[str, bytes]:
    """Read all files below a folder but blogd's ledger, by path; a link is what it says."""
    return {
        os.path.relpath(os.path.join(parent, name), folder): _read(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
        if name != LEDGER
    }


def _read(parent: str, name: str) -> bytes:
    if os.path.islink(f"{parent}/{name}"):
        return b"-> " + os.fsencode(os.readlink(f"{parent}/{name}"))
    with open(f"{parent}/{name}", "rb") as file:
        return file.read()


def _show(found: Diagnostic) -> str:
    place = ":".join(str(part) for part in (found.path, found.line, found.column) if part)
    return f"{place}: {found.severity}: {found.message}"
