"""The one operation: make the output tree equal to what the sources say now.

    look → read → apply → plan → make → commit

*Look* compares stats with what is known. *Read* has workers read posts and render their bodies. *Apply* gives the
delta to the site, here and, as an update, in the workers. *Plan* turns changed answers into outputs to add, remove and
make. *Make* has workers make them (`making`); what happened is written down by `books`. A build does this once, with
nothing known or with what the last run left; a watch does it again for what the watcher names.

The engine is one loop without threads. It waits on the workers and on whatever else its owner hands it, and moves on
with what has arrived. Looking and reading go on while pages of an earlier change are being made; what is still queued
is then made from the newer site.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from functools import partial
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import msgspec

from blogd.cache.bodies import NotStoredError
from blogd.cache.database import CHECK_SPACE, StoreError
from blogd.cache.store import Store
from blogd.daemon import wire
from blogd.daemon.books import Books
from blogd.daemon.crew import Answered, Died, Missing, Retired
from blogd.daemon.events import Note, PhaseStarted
from blogd.daemon.expanding import Expanding
from blogd.daemon.making import Making
from blogd.daemon.plan import Plan, Reassigned
from blogd.daemon.raw import read_source
from blogd.daemon.reading import Reading
from blogd.daemon.scan import look, scan
from blogd.daemon.searching import Index, Progress, Searching
from blogd.daemon.sources import Intake, Sources, copies_of, is_post
from blogd.daemon.staff import Staff
from blogd.daemon.tallies import Totals
from blogd.render.delta import Delta
from blogd.render.diagnostic import Diagnostic, LostError
from blogd.render.project import PROJECT_PATH
from blogd.render.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from blogd.cache.rows import PageRow
    from blogd.daemon.crew import News, Task
    from blogd.daemon.macro_host import MacroHost
    from blogd.daemon.project import Project
    from blogd.daemon.reporter import Reporter
    from blogd.daemon.scan import FileStat
    from blogd.render.changes import Changes

MOST_TRIES: Final = 3
TICK_S: Final = 0.5


class _Change(NamedTuple):
    """A change of the site that waits for its macros. `known`: results that no call has to give."""

    intake: Intake
    delta: Delta
    changes: Changes
    known: Delta


class Engine:
    """All state of one site and output folder in one run."""

    def __init__(self, project: Project, reporter: Reporter) -> None:
        self._project = project
        self._reporter = reporter
        self._store = Store(project.cache, project.version)
        self.sources = Sources(project.root, self._store, project.policy, project.version)
        self.books = Books(self._store, project.out, self._clock)
        self.totals = Totals(reporter)
        self.site = Site()
        self._plan = Plan(self.site)
        self._search = Searching(self._store, project)
        self._making = Making(self.site, self.books, self.totals, project.crew, self._recover)
        self._staff = Staff(project, reporter, self.site, self._snapshot)
        self._repair = Reassigned({}, set())
        self._is_loaded = False
        self._generation = 1
        self._now = project.now()
        self._batch = 0
        self._look: dict[str, FileStat | None] = {}
        self._look_is_full = False
        self._unlisted: set[str] = set()
        self._intake: Intake | None = None
        self._change: _Change | None = None
        self._expanding = Expanding(self.site, self._macro_host, self._read_source, self.sources.is_lost)
        self._reading = Reading(self.sources, self.totals, project.crew)
        self._tries: dict[str, int] = {}
        self._recovering: list[PageRow] = []

    def open(self) -> None:
        """Take stock of the cache and of the output folder."""
        if self._store.reset:
            self._note(f"the cache was set aside, and everything is made anew: {self._store.reset}")
        with suppress(OSError, NotStoredError):  # it isn't necessary
            self.sources.tidy(self._project.bodies)
        self.books.open(self.sources)

    def close(self) -> None:
        """End the workers and close the database."""
        self._staff.close()
        self._expanding.close()
        self._search.close()
        self._store.close()

    def start_workers(self) -> None:
        """Start the workers, unless they are there."""
        self._staff.crew()

    def load(self) -> None:
        """Load the site as the last run left it, unless that is done."""
        if self._is_loaded:
            return
        self._is_loaded = True
        if not self.sources.rows:
            return
        self.site.apply(self.sources.load())
        self.site.apply(self._expanding.load(self._store.get("macros")))
        self._plan.start(copies_of(self.sources.rows))
        self._plan.claim_index(self._search.outputs(self._search.index))
        self._repair = self.books.differences(self._plan.outputs())
        dropped = self._repair.dropped
        self._making.enqueue(row for row in self.books.manifest.stale() if row.path not in dropped)

    def _snapshot(self, has_site: bool) -> wire.Update:  # noqa: FBT001 - called by the pool only
        if has_site:
            return wire.Update(self._generation, Delta(), self._now)
        return wire.Update(self._generation, self.site.snapshot(), self._now, is_snapshot=True)

    # The loop.

    def settle(self, extra: Iterable[int], between: Callable[[], None]) -> list[int]:
        """Work until all is done, or until some of the `extra` handles are ready: these are given back.

        `between` is called now and then.
        """
        handles = list(extra)
        while self._advance():
            ready = self._wait(handles)
            between()
            if ready:
                return ready
        if self._is_loaded:
            self.books.finish()
        self._tries.clear()
        return []

    def idle(self, extra: Iterable[int], patience_s: float = math.inf) -> list[int]:
        """Wait until some of the `extra` handles are ready, or the search index is, or patience has ended.

        There is nothing to do but to replace workers that died.
        """
        handles = [*extra, *self._search.handles()]
        deadline = time.monotonic() + patience_s
        ready = self._wait(handles)
        while not ready and time.monotonic() < deadline:
            ready = self._wait(handles)
        return ready

    def index(self) -> Progress:
        """Make the search index in the background, if it is not that of the pages; tell how far it is.

        To be called when the engine has settled, and again when the index may be done: it then goes into the output.
        """
        if not self._project.policy.has_search and not self._search.index.files:
            return Progress.IDLE
        settings = self.sources.rows.get(PROJECT_PATH)
        origin = self._search.origin(self.books.manifest, settings.digest if settings else b"")
        if not self._search.is_due(origin):
            self._search.close()
            return Progress.IDLE
        self.load()
        index: Index | None = Index(origin)
        if self.site.meta.project.search:
            index = self._search.work(origin, self.books.manifest, self.site)
            self.books.findings.replace(("search",), self._search.findings)
        if index is not None:
            self._publish(index)
            return Progress.DONE
        return Progress.BUSY if self._search.is_running else Progress.IDLE

    def _publish(self, index: Index) -> None:
        change = self._repair.then(self._plan.claim_index(self._search.outputs(index)))
        self._repair = Reassigned({}, set())
        self.totals.removed += len(change.dropped & self.books.manifest.ids.keys())
        self._making.enqueue(self.books.enter_change(partial(self._search.keep, index), change, {}))

    def _advance(self) -> bool:
        """Do what needs no waiting; tell whether workers have something to do."""
        if self._intake is None and self._change is None and (self._look or self._look_is_full):
            with self.totals.planning():
                self._begin_reading()
        is_reading = bool(self._reading)
        if self._intake is not None and not is_reading:
            with self.totals.planning():
                self._apply(self._intake)
        if self._change is not None and not self._expanding.is_busy():
            with self.totals.planning():
                self._finish(self._change)
        return is_reading or self._change is not None or bool(self._making)

    def _wait(self, extra: list[int]) -> list[int]:
        crew = self._staff.crew()
        crew.feed(self._next_task)
        self._staff.show()
        tick = self._reporter.tick()
        deadline = min(crew.next_deadline(), self._expanding.deadline())
        patience = min(deadline - time.monotonic(), TICK_S if tick is None else tick)
        handles = crew.handles() + extra + self._expanding.handles()
        ready = {handle for handle in wait(handles, max(0.0, patience)) if isinstance(handle, int)}
        for event in crew.collect(ready):
            self._handle(event)
        if not crew.under_way():
            self._note("there are no workers left: blogd goes on by itself")
            self._staff.go_on_alone()
        self.books.commit()
        return [handle for handle in extra if handle in ready]

    def _next_task(self, worker: int) -> wire.ReadFiles | wire.RenderPages | None:
        self._batch += 1
        reading = self._reading.next_task(self._batch)
        return reading or self._making.next_task(worker, self._batch, self._generation)

    def _handle(self, event: News) -> None:
        match event:
            case Died():
                self._handle_death(event)
            case Retired(worker=worker, growth=growth):
                self._making.forget_worker(worker)
                self._note(f"worker {worker} had grown by {growth >> 20} MB and was replaced")
            case Missing(worker=worker, reason=reason):
                self._note(f"worker {worker} can't be started: {reason.lower()}")
            case Answered(answer=wire.FilesRead() as answer):
                self._reading.take(answer)
            case Answered(worker=worker, answer=wire.PagesRendered() as answer):
                self._making.take(worker, answer)
            case Answered(answer=wire.WorkerFailed() as answer):
                self._handle_failure(answer)
            case Answered(answer=wire.NotStored(reason=reason)):
                raise StoreError(self._project.bodies, f"can't be written: {reason.lower()}", CHECK_SPACE)
            case Answered(worker=worker, answer=wire.Printed(text=text)):
                self._note(f"worker {worker} printed: {text.strip()}")
            case _:
                pass

    # Looking and reading.

    def look_everywhere(self) -> None:
        """Compare all input folders, and the files of the output, with what is known."""
        self._reporter.emit(PhaseStarted(phase="scan"))
        found = scan(self._project.root, output=self._project.out)
        self.books.findings.replace(("scan",), found.diagnostics)
        self._look = dict(cast("Mapping[str, FileStat | None]", found.files))
        self._look_is_full = True
        self._unlisted = set(found.unlisted)
        if self._is_loaded:
            self._making.enqueue(self.books.doubt_altered())

    def look_at(self, paths: Iterable[str]) -> None:
        """Compare some paths, of which something was reported, with what is known, whatever their stat says."""
        paths = tuple(paths)
        self.sources.doubt(paths)
        found = look(self._project.root, paths, output=self._project.out)
        self.books.findings.review(("scan",), paths, found.diagnostics)
        gone = tuple(f"{path}/" for path, stat in found.files.items() if stat is None)
        self._look = {path: stat for path, stat in self._look.items() if not path.startswith(gone)}  # seen before that
        self._look.update(found.files)
        self._unlisted |= found.unlisted

    def _begin_reading(self) -> None:
        found, unlisted, is_full = self._look, self._unlisted, self._look_is_full
        self._look, self._unlisted, self._look_is_full = {}, set(), False
        changed = self.sources.changed(found, unlisted, is_all=is_full)
        if not changed and not (is_full and self._is_due()) and not self._recovering:
            return
        self.load()
        intake = self._intake = self.sources.begin()
        for path in sorted(changed):
            if not is_post(path) or changed[path] is None:
                self.sources.take(path, changed[path], intake)
        posts = (path for path, stat in changed.items() if is_post(path) and stat is not None)
        wanted = self.sources.to_read(posts, intake)
        if wanted:
            self._reporter.emit(PhaseStarted(phase="read"))
            self._reading.begin(wanted, intake)

    def _is_due(self) -> bool:
        """Tell whether there is work although no source differs."""
        if not self.sources.rows or self.sources.is_other_policy():
            return True
        if self.books.manifest.stale() or self.books.has_strays() or not self.books.is_complete():
            return True
        if self._expanding.has_failed(self._store.get("macros")):
            return True
        return any(self._show_time(name, self._project.now()) != shown for name, shown in self.books.clock().items())

    # Applying.

    def _apply(self, intake: Intake) -> None:
        """Change the site, and begin the macro calls that this asks for."""
        self._reporter.emit(PhaseStarted(phase="plan"))
        self._intake = None
        self._reading.end()
        delta = self.sources.settle(intake)
        changes = self.site.apply(delta)
        is_new = intake.has_new_meta or intake.has_new_scripts
        known = self._expanding.begin(changes, intake.entries, self.sources.scripts, is_all=is_new)
        self._change = _Change(intake, delta, changes, known)

    def _finish(self, change: _Change) -> None:
        """Complete the site with the results of macros, tell the workers, and plan."""
        self._change = None
        intake, changes = change.intake, change.changes
        macros = {**change.known.macros, **self._expanding.finish().macros}
        changes.include(self.site.apply(Delta(macros=macros)))
        delta = msgspec.structs.replace(change.delta, macros=macros)
        for path in intake.copies:
            changes.add(("asset", path))
        self._add_clock(changes)
        self._generation += 1
        self.totals.changed |= intake.rows.keys()
        self._making.overtake(self._generation, changes)
        update = wire.Update(self._generation, delta, self._now)
        for worker in self._staff.update(update, is_idle=not self._making):
            self._making.forget_worker(worker)
        reassigned = self._plan.follow(changes, intake.copies)
        self._note_findings(intake)
        self._make(partial(self._save_change, intake, has_results=bool(macros)), reassigned, changes)

    def _macro_host(self) -> MacroHost:
        from blogd.daemon.macro_host import MacroHost  # noqa: PLC0415 - few sites have macros
        from blogd.daemon.macro_memo import MacroMemo  # noqa: PLC0415 - few sites have macros

        stored = self._store.get("macro-memo")
        return MacroHost.of(self._project.root, MacroMemo.load(stored) if stored else None)

    def _read_source(self, record: str) -> str:
        try:
            return read_source(str(self._project.root), self.site.entries[record].post)
        except LostError:
            return ""  # it has just been changed again, and will be read again

    def _save_change(self, intake: Intake, *, has_results: bool) -> None:
        """Write down what a change came from, within a transaction."""
        self.sources.save(intake)
        if has_results:
            self._store.put("macros", self._expanding.dump())
        memo = self._expanding.memo
        if memo is not None and memo.changed:
            self._store.put("macro-memo", memo.dump())
            memo.changed = False

    def _make(self, save: Callable[[], None], change: Reassigned, changes: Changes) -> None:
        known = self.books.manifest.ids
        change, self._repair = self._repair.then(change), Reassigned({}, set())
        strays = self.books.take_strays()
        change.dropped |= {path for path in strays if path not in known and path not in change.assigned}
        self.totals.removed += sum(path in known for path in change.dropped)
        readers = self.books.manifest.readers(changes) if known and changes else dict[int, int]()
        self._making.enqueue(self.books.enter_change(save, change, readers))
        self._making.enqueue(self._recovering)
        self._recovering = []
        self._making.enqueue_postponed()
        self._reporter.emit(PhaseStarted(phase="render"))
        self.totals.show_all()

    def _add_clock(self, changes: Changes) -> None:
        """Note in which formats the build's time looks otherwise than when it was last shown."""
        shown = self.books.clock()
        before, self._now = self._now, self._project.now()
        for name in self.books.manifest.clock_formats():
            if shown.get(name, self._show_time(name, before)) != self._show_time(name):
                changes.add(("now", name))

    def _clock(self) -> tuple[dict[str, str], int]:
        return {name: self._show_time(name) for name in self.books.manifest.clock_formats()}, self._now

    def _show_time(self, time_format: str, now: int | None = None) -> str:
        return self._project.show_time(self._now if now is None else now, time_format, self.sources.meta.timezone)

    def _note_findings(self, intake: Intake) -> None:
        for path, row in intake.rows.items():
            self.books.findings.replace(("source", path), row.diagnostics if row else ())
        problems = [finding for findings in self.site.problems.values() for finding in findings]
        self.books.findings.replace(("site",), (*problems, *self._plan.problems(), *self._expanding.findings()))

    # Failures.

    def _recover(self, row: PageRow, lost: str) -> None:
        """Read again what a page needed and didn't find, a source or the bodies of a segment; make the page then.

        The text of a source that can't be read is nowhere: its pages stay as they are until it is mended.
        """
        if self.sources.is_lost(lost):
            self._making.postpone(row)
            return
        self._tries[lost] = self._tries.get(lost, 0) + 1
        if self._tries[lost] > MOST_TRIES:
            hint = "save it once more, when all is calm"
            message = "keeps changing while it is read"
            self._making.postpone(row, Diagnostic(severity="error", path=lost, message=message, hint=hint))
            return
        self._recovering.append(row)
        paths = [path for path, entry in self.site.entries.items() if entry.body.segment == lost] or [lost]
        self.sources.distrust(paths)
        self.look_at(paths)

    def _handle_death(self, event: Died) -> None:
        self._making.forget_worker(event.worker)
        self._note(f"worker {event.worker} ({event.pid}) died: {event.reason}{event.last_words}")
        self._staff.show_restart(event.worker)
        if event.suspect is not None:
            self._retry(event.suspect, event, is_suspect=True)
        for task in event.tasks:
            self._retry(task, event, is_suspect=False)

    def _retry(self, task: Task, died: Died, *, is_suspect: bool) -> None:
        if isinstance(task, wire.ReadFiles):
            self._reading.retry(task, died, is_suspect=is_suspect)
        else:
            self._making.retry(task, died, is_suspect=is_suspect)

    def _handle_failure(self, answer: wire.WorkerFailed) -> None:
        self._note(f"internal error: {answer.message}\n{answer.trace}")
        if answer.paths:
            self._reading.fail(answer)
        else:
            self._making.fail(answer.batch, answer.message)

    # Telling.

    def _note(self, text: str) -> None:
        self._reporter.emit(Note(text=text))
