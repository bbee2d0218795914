"""A run from beginning to end: `blogd build` once, `blogd watch` until it is stopped."""

from __future__ import annotations

import gc
import math
import shutil
import time
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final, NoReturn

from blogd.cache.database import DamagedError, StoreError, set_aside, translated
from blogd.cache.store import DATABASE
from blogd.daemon.crew import usable_cpus
from blogd.daemon.engine import Engine
from blogd.daemon.events import Built, DiagnosticEvent, Indexed, Note, PhaseStarted, Ready, RebuildStarted, Started
from blogd.daemon.exits import ExitCode, RefusalError, readers
from blogd.daemon.explaining import explained
from blogd.daemon.lock import held
from blogd.daemon.memory import MemoryGauge
from blogd.daemon.output import OutputError
from blogd.daemon.project import open_project
from blogd.daemon.reporter import OutputClosedError
from blogd.daemon.searching import Progress
from blogd.render.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from blogd.daemon.batch import Batch
    from blogd.daemon.options import Options
    from blogd.daemon.project import Project
    from blogd.daemon.reporter import Reporter
    from blogd.daemon.watcher import Watcher

RETRY_S: Final = 5.0
LOOK_S: Final = 0.5  # at what a search index takes
QUIET_S: Final = 3.0  # at least, without an edit, before search is brought up to date


def run_build(options: Options, reporter: Reporter) -> ExitCode:
    """Build once."""
    started = time.monotonic()
    with _project(options, reporter) as project:
        try:
            try:
                return _build(project, options, reporter, started)
            except DamagedError as error:
                _begin_anew(error, reporter)
                return _build(project, options, reporter, started)
        except (StoreError, OutputError) as error:
            reporter.emit(DiagnosticEvent(diagnostic=_diagnostic(error, project)))
            return ExitCode.FAILED


def _build(project: Project, options: Options, reporter: Reporter, started: float) -> ExitCode:
    with _session(project, options, reporter) as session:
        session.engine.look_everywhere()
        session.work()
        while session.index() is Progress.BUSY:
            reporter.emit(PhaseStarted(phase="index"))
            session.engine.idle((), LOOK_S)
        session.report(started)
        return session.exit_code()


def run_watch(options: Options, reporter: Reporter) -> ExitCode:
    """Build, then follow changes; ends by a signal only."""
    while True:
        with suppress(_CacheGoneError), _project(options, reporter) as project, ExitStack() as stack:
            _Watch(project, options, reporter, stack).run()
        reporter.emit(Note(text="the cache is gone: blogd begins anew"))


class _CacheGoneError(Exception):
    """The cache was removed, or went with its site; what is still open of it is of no use, its lock neither."""


class _Watch:
    """A watch. What can't be written leaves a session without use: it is told, and a new one begins after a while."""

    def __init__(self, project: Project, options: Options, reporter: Reporter, stack: ExitStack) -> None:
        self._project = project
        self._options = options
        self._reporter = reporter
        self._stack = stack
        self._watcher: Watcher | None = None
        self._is_ready = False
        self._told: Diagnostic | None = None

    def run(self) -> NoReturn:
        """Work until an exception ends it."""
        while True:
            try:
                with _session(self._project, self._options, self._reporter) as session:
                    self._follow(session)
            except (StoreError, OutputError) as error:
                self._deal_with(error)

    def _follow(self, session: _Session) -> NoReturn:
        started = time.monotonic()
        session.engine.load()
        session.engine.books.manifest.index()  # here and below: as the first save would have to
        session.engine.start_workers()  # before there are threads
        watcher = self._watcher = self._watcher or self._started_watcher()
        session.engine.look_everywhere()
        session.follow(watcher, started)
        session.engine.books.manifest.index()
        self._told = None
        if not self._is_ready:
            self._is_ready = True
            self._reporter.emit(Ready())
        is_news = True
        listening = readers()
        while True:
            ready = session.engine.idle([watcher.fileno(), *listening], session.quiet_s if is_news else math.inf)
            if not set(ready).isdisjoint(listening):
                raise OutputClosedError
            is_news = watcher.fileno() in ready
            if is_news:
                session.follow(watcher, 0.0)
                continue
            progress = session.index(watcher.fileno())
            is_news = progress is Progress.BUSY
            if progress is Progress.DONE:
                session.report_index()

    def _started_watcher(self) -> Watcher:
        from blogd.daemon.watcher import Mode, Watcher  # noqa: PLC0415 - brings what a build can spare

        mode = Mode.POLLING if self._options.poll else Mode.EVENTS
        return self._stack.enter_context(Watcher(self._project.root, mode=mode, output=self._project.out))

    def _deal_with(self, error: StoreError | OutputError) -> None:
        if not self._project.bodies.is_dir() and self._project.root.is_dir():
            raise _CacheGoneError from error
        diagnostic = _diagnostic(error, self._project)
        if diagnostic != self._told:
            self._told = diagnostic
            self._reporter.emit(DiagnosticEvent(diagnostic=diagnostic))
        if isinstance(error, DamagedError):
            _begin_anew(error, self._reporter)
        handles = [self._watcher.fileno()] if self._watcher else []
        wait(handles, RETRY_S)
        if self._watcher:
            self._watcher.receive()  # the next session looks everywhere


class _Session:
    """An engine at work, and what is told of it."""

    def __init__(self, project: Project, reporter: Reporter, *, explains: bool) -> None:
        self.project = project
        self._explains = explains
        self.engine = Engine(project, reporter)
        self._reporter = reporter
        self._memory = MemoryGauge()
        self._database = _identity(project.cache / DATABASE)
        self._mended: list[str] = []
        self.quiet_s = QUIET_S
        self._is_told = False
        self._index_since = 0.0
        self._is_index_unfinished = False

    def work(self, *handles: int) -> list[int]:
        """Let the engine settle; end early with the handles that are ready."""
        self._memory.rest()
        return self.engine.settle(handles, self._look_around)

    def index(self, *handles: int) -> Progress:
        """Go on with the search index, and tell how far it is: done when its files are in the output.

        What is ready on the `handles` comes first: call again after that.
        """
        progress = self.engine.index()
        if progress is Progress.BUSY:
            self._index_since = self._index_since or time.monotonic()
            self._memory.measure(now=True)
        elif progress is Progress.DONE or self._is_index_unfinished:
            self._is_index_unfinished = bool(self.work(*handles))
            progress = Progress.BUSY if self._is_index_unfinished else Progress.DONE
        self._tell_news(is_over=True)
        return progress

    def report_index(self) -> None:
        """Tell that search is up to date, and what that took; nothing where there is no search."""
        now, totals = time.monotonic(), self.engine.totals
        elapsed_s = now - (self._index_since or now)
        if self._index_since or totals.written or totals.removed:
            elapsed_ms = round(elapsed_s * 1000, 1)
            self._reporter.emit(Indexed(written=totals.written, removed=totals.removed, elapsed_ms=elapsed_ms))
        self._index_since = 0.0
        self.quiet_s = max(QUIET_S, elapsed_s)
        totals.restart()

    def follow(self, watcher: Watcher, started: float) -> None:
        """Take in what the watcher says, until nothing is left to do; then sum up.

        `started` is when the work began, 0 if that is when the first change was reported.
        """
        is_due = bool(started)
        ready = True
        while ready:
            batch = watcher.receive()
            is_due = self._take(batch) or is_due
            started = started or batch.since_s
            ready = bool(self.work(watcher.fileno()))
        if is_due or self.engine.totals.changed or self.engine.totals.written:
            self.report(started or time.monotonic())

    def _take(self, batch: Batch) -> bool:
        """Hand a batch to the engine; tell whether it names something that blogd reads."""
        if _identity(self.project.cache / DATABASE) != self._database and self.project.root.is_dir():
            raise _CacheGoneError
        if batch.diagnostics or batch.rescan:
            self.engine.books.findings.replace(("watch",), batch.diagnostics or self._lasting())
        if batch.rescan:
            self.engine.look_everywhere()
        elif batch.paths:
            self._reporter.emit(RebuildStarted(changed=tuple(sorted(batch.paths))))
            self.engine.look_at(batch.paths)
        return bool(batch.paths)

    def _lasting(self) -> list[Diagnostic]:
        """Give what the watcher has said for good: errors are over when it looks at everything again."""
        return [item for item in self.engine.books.findings.of(("watch",)) if item.severity == "warning"]

    def _look_around(self) -> None:
        """Measure memory and tell what was found, now and then."""
        if self._memory.measure():
            self._tell_news(is_over=False)

    def _tell_news(self, *, is_over: bool) -> None:
        new, mended = self.engine.books.findings.take_news(is_over=is_over)
        for diagnostic in new:
            self._reporter.emit(DiagnosticEvent(diagnostic=diagnostic))
        self._mended += mended

    def report(self, started: float) -> None:
        """Tell what is new, and sum up."""
        findings, totals = self.engine.books.findings, self.engine.totals
        pages = len(self.engine.books.manifest.pages)
        self._tell_news(is_over=True)
        if not self._is_told:
            self._memory.measure(now=True)
        for event in explained(totals.reasons, self.engine.books.manifest.entity) if self._explains else ():
            self._reporter.emit(event)
        mended, self._mended = self._mended, []
        self._reporter.emit(
            Built(
                changed=tuple(sorted(totals.changed)),
                pages=pages,
                rendered=totals.rendered,
                written=totals.written,
                unchanged=pages - totals.written,
                removed=totals.removed,
                failed=findings.failed(),
                elapsed_ms=round((time.monotonic() - started) * 1000, 1),
                mended=tuple(mended),
                standing=findings.errors(),
                planning_ms=round(totals.planning_s * 1000, 2),
                peak_bytes=self._memory.peak,
            )
        )
        if self._is_told:
            self._memory.measure(now=True)  # for the next time: nobody waits now
        self._is_told = True
        totals.restart()

    def exit_code(self) -> ExitCode:
        """Say how it went."""
        return ExitCode.FAILED if self.engine.books.findings.errors() else ExitCode.DONE


@contextmanager
def _project(options: Options, reporter: Reporter) -> Generator[Project]:
    """Open a project, and have it for oneself."""
    gc.set_threshold(100_000, 20, 100)  # most of what is made here stays
    project = open_project(options, options.workers or usable_cpus())
    with held(project.cache / "lock", project.out, lambda text: reporter.emit(Note(text=text))):
        if options.clean:
            _forget(project)
        reporter.emit(
            Started(version=_version(), site=str(project.root), out=str(project.out), workers=project.workers)
        )
        yield project


@contextmanager
def _session(project: Project, options: Options, reporter: Reporter) -> Generator[_Session]:
    with translated(project.cache / DATABASE):
        session = _Session(project, reporter, explains=options.verbose)
        try:
            session.engine.open()
            yield session
        finally:
            session.engine.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell which file is at a path, None if there is none."""
    with suppress(OSError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None


def _forget(project: Project) -> None:
    """Remove the cache of this output, but for the lock."""
    try:
        shutil.rmtree(project.bodies)
        project.bodies.mkdir()
        for path in project.cache.glob("cache.*"):
            path.unlink()
    except OSError as error:
        raise RefusalError(f"{project.cache}: can't be removed: {error.strerror}", "remove it by hand") from error


def _begin_anew(error: DamagedError, reporter: Reporter) -> None:
    set_aside(error.path)
    reporter.emit(Note(text=f"the cache was set aside, and everything is made anew: {error.reason}"))


def _diagnostic(error: StoreError | OutputError, project: Project) -> Diagnostic:
    if isinstance(error, StoreError):
        return Diagnostic(severity="error", path=str(error.path), message=error.reason.lower(), hint=error.hint)
    return Diagnostic(severity="error", path=str(project.out), message=str(error), hint=error.hint)


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - brings the e-mail parser

    return version("blogd")
