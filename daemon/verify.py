"""`blogd verify`: tell whether the output is what a clean build makes of the sources.

The site is built once more, with a cache of its own and as of the time that the output shows; what comes out otherwise
is written into a folder beside the cache. Pages that can't be rendered keep their last good version: they are left out.
The search index is made from all pages at once, so it is only looked at whether it is as it was left.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec

from blogd.cache.rows import CLEAN
from blogd.daemon.comparison import Comparison
from blogd.daemon.crew import usable_cpus
from blogd.daemon.engine import Engine
from blogd.daemon.events import Started, Verified
from blogd.daemon.exits import ExitCode, RefusalError
from blogd.daemon.last_run import LastRun, last_run, place_of
from blogd.daemon.lock import held
from blogd.daemon.output import OutputError
from blogd.daemon.project import Project, versions
from blogd.daemon.timezone import local_timezone

if TYPE_CHECKING:
    from collections.abc import Generator

    from blogd.daemon.options import Options
    from blogd.daemon.reporter import Reporter


def run_verify(options: Options, reporter: Reporter) -> ExitCode:
    """Compare an output folder with a clean build; RefusalError if it was not built, or is being written."""
    started = time.monotonic()
    place = place_of(options)
    with held(place.cache / "lock", place.out), last_run(place) as known:
        workers = options.workers or usable_cpus()
        reporter.emit(Started(version=version("blogd"), site=str(known.root), out=str(known.out), workers=workers))
        with _clean_project(known, workers) as project, _built(project, known, reporter) as engine:
            manifest = engine.books.manifest
            found = 0
            for difference in Comparison(known, project, engine.site, manifest).differences():
                reporter.emit(difference)
                found += 1
            failed = sum(row.state != CLEAN for row in manifest.pages.values())
            took = round((time.monotonic() - started) * 1000, 1)
            reporter.emit(Verified(files=len(manifest.pages), differences=found, failed=failed, elapsed_ms=took))
            return ExitCode.FAILED if found else ExitCode.DONE


@contextmanager
def _clean_project(known: LastRun, workers: int) -> Generator[Project]:
    """Give a project with the sources of the output and nothing else of it; remove all that it makes."""
    folder = known.cache.with_name(f"{known.cache.name}.verify")
    out, bodies = folder / "html", folder / "bodies"
    shutil.rmtree(folder, ignore_errors=True)
    out.mkdir(parents=True)
    bodies.mkdir()
    policy = msgspec.structs.replace(known.policy, keeps_last_good=False, timezone=local_timezone())
    try:
        yield Project(known.root, out, folder, bodies, workers, policy, versions(), os.getpid(), known.build_time)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _built(project: Project, known: LastRun, reporter: Reporter) -> Generator[Engine]:
    engine = Engine(project, reporter)
    engine.books.twin = known.out
    try:
        engine.open()
        engine.look_everywhere()
        engine.settle([], lambda: None)
        yield engine
    except OutputError as error:
        raise RefusalError(str(error), error.hint) from error
    finally:
        engine.close()
