"""A fault at every step of a build, one after the other, as SQLite's own tests do it.

After each of them one more run has to give what a clean build gives: every file, every finding, a ledger that names just
these files; and a run after that one has nothing to do. Between the two the clock moves on.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple
from unittest.mock import patch

import msgspec
import pytest

from blogd.daemon import books, macro_host, session
from blogd.daemon.events import Built, DiagnosticEvent
from blogd.daemon.exits import ExitCode, RefusalError
from blogd.daemon.ledger import read_ledger
from blogd.daemon.macro_call import Request, perform
from blogd.daemon.macro_memo import MacroMemo
from blogd.daemon.options import Options
from blogd.daemon.project import EPOCH, Project
from blogd.daemon.queue import PageQueue
from blogd.daemon.session import run_build

from tests.faults.shim import NEVER, Fault, HastyConnection, run_with_fault
from tests.support import Ground, Silence, read_tree

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from blogd.daemon.events import Event
    from blogd.render.diagnostic import Diagnostic

NOON: Final = 1_700_000_000
DAY_S: Final = 24 * 3600
SITE: Final = {
    "meta/project.json": '{"name": "Faults", "publicUrl": "https://f.example", "timezone": "UTC", "maxPostsPerPage": 1}',
    "templates/single-post.liquid": "{{ post.title }} {{ post.content | markdown }} {{ post.previous_post.title }}",
    "templates/post-list.liquid": "{{ 'now' | date: '%F' }}{% for post in site.posts %} {{ post.title }}{% endfor %}",
    "templates/not-found.liquid": "nothing",
    "scripts/count.py": 'def render(context, post):\n    return {"html": str(len(post["content"]))}\n',
    "posts/one.md": "---\ntitle: One\ncreatedAt: 2024-01-01\n---\nWords and [[count]].\n",
    "posts/two.md": "---\ntitle: Two\ncreatedAt: 2024-01-01T10:00:00Z\ntags: [tag]\n---\nTo [one](/posts/one).\n",
    "assets/copied.txt": "copied",
}
EDITS: Final = {
    "posts/one.md": "---\ntitle: First\ncreatedAt: 2024-01-01\ntags: [other]\n---\nOther words, [[count]] [[count]].\n",
    "posts/two.md": None,
    "posts/three.md": "---\ntitle: Three\ncreatedAt: 2024-02-02\n---\nNew.\n",
    "assets/copied.txt": "copied again",
    "assets/new.txt": "new",
    "templates/not-found.liquid": "nothing at all",
}


class _MacroProcess:
    """The macro process, in this one."""

    def __init__(self) -> None:
        self._answers: list[bytes] = []

    def handles(self) -> list[int]:
        return []

    def send(self, message: bytes) -> None:
        answer = perform(msgspec.msgpack.decode(message, type=Request), 10.0)
        self._answers.append(msgspec.msgpack.encode(answer))

    def receive(self) -> bytes | None:
        return self._answers.pop() if self._answers else None

    def output(self) -> str:
        return ""

    def end(self) -> int:
        return 0


def _macro_host(_: Path, memo: MacroMemo | None = None) -> macro_host.MacroHost:
    return macro_host.MacroHost(_MacroProcess, memo or MacroMemo())


class _Listener(Silence):
    """A reporter that remembers what a run came to."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: set[Diagnostic] = set()
        self.built: Built | None = None

    def emit(self, event: Event, /) -> None:
        if isinstance(event, DiagnosticEvent):
            self.findings.add(event.diagnostic)
        elif isinstance(event, Built):
            self.built = event


class Run(NamedTuple):
    """How a run ended."""

    code: int
    findings: set[Diagnostic]
    rendered: int
    written: int


def run(ground: Ground, day: int) -> Run:
    """Build in this process."""
    os.environ[EPOCH] = str(NOON + day * DAY_S)
    listener = _Listener()
    try:
        code = run_build(Options(mode="build", site=ground.root), listener)
    except RefusalError:
        return Run(ExitCode.REFUSED, set(), 0, 0)
    built = listener.built
    return Run(code, listener.findings, built.rendered if built else 0, built.written if built else 0)


class World:
    """A site, and what its folders were like before a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ground = Ground(folder / "site")
        self._kept = folder / "kept"
        for path, text in SITE.items():
            self.ground.write(path, text.encode())

    def edit(self) -> None:
        for path, text in EDITS.items():
            if text is None:
                self.ground.delete(path)
            else:
                self.ground.write(path, text.encode())

    def keep(self) -> None:
        """Keep the output and the cache as they are."""
        for name in ("html", ".blogd"):
            if (self.ground.root / name).exists():
                shutil.copytree(self.ground.root / name, self._kept / name, symlinks=True)

    def restore(self) -> None:
        """Put them back."""
        for name in ("html", ".blogd"):
            shutil.rmtree(self.ground.root / name, ignore_errors=True)
            if (self._kept / name).exists():
                shutil.copytree(self._kept / name, self.ground.root / name, symlinks=True)

    @property
    def out(self) -> Path:
        return self.ground.root / "html"

    def clean(self, day: int) -> tuple[dict[str, bytes], Run]:
        """Build from nothing."""
        for name in ("html", ".blogd"):
            shutil.rmtree(self.ground.root / name, ignore_errors=True)
        ended = run(self.ground, day)
        return read_tree(self.out), ended


@pytest.fixture
def world(tmp_path: Path) -> Generator[World]:
    with (
        patch.object(PageQueue, "learn", lambda *_: None),
        patch.object(books, "COMMIT_PAGES", 5),
        patch.object(books, "COMMIT_S", float("inf")),
        patch.object(macro_host.MacroHost, "of", staticmethod(_macro_host)),
        patch.object(session, "usable_cpus", lambda: 0),
        patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=HastyConnection)),
        patch.object(Project, "code", tmp_path / "code"),
        patch.dict(os.environ, {EPOCH: str(NOON), "TZ": "UTC"}),
    ):
        yield World(tmp_path)


@pytest.mark.parametrize("is_edited", [False, True], ids=["cold", "incremental"])
@pytest.mark.parametrize("fault", Fault)
def test_one_more_run_repairs_whatever_a_fault_has_left(
    world: World, fault: Fault, capsys: pytest.CaptureFixture[str], *, is_edited: bool
) -> None:
    if is_edited:
        run(world.ground, 0)
        world.keep()
        world.edit()
    early, _ = world.clean(1)
    clean, ended = world.clean(2)
    world.restore()
    work = partial(run, world.ground, 1)
    points = run_with_fault(work, fault, NEVER, world.folder).points

    for at, name in enumerate(points):
        world.restore()
        faulty = run_with_fault(work, fault, at, world.folder).value
        told = f"{fault.name} at {at}, {name}: {faulty}"
        if isinstance(faulty, Run):
            _check_told(world, faulty, early, told)
        repaired = run(world.ground, 2)
        assert read_tree(world.out) == clean, told
        assert read_ledger(str(world.out)) == clean.keys(), told
        assert (repaired.code, repaired.findings) == (ended.code, ended.findings), told
        idle = run(world.ground, 2)
        assert (idle.rendered, idle.written, idle.code) == (0, 0, ended.code), told
    with capsys.disabled():
        print(f" [{len(points)} fault points]", end="")


def _check_told(world: World, faulty: Run, early: dict[str, bytes], told: str) -> None:
    """A run that met a fault either was not hindered, or said so."""
    if faulty.code == ExitCode.DONE:
        assert read_tree(world.out) == early, told
    elif faulty.code == ExitCode.FAILED:
        assert any(found.severity == "error" and found.hint for found in faulty.findings), told
