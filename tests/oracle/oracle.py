"""A site that is edited and followed by one engine, and what a clean build would have made of it.

`Oracle` holds a project folder and an engine on it, in this process. Its deeds are the ways in which an engine hears of
edits: named, by a full look, by a new run, in the middle of work, with a run killed in between. After each of them
`check` builds the site anew, elsewhere, and compares (see `clean`).

While a run *watches*, sources that can't be read keep their last good version. What it makes is then compared with a
clean build of a copy of the site in which these sources have it still.

Time and chance are out of play: batches have fixed sizes, rows are committed by number, macros run in this process.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, cast
from unittest.mock import patch

from blogd.cache.rows import STALE
from blogd.daemon import books, macro_host
from blogd.daemon.policy import Policy
from blogd.daemon.project import EPOCH
from blogd.daemon.queue import PageQueue
from blogd.render.answers import difference
from blogd.render.reads import ALL, ASPECT, mask_names
from tests.macros_here import host_here
from tests.oracle.asked import entities
from tests.oracle.clean import Clean, build, differences, open_engine
from tests.oracle.edits import do_all
from tests.support import Ground, read_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blogd.cache.rows import PageRow
    from blogd.render.changes import Changes
    from blogd.render.delta import Delta
    from blogd.render.site import Site
    from tests.oracle.edits import Edit

MEMORY: Final = Path("/dev/shm")
COMMIT_PAGES: Final = 7
NOON: Final = 1_700_000_000
TOLD: Final = ALL & ~ASPECT["macros"]  # results that go with their record are told as another body

Deed = Callable[[Path], object]


def workplace() -> Path:
    """Make a folder for an oracle, in memory where there is a place for that."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="blogd-oracle-", dir=place))


class Killed(Exception):  # noqa: N818 - it is no error
    """The run has been killed."""


class Later(NamedTuple):
    """Edits in the middle of work: done after `after` steps of the engine, told to it `delay` steps later."""

    edits: Sequence[Edit]
    after: int
    delay: int


class Oracle:
    """A project folder under edits; `folder` is empty at first. `is_compiled`: templates are in clean builds, too."""

    def __init__(self, folder: Path, start: Sequence[Edit] = (), *, is_compiled: bool = True) -> None:
        self._folder = folder
        self._is_compiled = is_compiled
        self._stack = ExitStack()
        self._policy = Policy()
        self._now = NOON
        self._good: dict[str, bytes] = {}  # sources as they were when they could be read last
        self._seen: dict[str, bytes] = {}
        self._frame: object = None
        self._is_vague = False  # is `_good` what the engine has seen?
        self._before: Site | None = None  # a clean one, as it was when the engine began to tell
        self._told: list[Changes] = []
        self.made: list[str] = []  # outputs made since the engine last set to work, in that order
        self.ground = Ground(folder / "site")
        self._make_certain()
        do_all(start, self.ground)
        self._begin(self._policy)

    def _make_certain(self) -> None:
        enter = self._stack.enter_context
        enter(patch.object(PageQueue, "learn", _learn_nothing))
        enter(patch.object(books, "COMMIT_PAGES", COMMIT_PAGES))
        enter(patch.object(books, "COMMIT_S", float("inf")))
        enter(patch.object(macro_host.MacroHost, "of", staticmethod(host_here)))
        enter(patch.dict(os.environ, {EPOCH: str(self._now), "TZ": "UTC"}))

    def _begin(self, policy: Policy) -> None:
        self._policy = policy
        self._engine, self._reporter = open_engine(self.ground.root, self._folder / "out", policy)
        self._listen(self._engine.site)
        self.look_everywhere()

    def _listen(self, site: Site) -> None:
        """Keep what the site says of its changes."""
        apply = site.apply

        def told(delta: Delta) -> Changes:
            self._told.append(apply(delta))
            return self._told[-1]

        self._stack.enter_context(patch.object(site, "apply", told))

    def close(self) -> None:
        self._engine.close()
        self._stack.close()

    def files(self) -> list[str]:
        """Give the paths of all sources."""
        root = self.ground.root
        return sorted(os.path.relpath(f"{parent}/{name}", root) for parent, _, names in os.walk(root) for name in names)

    def outputs(self) -> dict[str, bytes]:
        """Give all outputs by path."""
        return read_tree(self._folder / "out")

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
        """Have the engine compare all sources with what it knows."""
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

    def tamper(self, deed: Deed, number: int) -> None:
        """Do something to one of the outputs between two runs."""
        self._engine.close()
        outputs = sorted(self.outputs())
        deed(self._folder / "out" / outputs[number % len(outputs)])
        self._begin(self._policy)

    def set_clock(self, now: int) -> None:
        """Have another time, and a reason to look."""
        self._now = now
        os.environ[EPOCH] = str(now)
        self.look_everywhere()

    def tell(self, paths: set[str]) -> None:
        """Name paths to the engine, whatever it is doing."""
        self._engine.look_at(paths)

    def _settle(self) -> None:
        book = self._engine.books
        self._engine.totals.restart()
        with patch.object(book, "enter_page", wraps=book.enter_page) as entered:
            self._engine.settle((), lambda: None)
        rows = (cast("PageRow", call.args[0]) for call in entered.call_args_list)
        self.made = [row.path for row in rows if row.state != STALE]

    # Comparing.

    def check(self) -> None:
        """Compare with a clean build; AssertionError says what differs."""
        clean = self._clean(self.ground.root)
        self._is_vague = bool(clean.unread) and (self._is_vague or self._frame != self._engine_frame())
        if self._is_vague and self._policy.keeps_last_good:
            self.edit_between_runs([], Policy(drafts=self._policy.drafts))
        self._remember(clean)
        if self._policy.keeps_last_good and clean.unread:
            clean = self._clean_with_last_good(clean)
        troubles = list(differences(self.outputs(), self._engine, clean))
        assert not troubles, "\n".join(troubles)
        self._check_told(clean.site)
        self._check_rest()

    def _clean(self, root: Path, lost: frozenset[str] = frozenset()) -> Clean:
        policy = Policy(drafts=self._policy.drafts)
        return build(root, self._folder / "clean", policy, lost, is_compiled=self._is_compiled)

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

    def _check_told(self, now: Site) -> None:
        """Make sure that the site has told of every answer that differs from what it was at the last check."""
        told, self._told = self._told, []
        before, self._before = self._before, now
        if before is None or any(changes.everything for changes in told):
            return
        for entity in entities(before, now):
            missing = difference(before, now, entity) & (TOLD if entity[0] == "post" else 1)
            for changes in told:
                missing &= ~changes.mask(entity)
            assert not missing, f"{entity} has changed {mask_names(entity, missing)}, and the site hasn't told"

    def _check_rest(self) -> None:
        self.look_everywhere()
        assert not self.made, f"made again without a reason: {self.made}"
        assert not self._reporter.notes, f"the engine had troubles: {self._reporter.notes}"


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


def _learn_nothing(queue: PageQueue, rows: list[PageRow], seconds: float) -> None:
    """Have all batches judged by the same guess."""
    del queue, rows, seconds
