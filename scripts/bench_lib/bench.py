"""What is measured of blogd alone: the table of `scripts/bench`, and `cold`, `warm`, `edits`, `memory`.

Each measurement publishes one table. Times are medians of runs in turn, memory is taken in runs of its own.
A blog is made anew for each use that changes it, so nothing that one run leaves behind is seen by the next.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench_lib import blog, live, measure, report
from bench_lib.edits import KINDS, Editor
from bench_lib.posts import Spec
from bench_lib.program import forget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench_lib.live import Saved
    from bench_lib.program import Blogd, Run, Watch
    from bench_lib.report import Row

_STANDARD_EDITS_PER_ROUND = 4
_WARM_UPS = 2
_SETTLED_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the command line asks for; `work` is a folder for blogs and outputs, `alike` as a `Spec` has it."""

    blogd: Blogd
    work: Path
    sizes: tuple[int, ...]
    workers: tuple[int, ...]
    rounds: int
    highlight: bool
    alike: bool = False

    def spec(self, posts: int) -> Spec:
        """Return the blog to measure with."""
        return Spec(posts=posts, highlight=self.highlight, alike=self.alike)

    def desk(self, posts: int, workers: int, name: str = "blog") -> Desk:
        """Make a blog of its own for one use."""
        folder = self.work / f"{name}-{posts}-{workers}"
        spec = self.spec(posts)
        if not folder.exists():
            report.say(f"making a blog of {posts:,} posts")
            blog.write(spec, folder / "site")
        return Desk(self.blogd, folder / "site", folder / "html", workers, Editor(spec, folder / "site"))


@dataclass(frozen=True, slots=True)
class Desk:
    """One blog, its output, and who edits it; `cpus` says how many builds may use, 0 for all."""

    blogd: Blogd
    site: Path
    out: Path
    workers: int
    editor: Editor
    cpus: int = 0

    @property
    def shown(self) -> str:
        """Say with what builds are made here."""
        return f"{self.workers} workers" + (f" on {self.cpus} CPUs" if self.cpus else "")

    def cold(self, *, memory: bool = False) -> Run:
        """Build with neither output nor cache."""
        forget(self.site, self.out)
        return self.again(memory=memory)

    def again(self, *, memory: bool = False) -> Run:
        """Build on what is there."""
        with measure.on_cpus(self.cpus):
            return self.blogd.build(self.site, self.out, self.workers, memory=memory)

    def edited(self, *, memory: bool = False) -> Run:
        """Change one body, then build."""
        self.editor.edit("body").apply(self.site)
        return self.again(memory=memory)

    def save(self, watch: Watch, kind: str) -> Saved:
        """Make an edit of `kind` under `watch`, and follow it to its end."""
        return live.save(watch, self.editor.edit(kind), self.site, self.out)


def standard(bench: Bench) -> None:
    """Measure the main figures: cold, nothing changed, one body edited, the same under `watch`."""
    rows: list[Row] = []
    for posts in bench.sizes:
        desks = [bench.desk(posts, workers) for workers in bench.workers]
        rows += builds(posts, desks, "cold", Desk.cold, bench.rounds)
        rows += builds(posts, desks, "nothing changed", Desk.again, bench.rounds)
        rows += builds(posts, desks, "one body edited", Desk.edited, bench.rounds)
        rows += [_watched(bench, posts, desk) for desk in desks]
    report.publish("standard", rows, notes=["watch: wall is from the save of a body to the last write."])


def cold(bench: Bench) -> None:
    """Measure cold builds."""
    rows: list[Row] = []
    for posts in bench.sizes:
        desks = [bench.desk(posts, workers) for workers in bench.workers]
        rows += builds(posts, desks, "cold", Desk.cold, bench.rounds)
    report.publish("cold", rows, notes=speed_up(rows))


def warm(bench: Bench) -> None:
    """Measure one-shot builds on an existing output."""
    rows: list[Row] = []
    for posts in bench.sizes:
        desks = [bench.desk(posts, workers) for workers in bench.workers]
        for desk in desks:
            desk.cold()
        rows += builds(posts, desks, "nothing changed", Desk.again, bench.rounds)
        rows += builds(posts, desks, "one body edited", Desk.edited, bench.rounds)
    report.publish("warm", rows)


def edits(bench: Bench) -> None:
    """Measure every kind of edit under `watch`."""
    rows: list[Row] = []
    runs: dict[str, list[Saved]] = {}
    for posts in bench.sizes:
        desk = bench.desk(posts, max(bench.workers), "edits")
        with bench.blogd.watch(desk.site, desk.out, desk.workers) as watch:
            for _ in range(_WARM_UPS):
                desk.save(watch, "body")
            saved = report.in_turn({kind: partial(desk.save, watch, kind) for kind in KINDS}, bench.rounds)
        rows += [_edit_row(posts, kind, saved[kind]) for kind in KINDS]
        runs |= {f"{posts} {kind}": found for kind, found in saved.items()}
    report.publish("edits", rows, runs=runs)


def memory(bench: Bench) -> None:
    """Measure the memory of all processes: the peak of a cold build, and `watch` at rest."""
    rows: list[Row] = []
    for posts in bench.sizes:
        for workers in bench.workers:
            desk = bench.desk(posts, workers)
            peak = desk.cold(memory=True).usage.peak_mb
            idle, coordinator = _idle_mb(desk)
            rows.append(
                {
                    "posts": posts,
                    "workers": workers,
                    "cold_peak_mb": peak,
                    "watch_idle_mb": idle,
                    "coordinator_idle_mb": coordinator,
                }
            )
    report.publish("memory", rows)


def builds(posts: int, desks: Sequence[Desk], name: str, build: Callable[..., Run], rounds: int) -> list[Row]:
    """Measure the same kind of build at several desks in turn; return a row for each."""
    cases = {f"{posts:,} posts, {name}, {desk.shown}": partial(build, desk) for desk in desks}
    runs = report.in_turn(cases, rounds).values()
    peaks = [build(desk, memory=True).usage.peak_mb for desk in desks]
    return [_row(posts, name, desk, found, peak) for desk, found, peak in zip(desks, runs, peaks, strict=True)]


def _row(posts: int, name: str, desk: Desk, runs: Sequence[Run], peak: float | None) -> Row:
    wall, cpu = (report.median(values) for values in zip(*((r.usage.wall_s, r.usage.cpu_s) for r in runs), strict=True))
    built = runs[-1].built
    assert wall is not None
    assert cpu is not None
    return {
        "posts": posts,
        "what": name,
        "workers": desk.workers,
        "cpus": desk.cpus or measure.usable_cpus(),
        "wall_s": wall,
        "cpu_s": cpu,
        "cpu_per_wall": cpu / wall,
        "pages": built.pages,
        "rendered": built.rendered,
        "written": built.written,
        "pages_per_s": built.rendered / wall,
        "peak_mb": peak,
    }


def _watched(bench: Bench, posts: int, desk: Desk) -> Row:
    with desk.blogd.watch(desk.site, desk.out, desk.workers) as watch:
        saved = [desk.save(watch, "body") for _ in range(bench.rounds * _STANDARD_EDITS_PER_ROUND)]
        peak = measure.PeakMemory(watch.processes()[0]) if measure.HAS_PROC else None
        desk.save(watch, "body")
        peak_mb = peak.stop() if peak else None
    wall, cpu = report.median(row.last_ms for row in saved), report.median(row.cpu_ms for row in saved)
    assert wall is not None
    assert cpu is not None
    return {
        "posts": posts,
        "what": "watch, one body edited",
        "workers": desk.workers,
        "cpus": measure.usable_cpus(),
        "wall_s": wall / 1000,
        "cpu_s": cpu / 1000,
        "cpu_per_wall": cpu / wall,
        "pages": watch.first.pages,
        "rendered": report.median(row.rendered for row in saved),
        "written": report.median(row.changed for row in saved),
        "pages_per_s": None,
        "peak_mb": peak_mb,
    }


def _edit_row(posts: int, kind: str, saved: Sequence[Saved]) -> Row:
    rendered, changed = sum(row.rendered for row in saved), sum(row.changed for row in saved)
    return {
        "posts": posts,
        "edit": kind,
        "rendered": report.median(row.rendered for row in saved),
        "changed": report.median(row.changed for row in saved),
        "changed_per_cent": 100 * changed / rendered if rendered else None,
        "page_ms": report.median(row.page_ms for row in saved),
        "page_p95_ms": report.percentile((row.page_ms for row in saved), 0.95),
        "last_ms": report.median(row.last_ms for row in saved),
        "last_p95_ms": report.percentile((row.last_ms for row in saved), 0.95),
        "cpu_ms": report.median(row.cpu_ms for row in saved),
        "planning_ms": report.median(row.planning_ms for row in saved),
    }


def _idle_mb(desk: Desk) -> tuple[float, float]:
    with desk.blogd.watch(desk.site, desk.out, desk.workers) as watch:
        desk.save(watch, "body")
        time.sleep(_SETTLED_S)
        everyone = watch.processes()
        return measure.memory_mb(everyone), measure.memory_mb(everyone[:1])


def speed_up(rows: Sequence[Row]) -> list[str]:
    """Say how much faster more workers are than one, given the same CPUs, and given a CPU for each."""
    walls = {(row["posts"], row["workers"], row["cpus"]): row["wall_s"] for row in rows}
    notes: list[str] = []
    for (posts, workers, cpus), wall in walls.items():
        one, alone = walls.get((posts, 1, cpus)), walls.get((posts, 1, 1))
        if workers != 1 and isinstance(wall, float):
            ratios = [f"{one / wall:.2f} x as fast as 1 worker"] if isinstance(one, float) else []
            if workers == cpus and isinstance(alone, float):
                ratios.append(f"{alone / wall:.2f} x as fast as 1 worker on 1 CPU")
            notes += [f"{posts} posts, {workers} workers on {cpus} CPUs: {', '.join(ratios)}."] if ratios else []
    return notes


def default_workers() -> tuple[int, ...]:
    """Return 1 and the number of CPUs this process may use."""
    return tuple(dict.fromkeys((1, measure.usable_cpus())))
