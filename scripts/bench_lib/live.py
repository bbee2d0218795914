"""Saves under a running watcher, and what the output folder then says about them.

Times count from the moment after the save. The edited page is watched by `stat` every half millisecond. The last page
is known from the files' own times, which the kernel keeps in steps of a few milliseconds; a removal leaves no time, so
the edited page's own counts as well. What was written is counted in the output, not taken from what the program says
of itself.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench_lib import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench_lib.edits import Edit
    from bench_lib.program import Watch

_POLL_S = 0.0005
_LONGEST_S = 120


@dataclass(frozen=True, slots=True)
class Saved:
    """What one save led to; `changed` counts files whose bytes were written anew."""

    page_ms: float
    last_ms: float
    built_ms: float
    cpu_ms: float
    planning_ms: float | None
    rendered: int
    changed: int
    removed: int


def save(watch: Watch, edit: Edit, site: Path, out: Path) -> Saved:
    """Apply an edit and follow it to its end."""
    page = out / edit.page
    shown = appearance(page)
    cpu = measure.cpu_s(watch.processes())
    before_ns = time.time_ns()
    edit.apply(site)
    start, clock_ns = time.perf_counter(), time.time_ns()

    def done() -> bool:
        watch.check()
        return (now := appearance(page)) != shown and (now is None) is edit.gone

    page_ms = until(done, start)
    rebuilds = watch.built(edit.paths)
    cpu_ms = (measure.cpu_s(watch.processes()) - cpu) * 1000
    since = [written for written in written_ns(out) if written > before_ns - tick_ns()]
    planning = [row.planning_ms for row in rebuilds if row.planning_ms is not None]
    return Saved(
        page_ms=page_ms,
        last_ms=max(page_ms, *((written - clock_ns) / 1e6 for written in since), 0),
        built_ms=(rebuilds[-1].at - start) * 1000,
        cpu_ms=cpu_ms,
        planning_ms=sum(planning) if planning else None,
        rendered=sum(row.rendered for row in rebuilds),
        changed=len(since),
        removed=sum(row.removed for row in rebuilds),
    )


def until(done: Callable[[], bool], start: float) -> float:
    """Poll until `done`; return the milliseconds since `start`."""
    while not done():
        if time.perf_counter() - start > _LONGEST_S:
            raise measure.ProgramFailedError(f"the edited page did not change within {_LONGEST_S} s")
        time.sleep(_POLL_S)
    return (time.perf_counter() - start) * 1000


def appearance(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is written or replaced; None where there is no file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


def written_ns(folder: Path) -> Iterator[int]:
    """Yield when each file below `folder` was last written; hidden files are no pages."""
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from written_ns(folder / entry.name)
        else:
            yield entry.stat(follow_symlinks=False).st_mtime_ns


def tick_ns() -> int:
    """Return how far a file's time may lag behind the clock."""
    coarse = getattr(time, "CLOCK_REALTIME_COARSE", time.CLOCK_REALTIME)
    return int(time.clock_getres(coarse) * 1e9)
