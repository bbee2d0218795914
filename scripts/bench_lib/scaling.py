"""The measurement `scaling`: cold builds over numbers of posts, of workers, and of CPUs.

One worker on a machine of two CPUs has more than one of them: what the coordinator does goes on beside it. So each
number of workers is measured twice where that makes a difference: with all CPUs, and on as many as there are workers.
The first says what a worker more gives, the second what a CPU more gives. Beside these stands what the machine has to
give at most: processes that only compute, and share nothing, slow each other too.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bench_lib import measure, report
from bench_lib.bench import Desk, builds, speed_up

if TYPE_CHECKING:
    from bench_lib.bench import Bench
    from bench_lib.report import Row

_TURNS = 3_000_000


def scaling(bench: Bench) -> None:
    """Measure cold builds; time per page without the start-up."""
    bench = replace(bench, alike=True)
    rows: list[Row] = []
    least = {workers: _start_up_s(bench, workers) for workers in bench.workers}
    for posts in bench.sizes:
        desks = [bench.desk(posts, workers) for workers in bench.workers]
        desks += [replace(desk, cpus=desk.workers) for desk in desks if desk.workers < measure.usable_cpus()]
        for desk, row in zip(desks, builds(posts, desks, "cold", Desk.cold, bench.rounds), strict=True):
            wall, pages = row["wall_s"], row["pages"]
            assert isinstance(wall, float)
            assert isinstance(pages, int | float)
            rows.append({**row, "us_per_page": (wall - least[desk.workers]) * 1e6 / pages})
    starts = ", ".join(f"{seconds:.2f} s with {workers} workers" for workers, seconds in least.items())
    limits = [
        f"{number} processes that only compute do {_most(number, bench.rounds):.2f} x as much as 1."
        for number in bench.workers
        if number > 1
    ]
    report.publish("scaling", rows, notes=[f"Start-up, a blog of one post: {starts}.", *speed_up(rows), *limits])


def _start_up_s(bench: Bench, workers: int) -> float:
    desk = bench.desk(1, workers)
    wall = report.median(desk.cold().usage.wall_s for _ in range(bench.rounds))
    assert wall is not None
    return wall


def _most(processes: int, rounds: int) -> float:
    """Return how much more than one process several do in the same time, if they only compute."""
    runs = report.in_turn({str(number): partial(_computing_s, number) for number in (1, processes)}, rounds)
    one, all_of_them = (report.median(runs[str(number)]) for number in (1, processes))
    assert one is not None
    assert all_of_them is not None
    return processes * one / all_of_them


def _computing_s(processes: int) -> float:
    """Return the seconds that as many processes take for the same work each."""
    started = time.perf_counter()
    children = [_computing() for _ in range(processes)]
    for child in children:
        os.waitpid(child, 0)
    return time.perf_counter() - started


def _computing() -> int:
    child = os.fork()
    if child:
        return child
    known: dict[int, str] = {}
    for turn in range(_TURNS):
        known[turn & 0xFFFF] = str(turn)
    os._exit(0)
