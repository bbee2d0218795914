"""In what order, and to whom, pages are handed out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from blogd.cache.rows import PageRow
from blogd.daemon.queue import LATER, MOST, SOON, TARGET_S, URGENT, PageQueue

if TYPE_CHECKING:
    from collections.abc import Iterable


def pages(numbers: Iterable[int]) -> list[PageRow]:
    return [PageRow(number, f"{number}/index.html", ("post", "en", f"posts/{number}.md")) for number in numbers]


def queue(numbers: Iterable[int], workers: int = 1, urgency: int = LATER) -> PageQueue:
    made = PageQueue(workers)
    made.add(pages(numbers), lambda _: urgency)
    return made


def take(waiting: PageQueue, worker: int = 0) -> list[int]:
    return [row.id for row in waiting.take(worker, lambda _: True)]


def rest(waiting: PageQueue) -> list[int]:
    found: list[int] = []
    while batch := take(waiting):
        found += batch
    return found


def test_the_more_urgent_comes_first_and_each_class_in_order() -> None:
    waiting = queue([1, 2, 3])
    waiting.add(pages([4, 5, 1]), lambda _: SOON)
    waiting.add(pages([6, 2, 5]), lambda _: URGENT)
    waiting.add(pages([6, 4]), lambda _: LATER)
    assert len(waiting) == 6
    assert rest(waiting) == [6, 2, 5, 4, 1, 3]
    assert len(waiting) == 0


def test_each_worker_has_a_stretch_and_helps_from_the_end_of_the_longest() -> None:
    waiting = queue(range(300), workers=3)
    assert [take(waiting, worker)[0] for worker in (0, 1, 2)] == [0, 100, 200]
    while (batch := take(waiting, 2))[0] >= 200:
        pass
    assert batch[0] in {99, 199}
    assert batch == sorted(batch, reverse=True)


def test_a_worker_that_took_the_place_of_another_has_its_stretch() -> None:
    assert take(queue(range(300), workers=3), worker=7)[0] == 100


def test_batches_take_about_the_same_time_and_shrink_towards_the_end() -> None:
    waiting = queue(range(1000))
    assert len(take(waiting)) == round(TARGET_S / 0.001)
    for _ in range(50):
        waiting.learn(pages(range(10)), 10 * TARGET_S / 7.5)
    assert len(take(waiting)) == 8
    for _ in range(50):
        waiting.learn(pages(range(10)), 0.0)
    assert len(take(waiting)) == MOST
    assert [len(take(queue(range(many)))) for many in (9, 2, 1)] == [3, 1, 1]


@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_not_wanted_any_more_is_left_out(is_first: bool) -> None:  # noqa: FBT001 - a parameter of the test
    waiting = queue([1, 2])
    assert [row.id for row in waiting.take(0, lambda row: (row.id == 1) is is_first)] == [1 if is_first else 2]


def test_a_suspect_waits_for_all_others() -> None:
    waiting = queue([1, 2, 3])
    waiting.add_alone(pages([1])[0])
    waiting.add(pages([1]), lambda _: URGENT)
    assert waiting.is_suspect(1)
    assert rest(waiting) == [2, 3, 1]
