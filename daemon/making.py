"""Outputs on their way: from the queue to a worker, and from its answer into the books.

A page is with at most one worker at a time. Changes that come while it is under way do not call it back: when the
answer comes, it is held against what overtook it, and the page is queued again if it read any of that, has been given
to another key, or was removed. If a worker dies, what it had is tried again: the batch it was at page by page, since
one of these may be what kills; a page that kills when it is tried alone is reported and keeps its last good version.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from blogd.cache.rows import CLEAN, FAILED, STALE, PageRow
from blogd.daemon import wire
from blogd.daemon.queue import LATER, SOON, URGENT, PageQueue
from blogd.render.diagnostic import Diagnostic
from blogd.render.routes import section, when

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from blogd.daemon.books import Books
    from blogd.daemon.crew import Died
    from blogd.daemon.tallies import Totals
    from blogd.render.changes import Changes
    from blogd.render.site import Site

MANY: Final = 5_000  # outputs at a time: a whole site, not an edit


class _Batch(NamedTuple):
    generation: int
    rows: list[PageRow]


class Making:
    """All outputs of a site that are queued or under way.

    `recover` is told of what a page needed and didn't find.
    """

    def __init__(
        self, site: Site, books: Books, totals: Totals, workers: int, recover: Callable[[PageRow, str], None]
    ) -> None:
        self._site = site
        self._books = books
        self._totals = totals
        self._recover = recover
        self._queue = PageQueue(workers)
        self._batches: dict[int, _Batch] = {}
        self._busy = books.busy
        self._readers: dict[int, wire.ReadsReader] = {}
        self._overtaking: list[tuple[int, Changes]] = []
        self._postponed: list[PageRow] = []
        self._suspects: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._queue or self._batches)

    def enqueue(self, rows: Iterable[PageRow]) -> None:
        """Queue outputs; one that is under way is queued when it is back."""
        rows = list(rows)
        for name, number in _counters(rows).items():
            self._totals.expect(name, number)
        self._add(row for row in rows if row.path not in self._busy)

    def _add(self, rows: Iterable[PageRow]) -> None:
        ordered = sorted(rows, key=lambda row: when(self._site, row.key))
        self._queue.add(ordered, self._urgency if len(ordered) < MANY else self._urgency_of_many)

    def enqueue_postponed(self) -> None:
        """Queue what could not be made for reasons that may have passed."""
        rows, self._postponed = self._postponed, []
        self.enqueue(row for row in rows if self._books.manifest.pages.get(row.id) is row and row.state == STALE)

    def _urgency(self, row: PageRow) -> int:
        match row.key:
            case ("post", _, path, *_) if path in self._totals.changed:
                return URGENT
            case ("list", _, _, _, 1) | ("text" | "style", *_):
                return SOON
            case _:
                return LATER

    def _urgency_of_many(self, row: PageRow) -> int:
        """Give the urgency of a page of a whole site, where the order of posts says which are first pages of lists."""
        return LATER if row.key[0] == "list" else self._urgency(row)

    def overtake(self, generation: int, changes: Changes) -> None:
        """Note that the site has moved on while pages are under way."""
        if self._batches:
            self._overtaking.append((generation, changes))

    def next_task(self, worker: int, number: int, generation: int) -> wire.RenderPages | None:
        """Give the next batch for a worker whose site is at a generation."""
        rows = self._queue.take(worker, self._is_wanted)
        if not rows:
            return None
        self._batches[number] = _Batch(generation, rows)
        self._busy.update(row.path for row in rows)
        tasks = tuple(map(self._task, rows))
        self._books.claim(row.path for row in rows)
        return wire.RenderPages(number, tasks)

    def _is_wanted(self, row: PageRow) -> bool:
        return row.state == STALE and row.path not in self._busy and self._books.manifest.pages.get(row.id) is row

    def _task(self, row: PageRow) -> wire.PageTask:
        row.digest = self._books.standing(row)
        return wire.PageTask(row.id, row.path, row.key, row.digest, self._books.is_ours(row.path))

    # Answers.

    def take(self, worker: int, answer: wire.PagesRendered) -> None:
        """Take in what a worker has made."""
        batch = self._batches.pop(answer.batch)
        reader = self._readers.setdefault(worker, wire.ReadsReader(self._books.manifest))
        reader.learn(answer.entities, answer.shared)
        self._queue.learn(batch.rows, answer.seconds)
        for row, result in zip(batch.rows, answer.results, strict=True):
            self._take_page(row, result, batch.generation, reader)
        self._forget_overtaken()
        for name, number in _counters(batch.rows).items():
            self._totals.count(name, number)

    def _take_page(self, row: PageRow, result: wire.PageResult, generation: int, reader: wire.ReadsReader) -> None:
        self._busy.discard(row.path)
        if self._books.manifest.pages.get(row.id) is not row:
            self._take_orphan(row)
        elif result.lost:
            self._recover(row, result.lost)
        else:
            self._books.manifest.set_reads(row, *reader.read(result.reads, result.shared))
            self._note_outcome(row, result)
            if reason := self._overtaken(row, generation):
                row.state, row.reason = STALE, reason
                self.enqueue([row])
            self._books.enter_page(row)

    def _take_orphan(self, row: PageRow) -> None:
        """Deal with a page that was given to another key, or removed, while it was being made."""
        number = self._books.manifest.ids.get(row.path)
        if number is None:
            self._books.remove_file(row.path)
            return
        heir = self._books.manifest.pages[number]
        heir.digest = b""  # the orphan has written over it
        self.enqueue([heir])

    def _note_outcome(self, row: PageRow, result: wire.PageResult) -> None:
        row.diagnostics = result.diagnostics
        self._suspects.discard(row.id)
        if not result.digest:
            row.state = STALE if result.is_passing else FAILED
            if result.is_passing:
                self._postponed.append(row)
            self._books.disclaim(row.path)
            return
        row.state, row.digest = CLEAN, result.digest
        if result.is_written:
            row.size, row.mtime_ns = result.size, result.mtime_ns
        self._totals.note_output(is_rendered=row.key[0] != "copy", is_written=result.is_written)
        self._totals.reasons.setdefault(row.reason, []).append(row.path)

    def _overtaken(self, row: PageRow, generation: int) -> int:
        """Give the reason to make a page anew that was under way while the site changed, 0 if there is none."""
        if not self._overtaking:
            return 0
        later = (changes for number, changes in self._overtaking if number > generation)
        return next(filter(None, (self._books.manifest.reason(row, changes) for changes in later)), 0)

    def _forget_overtaken(self) -> None:
        oldest = min((batch.generation for batch in self._batches.values()), default=None)
        self._overtaking = [] if oldest is None else [change for change in self._overtaking if change[0] > oldest]

    # Failures.

    def forget_worker(self, worker: int) -> None:
        """Forget the numbers of a worker that is gone."""
        self._readers.pop(worker, None)

    def retry(self, task: wire.RenderPages, died: Died, *, is_suspect: bool) -> None:
        """Try again what a dead worker had; `is_suspect` if it was at this batch."""
        for row in self._take_back(task.batch):
            if not is_suspect and row.id not in self._suspects:
                self._add([row])
            elif not is_suspect:  # it was to be tried alone, and wasn't
                self._queue.add_alone(row)
            elif row.id in self._suspects:
                hint = f"look for an endless loop in its template, or a huge page{died.last_words}"
                self._totals.count(_counter(row), 1)
                self.postpone(row, _error(row, f"a worker that made this page died: {died.reason}", hint))
            else:
                self._suspects.add(row.id)
                self._queue.add_alone(row)

    def _take_back(self, number: int) -> list[PageRow]:
        """Give the pages of a batch that won't be answered, without those whose path belongs to others by now."""
        rows = self._batches.pop(number).rows
        self._busy.difference_update(row.path for row in rows)
        mine = [row for row in rows if self._books.manifest.pages.get(row.id) is row]
        for row in rows:
            if self._books.manifest.pages.get(row.id) is not row:
                self._take_orphan(row)
        self._forget_overtaken()
        return mine

    def fail(self, number: int, message: str) -> None:
        """Give up on a batch that met an error of blogd's own."""
        for row in self._take_back(number):
            self._totals.count(_counter(row), 1)
            self.postpone(row, _error(row, f"internal error: {message}", "please report it, with the traceback"))

    def postpone(self, row: PageRow, *findings: Diagnostic) -> None:
        """Leave a page as it is, since it can't be made; what it would read isn't known, so any change may mend it."""
        row.state = STALE
        self._suspects.discard(row.id)
        row.diagnostics = findings
        self._postponed.append(row)
        self._books.disclaim(row.path)
        self._books.enter_page(row)


def _error(row: PageRow, message: str, hint: str) -> Diagnostic:
    return Diagnostic(severity="error", path=row.path, message=message, hint=hint)


def _counters(rows: Iterable[PageRow]) -> Counter[str]:
    return Counter(map(_counter, rows))


def _counter(row: PageRow) -> str:
    """Name the section in which an output is counted."""
    name = section(row.key)
    return "copies" if name == "copy" else name
