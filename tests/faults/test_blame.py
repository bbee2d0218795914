"""What waited to be tried alone, and was lost along with a worker that something else killed, is still tried alone."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING
from unittest.mock import MagicMock

from blogd.cache.rows import PageRow
from blogd.daemon import wire
from blogd.daemon.crew import Died
from blogd.daemon.making import Making
from blogd.daemon.reading import Reading

if TYPE_CHECKING:
    from blogd.daemon.crew import Task


def _note(blamed: list[str], of: PageRow | wire.FileResult, *_: object) -> None:
    blamed.append(of.path)


def lose(work: Making | Reading, suspect: Task, *others: Task) -> None:
    died = Died(0, 1, "signal SIGKILL", suspect, others, "")
    work.retry(suspect, died, is_suspect=True)  # type: ignore[arg-type]
    for task in others:
        work.retry(task, died, is_suspect=False)  # type: ignore[arg-type]


def test_a_page_that_was_never_alone_is_not_blamed() -> None:
    names = ["kills-1", "innocent", "kills-2", *(f"page-{number}" for number in range(9))]
    rows = {number: PageRow(number, name, ("copy", "", name)) for number, name in enumerate(names, 1)}
    books, blamed = MagicMock(busy=set()), list[str]()
    books.manifest.pages = rows
    books.enter_page = partial(_note, blamed)
    making, numbers = Making(MagicMock(), books, MagicMock(), 1, MagicMock()), count()

    def take() -> Task:
        task = making.next_task(0, next(numbers), 1)
        assert task is not None
        return task

    making.enqueue([rows[1], rows[2], *(rows[number] for number in range(4, 8))])
    both = take()
    assert [page.path for page in both.tasks] == ["kills-1", "innocent"]
    while making._queue:  # noqa: SLF001
        take()  # the others, which are under way elsewhere
    lose(making, both)
    first, second = take(), take()
    lose(making, first, second)
    making.enqueue(rows[number] for number in (3, *range(8, 13)))
    while not blamed[1:]:
        task = take()
        if "kills-2" in {page.path for page in task.tasks}:
            lose(making, task)
    assert blamed == ["kills-1", "kills-2"]


def test_a_post_that_was_never_alone_is_not_blamed() -> None:
    sources, blamed = MagicMock(), list[str]()
    meta = sources.current_meta.return_value
    meta.timezone, meta.project.highlight = "UTC", True
    sources.take_post = partial(_note, blamed)
    reading, numbers = Reading(sources, MagicMock(), 1), count()

    def take() -> Task:
        task = reading.next_task(next(numbers))
        assert task is not None
        return task

    reading.begin(dict.fromkeys(["a-kills", "b-innocent", "c", "d", "e", "f", "g", "h-kills"], b""), MagicMock())
    tasks = [take(), take()]
    assert [file.path for file in tasks[0].tasks] == ["a-kills", "b-innocent", "c", "d"]
    lose(reading, tasks[0])
    while reading._queue:  # noqa: SLF001
        tasks.append(take())
    first, second = take(), take()
    for task in tasks[1:]:  # a worker has these, and something kills it before it begins
        assert isinstance(task, wire.ReadFiles)
        reading.retry(task, MagicMock(), is_suspect=False)
    lose(reading, first, second)
    while not blamed[1:]:
        task = take()
        if {"a-kills", "h-kills"} & {file.path for file in task.tasks}:
            lose(reading, task)
    assert blamed == ["a-kills", "h-kills"]
