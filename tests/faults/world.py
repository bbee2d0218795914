"""A small site that has a bit of everything, and runs on it in this process, without time and chance."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import contextmanager
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from unittest.mock import patch

from blogd.daemon import books, macro_host, project, searching, session
from blogd.daemon.events import Built, DiagnosticEvent
from blogd.daemon.exits import ExitCode, RefusalError
from blogd.daemon.ledger import read_ledger
from blogd.daemon.options import Options
from blogd.daemon.pagefind import NEW, PAGES
from blogd.daemon.project import EPOCH, Project
from blogd.daemon.queue import PageQueue
from blogd.daemon.session import run_build
from tests.faults.shim import HastyConnection
from tests.macros_here import host_here
from tests.support import Ground, Silence, read_tree

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from blogd.daemon.events import Event
    from blogd.render.diagnostic import Diagnostic

MADE: Final = ("html", ".blogd")
YESTERDAY, TODAY, TOMORROW = (1_700_000_000 + day * 24 * 3600 for day in range(3))
SITE: Final[Mapping[str, str | None]] = {
    "meta/project.json": '{"name": "Faults", "publicUrl": "https://f.example", "timezone": "UTC"}',
    "templates/single-post.liquid": "{{ post.title }} {{ post.content | markdown }} {{ post.previous_post.title }}",
    "templates/post-list.liquid": "{{ 'now' | date: '%F' }}{% for post in site.posts %} {{ post.title }}{% endfor %}",
    "templates/not-found.liquid": "nothing",
    "scripts/count.py": 'def render(context, post):\n    return {"html": str(len(post["content"]))}\n',
    "posts/one.md": "---\ntitle: One\ncreatedAt: 2024-01-01\n---\nWords and [[count]].\n",
    "posts/two.md": "---\ntitle: Two\ncreatedAt: 2024-01-01T10:00:00Z\ntags: [tag]\n---\nTo [one](/posts/one).\n",
    "assets/copied.txt": "copied",
}
EDITS: Final[Mapping[str, str | None]] = {
    "posts/one.md": "---\ntitle: First\ncreatedAt: 2024-01-01\ntags: [other]\n---\nOther words, [[count]] [[count]].\n",
    "posts/two.md": None,
    "posts/three.md": "---\ntitle: Three\ncreatedAt: 2024-02-02\n---\nNew.\n",
    "assets/copied.txt": "copied again",
    "assets/new.txt": "new",
    "templates/not-found.liquid": "nothing at all",
}


class _Indexing:
    """Pagefind, in this process: for each page one file, which names it."""

    def __init__(self, origin: bytes, _: str, folder: str) -> None:
        self.origin = origin
        self.handle = os.open(os.devnull, os.O_RDONLY)  # always ready
        pages = Path(folder, PAGES).read_bytes().split(b"\0")
        os.mkdir(f"{folder}/{NEW}")
        for number, page in enumerate(pages):
            Path(folder, NEW, f"{number}.pf_fragment").write_bytes(page)

    def is_going(self) -> bool:
        return False

    def trouble(self) -> str:
        self.close()
        return ""

    def close(self) -> None:
        os.close(self.handle)


class _NoGauge:
    """Measures no memory, which takes as long as all the rest."""

    peak = 0

    def rest(self) -> None:
        pass

    def measure(self, *, now: bool = False) -> bool:
        return now


class _Listener(Silence):
    """A reporter that remembers what a run came to."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: set[Diagnostic] = set()
        self.built: Built | None = None

    def tick(self) -> float | None:
        return 0.0  # the macro process answers at once, and has no handle to wait on

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


def run(ground: Ground, now: int, workers: int = 0) -> Run:
    """Build at a time; 0 workers: in this process alone."""
    os.environ[EPOCH] = str(now)
    listener = _Listener()
    try:
        with patch.object(session, "usable_cpus", lambda: workers):
            code = run_build(Options(mode="build", site=ground.root), listener)
    except RefusalError:
        return Run(ExitCode.REFUSED, set(), 0, 0)
    built = listener.built
    return Run(code, listener.findings, built.rendered if built else 0, built.written if built else 0)


class Scene(Enum):
    """What the run with the fault finds: nothing; an output, and edits; the same, and the edits are undone after it."""

    COLD = auto()
    EDITED = auto()
    REVERTED = auto()


class Clean(NamedTuple):
    """What a build makes from nothing."""

    files: dict[str, bytes]
    run: Run


class World:
    """A site, an output and a cache, as the run with the fault finds them."""

    def __init__(self, folder: Path, scene: Scene) -> None:
        self.folder = folder
        self.ground = Ground(folder / "site")
        self.out = self.ground.root / "html"
        self._edits = {} if scene is Scene.COLD else EDITS
        self._write(SITE)
        if self._edits:
            run(self.ground, YESTERDAY)
            shutil.copytree(self.ground.root, folder / "kept")
        self._write(self._edits)
        self.early = self._clean(TODAY)
        if scene is Scene.REVERTED:
            self.revert()
        self.late = self._clean(TOMORROW)

    def restore(self) -> None:
        """Make all as it was before the run with the fault."""
        self._clear()
        if self._edits:
            for name in MADE:
                shutil.copytree(self.folder / "kept" / name, self.ground.root / name)
            self._write(self._edits)

    def revert(self) -> None:
        """Undo the edits."""
        self._write({path: SITE.get(path) for path in self._edits})

    def reconsider(self) -> None:
        """Work out anew what a clean build gives, and leave everything as it is."""
        for name in MADE:
            shutil.move(self.ground.root / name, self.folder / f"aside-{name}")
        self.late = self._clean(TOMORROW)
        self._clear()
        for name in MADE:
            shutil.move(self.folder / f"aside-{name}", self.ground.root / name)

    def _clean(self, day: int) -> Clean:
        self._clear()
        ended = run(self.ground, day)
        return Clean(read_tree(self.out), ended)

    def _clear(self) -> None:
        for name in MADE:
            shutil.rmtree(self.ground.root / name, ignore_errors=True)

    def _write(self, files: Mapping[str, str | None]) -> None:
        for path, text in files.items():
            if text is not None:
                self.ground.write(path, text.encode())
            elif (self.ground.root / path).exists():
                self.ground.delete(path)

    def check_repaired(self, told: str) -> None:
        """One more run gives what a clean build gives, and leaves nothing to do."""
        repaired = run(self.ground, TOMORROW)
        assert read_tree(self.out) == self.late.files, told
        assert read_ledger(str(self.out)) == self.late.files.keys(), told
        assert (repaired.code, repaired.findings) == (self.late.run.code, self.late.run.findings), told
        idle = run(self.ground, TOMORROW)
        assert (idle.rendered, idle.written, idle.code) == (0, 0, self.late.run.code), told


@contextmanager
def certainty(code: Path) -> Generator[None]:
    """Take time and chance out of play, and what would take long; `code` is a folder for compiled templates."""
    with (
        patch.object(PageQueue, "learn"),
        patch.object(books, "COMMIT_PAGES", 5),
        patch.object(books, "COMMIT_S", float("inf")),
        patch.object(macro_host.MacroHost, "of", staticmethod(host_here)),
        patch.object(session, "MemoryGauge", _NoGauge),
        patch.object(project, "versions", lambda: "1"),
        patch.object(searching, "_Run", _Indexing),
        patch.object(searching, "pagefind_version", lambda: "1"),
        patch.object(project, "pagefind_version", lambda: "1"),
        patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=HastyConnection)),
        patch.object(Project, "code", code),
        patch.dict(os.environ, {EPOCH: "0", "TZ": "UTC"}),
    ):
        yield
