"""Posts on their way: from the queue to a worker, and from its answer into the intake.

If a worker dies, what it had is read again: the batch it was at post by post, since one of these may be what kills. A
post that kills a worker when it is read alone is reported, and counts as one that can't be read.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from blogd.daemon import wire
from blogd.render.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blogd.daemon.crew import Died
    from blogd.daemon.sources import Intake, Sources
    from blogd.daemon.tallies import Totals

BATCH: Final = 64


class Reading:
    """All posts that are queued to be read or under way; what they say goes to one intake at a time."""

    def __init__(self, sources: Sources, totals: Totals, workers: int) -> None:
        self._sources = sources
        self._totals = totals
        self._workers = workers
        self._meta = sources.meta
        self._intake: Intake | None = None
        self._queue: deque[wire.FileTask] = deque()
        self._suspects: deque[wire.FileTask] = deque()
        self._alone: set[str] = set()
        self._open = 0

    def __bool__(self) -> bool:
        return bool(self._queue or self._suspects or self._open)

    def begin(self, wanted: Mapping[str, bytes], intake: Intake) -> None:
        """Queue posts, with their known digests."""
        self._intake = intake
        self._meta = self._sources.current_meta()
        self._totals.expect("posts", len(wanted))
        self._totals.show("posts")
        self._queue.extend(wire.FileTask(path, known) for path, known in sorted(wanted.items()))

    def end(self) -> None:
        """Let go of the intake, since nothing is left to be read."""
        self._intake = None
        self._alone.clear()

    def next_task(self, number: int) -> wire.ReadFiles | None:
        """Give the next batch."""
        if self._queue:
            size = max(1, min(BATCH, len(self._queue) // (2 * self._workers)))
            tasks = tuple(self._queue.popleft() for _ in range(size))
        elif self._suspects:
            tasks = (self._suspects.popleft(),)
        else:
            return None
        self._open += 1
        return wire.ReadFiles(number, tasks, self._meta.timezone, self._meta.project.highlight)

    def take(self, answer: wire.FilesRead) -> None:
        """Take in what a worker has read."""
        self._open -= 1
        for result in answer.results:
            self._enter(result)
        self._totals.count("posts", len(answer.results))

    def retry(self, task: wire.ReadFiles, died: Died, *, is_suspect: bool) -> None:
        """Read again what a dead worker had; `is_suspect` if it was at this batch."""
        self._open -= 1
        if not is_suspect:
            alone = [file for file in task.tasks if file.path in self._alone]
            self._suspects.extend(alone)  # it was to be tried alone, and wasn't
            self._queue.extendleft(reversed(task.tasks) if not alone else ())
            return
        for file in task.tasks:
            if file.path in self._alone:
                self._give_up(file.path, f"a worker that read this post died: {died.reason}", died.last_words)
            else:
                self._alone.add(file.path)
                self._suspects.append(file)

    def fail(self, answer: wire.WorkerFailed) -> None:
        """Give up on a batch that met an error of blogd's own."""
        self._open -= 1
        for path in answer.paths:
            self._give_up(path, f"internal error: {answer.message}")

    def _give_up(self, path: str, message: str, last_words: str = "") -> None:
        hint = f"look for what is unusual in it; if nothing is, please report it{last_words}"
        finding = Diagnostic(severity="error", path=path, message=message, hint=hint)
        self._enter(wire.FileResult(path, 0, diagnostics=(finding,)))
        self._sources.give_up(path)
        self._totals.count("posts", 1)

    def _enter(self, result: wire.FileResult) -> None:
        assert self._intake is not None
        self._sources.take_post(result, self._intake)
