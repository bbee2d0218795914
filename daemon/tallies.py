"""What a build has done so far: counted once here, for the progress display and for the summary."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from blogd.daemon.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from blogd.daemon.events import Section
    from blogd.daemon.reporter import Reporter


class Totals:
    """Counts since the last `restart`."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.restart()

    def restart(self) -> None:
        """Begin a new count."""
        self.changed: set[str] = set()
        self.rendered = self.written = self.removed = 0
        self.planning_s = 0.0
        self.reasons: dict[int, list[str]] = {}  # the outputs that were made, by the reason in their rows
        self._done: dict[str, int] = {}
        self._expected: dict[str, int] = {}

    @contextmanager
    def planning(self) -> Generator[None]:
        """Count the CPU time that is spent inside."""
        started = time.process_time()
        yield
        self.planning_s += time.process_time() - started

    def expect(self, name: str, number: int) -> None:
        """Note that so many more of a section are to be done."""
        self._expected[name] = self._expected.get(name, 0) + number

    def count(self, name: str, number: int) -> None:
        """Note that so many of a section are done."""
        self._done[name] = self._done.get(name, 0) + number
        self.show(name)

    def show_all(self) -> None:
        """Show the sections as they stand."""
        for name in self._expected:
            self.show(name)

    def show(self, name: str) -> None:
        """Show one section."""
        done = self._done.get(name, 0)
        total = max(done, self._expected.get(name, 0))
        self._reporter.emit(Progress(section=cast("Section", name), done=done, total=total))

    def note_output(self, *, is_rendered: bool, is_written: bool) -> None:
        """Note that an output came out well."""
        self.rendered += is_rendered
        self.written += is_written
