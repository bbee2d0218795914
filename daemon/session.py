"""A run from beginning to end: `blogd build` once, `blogd watch` until it is stopped."""

from __future__ import annotations

import gc
import os
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from blogd.daemon.crew import usable_cpus
from blogd.daemon.engine import Engine
from blogd.daemon.events import Built, DiagnosticEvent, Ready, RebuildStarted, Started
from blogd.daemon.exits import ExitCode
from blogd.daemon.lock import held
from blogd.daemon.memory import MemoryGauge
from blogd.daemon.project import open_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blogd.daemon.batch import Batch
    from blogd.daemon.options import Options
    from blogd.daemon.project import Project
    from blogd.daemon.reporter import Reporter
    from blogd.daemon.watcher import Watcher


def run_build(options: Options, reporter: Reporter) -> ExitCode:
    """Build once."""
    started = time.monotonic()
    with _session(options, reporter) as session:
        session.engine.look_everywhere()
        session.work()
        session.report(started)
        return session.exit_code()


def run_watch(options: Options, reporter: Reporter) -> ExitCode:
    """Build, then follow changes; ends by a signal only."""
    from blogd.daemon.watcher import Mode, Watcher  # noqa: PLC0415 - brings what a build can spare

    started = time.monotonic()
    with _session(options, reporter) as session:
        session.engine.load()
        session.engine.start_workers()  # before there are threads
        mode = Mode.POLLING if options.poll else Mode.EVENTS
        with Watcher(session.project.root, mode=mode, output=session.project.out) as watcher:
            session.engine.look_everywhere()
            session.follow(watcher, started)
            reporter.emit(Ready())
            while True:
                session.engine.idle([watcher.fileno()])
                session.follow(watcher, 0.0)


class _Session:
    """An engine at work, and what is told of it."""

    def __init__(self, project: Project, reporter: Reporter) -> None:
        self.project = project
        self.engine = Engine(project, reporter)
        self._reporter = reporter
        self._memory = MemoryGauge()
        self._mended: list[str] = []

    def work(self, *handles: int) -> list[int]:
        """Let the engine settle; end early with the handles that are ready."""
        ready = self.engine.settle(handles, self._look_around)
        self._memory.measure(self._pids(), now=True)
        return ready

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
        if is_due or self.engine.totals.changed:
            self.report(started or time.monotonic())

    def _take(self, batch: Batch) -> bool:
        """Hand a batch to the engine; tell whether it names something that blogd reads."""
        if batch.diagnostics:
            self.engine.books.findings.replace(("watch",), batch.diagnostics)
        if batch.rescan:
            self.engine.look_everywhere()
        elif batch.paths:
            self._reporter.emit(RebuildStarted(changed=tuple(sorted(batch.paths))))
            self.engine.look_at(batch.paths)
        return bool(batch.paths)

    def _look_around(self) -> None:
        """Measure memory and tell what was found, now and then."""
        if self._memory.measure(self._pids()):
            self._tell_news()

    def _tell_news(self) -> None:
        new, mended = self.engine.books.findings.take_news()
        for diagnostic in new:
            self._reporter.emit(DiagnosticEvent(diagnostic=diagnostic))
        self._mended += mended

    def _pids(self) -> list[int]:
        return [os.getpid(), *self.engine.worker_pids]

    def report(self, started: float) -> None:
        """Tell what is new, and sum up."""
        findings, totals = self.engine.books.findings, self.engine.totals
        pages = len(self.engine.books.manifest.pages)
        self._tell_news()
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
                peak_bytes=self._memory.peak,
            )
        )
        totals.restart()

    def exit_code(self) -> ExitCode:
        """Say how it went."""
        return ExitCode.FAILED if self.engine.books.findings.errors() else ExitCode.DONE


@contextmanager
def _session(options: Options, reporter: Reporter) -> Iterator[_Session]:
    gc.set_threshold(100_000, 20, 100)  # most of what is made here stays
    project = open_project(options, options.workers or usable_cpus())
    with held(project.cache / "lock", project.out):
        if options.clean:
            _forget(project)
        reporter.emit(
            Started(version=_version(), site=str(project.root), out=str(project.out), workers=project.workers)
        )
        session = _Session(project, reporter)
        try:
            session.engine.open()
            yield session
        finally:
            session.engine.close()


def _forget(project: Project) -> None:
    """Remove the cache of this output, but for the lock."""
    shutil.rmtree(project.bodies)
    project.bodies.mkdir()
    for path in project.cache.glob("cache.*"):
        path.unlink()


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415

    return version("blogd")
