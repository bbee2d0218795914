"""A site that is edited and followed by one engine, and what a clean build would have made of it.

`Oracle` holds a project folder and an engine on it, in this process. Its rules are the ways in which an engine hears of
edits: named, by a full look, by a new run, in the middle of work, with a run killed in between. After each of them
`check` builds the site anew, elsewhere, and compares everything: every output, every finding. What could not be made
(a broken template, say) keeps its last good version, so that outputs of the clean build that failed are left out.

While a run *watches*, sources that can't be read keep their last good version too. What it makes is then compared with
a clean build of a copy of the site in which these sources have it still.

Time and chance are out of play: batches have fixed sizes, rows are committed by number, macros run in this process.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple
from unittest.mock import patch

from blogd.cache.store import FAILED
from blogd.daemon import books, macro_host
from blogd.daemon.engine import Engine
from blogd.daemon.events import Note
from blogd.daemon.macro_call import Request, perform
from blogd.daemon.macro_memo import MacroMemo
from blogd.daemon.output import LEDGER
from blogd.daemon.project import EPOCH, Project
from blogd.daemon.queue import PageQueue
from blogd.daemon.sources import Policy
from blogd.render import renderer
from blogd.render.reads import ASPECT
from blogd.render.templates import CodeCache, Templates

import msgspec

from tests.oracle.edits import Edit, do_all
from tests.support import Ground, read_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from blogd.cache.store import PageRow
    from blogd.daemon.events import Event
    from blogd.render.diagnostic import Diagnostic
    from blogd.render.reads import Entity

COMMIT_PAGES: Final = 7
NOON: Final = 1_700_000_000
TEXT: Final = ASPECT["source"] | ASPECT["macros"]
SHOWN_BEFORE: Final = 40
SHOWN_AFTER: Final = 80


class Killed(Exception):  # noqa: N818 - it is no error
    """The run has been killed."""


class Later(NamedTuple):
    """Edits in the middle of work: done after `after` steps of the engine, told to it `delay` steps later."""

    edits: Sequence[Edit]
    after: int
    delay: int


class Clean(NamedTuple):
    """What a clean build has made; `unread` are the sources that it couldn't read, with what it says of them."""

    files: dict[str, bytes]
    failed: set[str]
    unread: dict[str, tuple[Diagnostic, ...]]
    findings: set[Diagnostic]


class _Reporter:
    """Keeps notes, which tell of troubles; never makes the engine wait."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def emit(self, event: Event, /) -> None:
        if isinstance(event, Note):
            self.notes.append(event.text)

    def tick(self) -> float | None:
        return 0.0

    def close(self) -> None:
        pass


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


class Oracle:
    """A project folder under edits; `folder` is empty at first."""

    def __init__(self, folder: Path, start: Sequence[Edit] = ()) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._code: CodeCache = {}
        self._policy = Policy()
        self._now = NOON
        self._good: dict[str, bytes] = {}  # sources as they were when they could be read last
        self._seen: dict[str, bytes] = {}
        self._frame: object = None
        self._is_vague = False  # is `_good` what the engine has seen?
        self.made: list[PageRow] = []
        self.written: set[str] = set()
        self.ground = Ground(folder / "site")
        self._make_certain()
        do_all(start, self.ground)
        self._engine, self._reporter = self._open("out", self._policy)
        self.look_everywhere()

    def _make_certain(self) -> None:
        enter = self._stack.enter_context
        enter(patch.object(PageQueue, "learn", lambda *_: None))
        enter(patch.object(books, "COMMIT_PAGES", COMMIT_PAGES))
        enter(patch.object(books, "COMMIT_S", float("inf")))
        enter(patch.object(macro_host.MacroHost, "of", staticmethod(_host)))
        enter(patch.dict(os.environ, {EPOCH: str(self._now), "TZ": "UTC"}))

    def _open(self, name: str, policy: Policy, root: Path | None = None) -> tuple[Engine, _Reporter]:
        out, cache = self._folder / name, self._folder / f"{name}-cache"
        for folder in (out, cache / "bodies"):
            folder.mkdir(parents=True, exist_ok=True)
        reporter = _Reporter()
        project = Project(root or self.ground.root, out, cache, cache / "bodies", 0, policy, "test", os.getpid())
        engine = Engine(project, reporter)
        engine.open()
        return engine, reporter

    def close(self) -> None:
        self._engine.close()
        self._stack.close()

    def files(self) -> list[str]:
        """Give the paths of all sources."""
        root = self.ground.root
        return sorted(os.path.relpath(f"{parent}/{name}", root) for parent, _, names in os.walk(root) for name in names)

    # Ways to hear of edits.

    def edit(self, edits: Sequence[Edit]) -> None:
        """Do edits, and name what they touched."""
        self._engine.look_at(do_all(edits, self.ground))
        self._settle()

    def edit_unseen(self, edits: Sequence[Edit]) -> None:
        """Do edits, and have the engine find out."""
        do_all(edits, self.ground)
        self.look_everywhere()

    def look_everywhere(self) -> None:
        self._engine.look_everywhere()
        self._settle()

    def edit_between_runs(self, edits: Sequence[Edit], policy: Policy | None = None) -> None:
        """End the run, do edits, and begin a new one."""
        self._engine.close()
        do_all(edits, self.ground)
        self._begin(policy or self._policy)

    def edit_in_work(self, edits: Sequence[Edit], later: Sequence[Later], killed: int | None = None) -> None:
        """Do edits, and others while the engine works; kill the run after some steps, if that is wanted."""
        self._is_vague = True
        script = _Script(self, later, killed)
        with suppress(Killed):
            self._engine.look_at(do_all(edits, self.ground))
            script.step()
            while script:
                self._engine.settle((), script.step)
                script.step()
            self._settle()
            return
        self._engine.close()
        script.finish()
        self._begin(self._policy)

    def tamper(self, deed: Callable[[str], None], number: int) -> None:
        """Do something to an output between two runs."""
        self._engine.close()
        paths = sorted(read_tree(self._out))
        if paths:
            deed(str(self._out / paths[number % len(paths)]))
        self._begin(self._policy)

    def set_clock(self, now: int) -> None:
        """Have another time, and a reason to look."""
        self._now = now
        os.environ[EPOCH] = str(now)
        self.look_everywhere()

    def tell(self, paths: set[str]) -> None:
        """Name paths to the engine, whatever it is doing."""
        self._engine.look_at(paths)

    def _begin(self, policy: Policy) -> None:
        self._policy = policy
        self._engine, self._reporter = self._open("out", policy)
        self.look_everywhere()

    def _settle(self) -> None:
        self.made = []
        self.written = set()
        entered = self._engine.books.enter_page

        def enter_page(row: PageRow) -> None:
            self.made.append(row)
            entered(row)

        with patch.object(self._engine.books, "enter_page", enter_page):
            self._engine.settle((), lambda: None)

    # Comparing.

    @property
    def _out(self) -> Path:
        return self._folder / "out"

    def check(self) -> None:
        """Compare with a clean build; AssertionError says what differs."""
        clean = self._clean(self.ground.root)
        self._is_vague = bool(clean.unread) and (self._is_vague or self._frame != self._engine_frame())
        if self._is_vague and self._policy.keeps_last_good:
            self.edit_between_runs([], Policy(drafts=self._policy.drafts))
        self._remember(clean)
        if self._policy.keeps_last_good and clean.unread:
            clean = self._clean_with_last_good(clean)
        self._compare(clean)
        self._check_rest()

    def _engine_frame(self) -> object:
        """Give the settings that have a say in what a post's bytes mean."""
        meta = self._engine.sources.meta
        return meta.timezone, meta.project.highlight

    def _remember(self, clean: Clean) -> None:
        now = read_tree(self.ground.root)
        for path, data in now.items():
            if path not in clean.unread:
                self._good[path] = data
            elif not self._policy.keeps_last_good and data != self._seen.get(path):
                self._good.pop(path, None)
        self._good = {path: data for path, data in self._good.items() if path in now}
        self._seen, self._frame = now, self._engine_frame()

    def _clean_with_last_good(self, clean: Clean) -> Clean:
        """Build the site as it was when the sources that can't be read could be."""
        copy = self._folder / "copy"
        shutil.copytree(self.ground.root, copy)
        for path in clean.unread:
            (copy / path).unlink()
            if path in self._good:
                (copy / path).write_bytes(self._good[path])
        found = self._clean(copy, frozenset(clean.unread))
        shutil.rmtree(copy)
        told = {finding for findings in clean.unread.values() for finding in findings}
        return found._replace(findings=found.findings | told)

    def _check_rest(self) -> None:
        self.look_everywhere()
        made = sorted(row.path for row in self.made)
        assert not made, f"made again without a reason: {made}"
        assert not self._reporter.notes, f"the engine had troubles: {self._reporter.notes}"

    def _clean(self, root: Path, lost: frozenset[str] = frozenset()) -> Clean:
        cached = partial(Templates, code_cache=self._code)
        with patch.object(renderer, "Templates", cached):
            engine, reporter = self._open("clean", Policy(drafts=self._policy.drafts), root)
            try:
                engine.look_everywhere()
                engine.settle((), lambda: None)
                files = read_tree(self._folder / "clean")
                manifest = engine.books.manifest
                rows = manifest.pages.values()
                failed = {row.path for row in rows if row.state == FAILED or _shows_source(manifest.reads_of(row), lost)}
                unread = {row.path: row.diagnostics for row in engine.sources.rows.values() if row.failed}
                assert not reporter.notes, f"a clean build had troubles: {reporter.notes}"
                return Clean(files, failed, unread, engine.books.findings.standing())
            finally:
                engine.close()
                for name in ("clean", "clean-cache"):
                    shutil.rmtree(self._folder / name)

    def _compare(self, clean: Clean) -> None:
        findings = self._engine.books.findings.standing()
        troubles = [*_differing(read_tree(self._out), clean), *_unlike(findings, clean.findings)]
        assert not troubles, "\n".join(troubles)


class _Script:
    """What happens while the engine works."""

    def __init__(self, oracle: Oracle, later: Sequence[Later], killed: int | None) -> None:
        self._oracle = oracle
        self._killed = killed
        self._steps = 0
        self._edits = sorted(later, key=lambda deed: deed.after)
        self._told: list[tuple[int, set[str]]] = []

    def __bool__(self) -> bool:
        return bool(self._edits or self._told)

    def step(self) -> None:
        """Do what is due."""
        while self._edits and self._edits[0].after <= self._steps:
            deed = self._edits.pop(0)
            self._told.append((self._steps + deed.delay, do_all(deed.edits, self._oracle.ground)))
        for due in [due for due in self._told if due[0] <= self._steps]:
            self._told.remove(due)
            self._oracle.tell(due[1])
        self._steps += 1
        if self._killed is not None and self._steps > self._killed:
            raise Killed

    def finish(self) -> None:
        """Do all edits that are left."""
        for deed in self._edits:
            do_all(deed.edits, self._oracle.ground)


def _shows_source(reads: Iterable[tuple[Entity, int]], lost: frozenset[str]) -> bool:
    """Tell whether a page shows the very text of a source: that goes with the source."""
    return any(entity[0] == "post" and entity[1] in lost and mask & TEXT for entity, mask in reads)


def _host(_: Path, memo: MacroMemo | None = None) -> macro_host.MacroHost:
    return macro_host.MacroHost(_MacroProcess, memo or MacroMemo())


def _differing(ours: dict[str, bytes], clean: Clean) -> Iterator[str]:
    theirs = clean.files
    for path in sorted(ours.keys() | theirs.keys()):
        if path not in clean.failed and ours.get(path) != theirs.get(path):
            yield f"{path} differs:{_difference(ours.get(path), theirs.get(path))}"


def _difference(ours: bytes | None, theirs: bytes | None) -> str:
    """Show where two files begin to differ."""
    at = len(os.path.commonprefix([ours or b"", theirs or b""]))
    start = max(0, at - SHOWN_BEFORE)
    shown = ["(missing)" if data is None else repr(data[start : at + SHOWN_AFTER].decode(errors="replace")) for data in (ours, theirs)]
    return f"\n  {shown[0]}, not\n  {shown[1]}"


def _unlike(ours: set[Diagnostic], theirs: set[Diagnostic]) -> Iterator[str]:
    for title, found in (("a finding is missing", theirs - ours), ("a finding too many", ours - theirs)):
        for finding in sorted(found):
            yield f"{title}: {finding}"

