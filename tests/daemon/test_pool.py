"""A pool of real processes, forked from this one: what they do is patched here, before they start."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from multiprocessing.connection import wait
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from unittest.mock import patch

import pytest

from blogd.daemon import pool, wire, worker_process
from blogd.daemon.crew import Answered, Died, Missing, Retired
from blogd.daemon.pool import Pool
from blogd.daemon.worker import Setup, Worker
from blogd.render.delta import Delta
from blogd.render.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from blogd.daemon.crew import News, Task


class Crew:
    """A pool and what it has said; `deeds` are what a worker does instead of reading a post, by its path."""

    def __init__(self, folder: Path, size: int = 1, growth: int = 1 << 40) -> None:
        for name in ("site", "out", "cache/bodies"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        root, out, bodies, code = (str(folder / name) for name in ("site", "out", "cache/bodies", "code"))
        site = Site()
        site.apply(Delta())
        setup = Setup(root, out, bodies, code, os.getpid(), growth)
        self.pool = Pool(size, setup, site, lambda _: wire.Update(1, Delta(), 0))
        self.news: list[News] = []
        self._waiting: list[Task] = []
        self._batch = 0

    def give(self, *paths: str) -> None:
        self._batch += 1
        files = tuple(wire.FileTask(path, b"") for path in paths)
        self._waiting.append(wire.ReadFiles(self._batch, files, "UTC", highlight=False))

    def feed(self) -> None:
        self.pool.feed(lambda _: self._waiting.pop(0) if self._waiting else None)

    def step(self) -> list[News]:
        """Hand out work, wait for something, and take it in."""
        self.feed()
        news: list[News] = []
        while not news:
            ready = {handle for handle in wait(self.pool.handles(), 0.05) if isinstance(handle, int)}
            news = self.pool.collect(ready)
        self.news += news
        return news

    def until(self, kind: type[News]) -> News:
        """Go on until there is news of a kind."""
        while True:
            for news in self.step():
                if isinstance(news, kind):
                    return news

    def paths(self) -> list[list[str]]:
        """Give what was read, by answer."""
        answers = [news.answer for news in self.news if isinstance(news, Answered)]
        return [[result.path for result in answer.results] for answer in answers if isinstance(answer, wire.FilesRead)]


@pytest.fixture(autouse=True)
def deeds(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], object]]:
    """What a worker does instead of reading a post, by its path."""
    found: dict[str, Callable[[], object]] = {}

    def read(_: Worker, task: wire.FileTask, __: wire.ReadFiles) -> wire.FileResult:
        found.get(task.path, bool)()
        return wire.FileResult(task.path)

    monkeypatch.setattr(Worker, "_read", read)
    monkeypatch.setenv(pool.START_METHOD, "fork")
    return found


@pytest.fixture
def crew(tmp_path: Path) -> Generator[Callable[..., Crew]]:
    made: list[Crew] = []

    def make(**options: int) -> Crew:
        made.append(Crew(tmp_path, **options))
        return made[-1]

    yield make
    for each in made:
        each.pool.close()


def tasks_of(tasks: Sequence[Task]) -> list[list[str]]:
    return [[file.path for file in cast("wire.ReadFiles", task).tasks] for task in tasks]


def test_batches_are_answered_in_order(crew: Callable[..., Crew]) -> None:
    one = crew()
    for number in range(5):
        one.give(f"{number}a", f"{number}b")
    while len(one.paths()) < 5:
        one.step()

    assert one.paths() == [[f"{number}a", f"{number}b"] for number in range(5)]


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        (lambda: os._exit(7), "exit code 7"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "signal SIGSEGV"),
        (lambda: os.kill(os.getpid(), signal.SIGSTOP), "no answer in time"),
    ],
)
def test_a_worker_that_is_lost_is_replaced_and_gives_back_what_it_had(
    crew: Callable[..., Crew],
    deeds: dict[str, Callable[[], object]],
    monkeypatch: pytest.MonkeyPatch,
    deed: Callable[[], object],
    reason: str,
) -> None:
    monkeypatch.setattr(pool, "LIMIT_S", 1.0)
    monkeypatch.setattr(pool, "PER_TASK_S", 0.0)
    deeds["bad"] = deed
    one = crew()
    (pid,) = one.pool.pids
    one.give("good")
    one.until(Answered)
    one.give("bad", "beside")
    one.give("behind")

    died = one.until(Died)

    assert isinstance(died, Died)
    assert (died.pid, died.reason) == (pid, reason)
    assert died.suspect is not None
    assert (tasks_of([died.suspect]), tasks_of(died.tasks)) == ([["bad", "beside"]], [["behind"]])
    one.give("after")
    one.until(Answered)
    assert one.paths() == [["good"], ["after"]]
    assert pid not in one.pool.pids


def test_last_words_are_kept(crew: Callable[..., Crew], deeds: dict[str, Callable[[], object]]) -> None:
    def say_and_die() -> None:
        os.write(2, b"farewell")
        os._exit(1)

    deeds["bad"] = say_and_die
    one = crew()
    one.give("bad")

    died = one.until(Died)

    assert isinstance(died, Died)
    assert died.printed == "farewell"


def test_what_is_printed_comes_with_the_answer(
    crew: Callable[..., Crew], deeds: dict[str, Callable[[], object]]
) -> None:
    deeds["loud"] = lambda: os.write(1, b"hello")
    one = crew()
    one.give("loud")
    one.give("quiet")
    while len(one.paths()) < 2:
        one.step()

    printed = [
        news.answer.text for news in one.news if isinstance(news, Answered) and isinstance(news.answer, wire.Printed)
    ]
    assert printed == ["hello"]


def test_a_worker_that_has_grown_is_replaced_when_it_is_idle(
    crew: Callable[..., Crew], deeds: dict[str, Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "GROWN", 16 << 20)
    kept: list[bytes] = []
    deeds["large"] = lambda: kept.append(b"x" * (64 << 20))
    one = crew()
    (pid,) = one.pool.pids
    one.give("large")
    one.give("behind")

    retired = one.until(Retired)

    assert isinstance(retired, Retired)
    assert retired.growth > 16 << 20
    assert one.paths() == [["large"], ["behind"]]
    assert one.pool.pids != [pid]


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's limit")
def test_memory_without_end_is_refused(crew: Callable[..., Crew], deeds: dict[str, Callable[[], object]]) -> None:
    def grow() -> None:
        kept: list[bytes] = []
        while True:
            kept.append(b"x" * (16 << 20))

    deeds["endless"] = grow
    one = crew(growth=128 << 20)
    (pid,) = one.pool.pids
    one.give("endless", "beside")
    one.until(Answered)

    (answer,) = [news.answer for news in one.news if isinstance(news, Answered)]
    assert isinstance(answer, wire.FilesRead)
    messages = [[found.message for found in result.diagnostics] for result in answer.results]
    assert messages == [["needs more memory than there is"], []]
    assert one.pool.pids == [pid]


def test_a_pool_without_processes_says_why(crew: Callable[..., Crew]) -> None:
    with patch.object(os, "fork", side_effect=BlockingIOError(11, "Resource temporarily unavailable")):
        one = crew(size=2)
    one.step()

    assert one.news == [Missing(number, "[Errno 11] Resource temporarily unavailable") for number in range(2)]
    assert one.pool.under_way() == {}


def _exit(_: object) -> None:
    os._exit(3)


def test_a_worker_that_never_starts_is_given_up(crew: Callable[..., Crew], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "_prepare", _exit)
    one = crew()
    one.give("innocent")

    missing = one.until(Missing)

    died = [news for news in one.news if isinstance(news, Died)]
    assert len(died) == pool.STARTS_MOST
    assert [each.suspect for each in died] == [None] * len(died)
    assert isinstance(missing, Missing)
    assert "exit code 3" in missing.reason


def test_large_tasks_and_large_answers_do_not_wait_for_each_other(crew: Callable[..., Crew]) -> None:
    one = crew()
    large = ["x" * (4 << 20), "y" * (4 << 20), "z" * (4 << 20)]
    for path in large:
        one.give(path)
    while len(one.paths()) < 3:
        one.step()

    assert one.paths() == [[path] for path in large]


def test_a_coordinator_that_was_stopped_gives_its_workers_more_time(
    crew: Callable[..., Crew], deeds: dict[str, Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr(pool, "time", SimpleNamespace(monotonic=lambda: now_s))
    deeds["endless"] = signal.pause
    one = crew()
    one.give("endless")
    one.feed()
    now_s += 10 * pool.LIMIT_S
    after_a_stop = one.pool.collect([])
    while not one.news:
        now_s += pool.PAUSE_S
        one.news = one.pool.collect([])

    assert after_a_stop == []
    assert [type(news) for news in one.news] == [Died]


def test_workers_end_with_the_pool(crew: Callable[..., Crew]) -> None:
    one = crew(size=2)
    pids = one.pool.pids
    one.pool.close()

    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
