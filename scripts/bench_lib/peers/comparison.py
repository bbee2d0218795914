"""The measurement `peers`: blogd, Hugo and Pelican in turn, on the same posts.

Under `watch`, a save's end is known of blogd by its word; of Hugo by quiet: no file written for some seconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from bench_lib import blog, live, measure, report
from bench_lib.edits import Editor
from bench_lib.peers import hugo, install
from bench_lib.peers.hugo import Hugo
from bench_lib.peers.pelican import Pelican
from bench_lib.program import forget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bench_lib.bench import Bench
    from bench_lib.edits import Edit
    from bench_lib.measure import Usage
    from bench_lib.posts import Spec
    from bench_lib.program import Blogd, Watch
    from bench_lib.report import Row

_QUIET_S = 5
_IDLE = 0.02  # of a core
_WATCHED = ("body", "new post", "partial")
Times = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Contender:
    """One generator: its command, its folders, how to make it forget, and how to give it an edit."""

    name: str
    command: list[str]
    out: Path
    forget: Callable[[], None]
    apply: Callable[[Edit], None]

    def cold(self, *, memory: bool = False) -> Usage:
        """Build anew."""
        self.forget()
        return self.again(memory=memory)

    def again(self, *, memory: bool = False) -> Usage:
        """Build on what is there."""
        return measure.run(self.command, memory=memory).usage

    def pages(self) -> int:
        """Count the pages made."""
        return sum(1 for _ in self.out.rglob("*.html"))


def peers(bench: Bench) -> None:
    """Compare cold builds, builds with nothing changed, with one edited body, and saves under `watch`."""
    environment = install.environment()
    rows: list[Row] = []
    for posts in bench.sizes:
        spec = bench.spec(posts)
        folder = bench.work / f"peers-{posts}"
        report.say(f"making the same blog of {posts:,} posts for each")
        ours = _blogd(bench.blogd, spec, folder / "blogd", max(bench.workers))
        theirs = _hugo(environment, spec, folder / "hugo")
        slow = _pelican(environment, spec, folder / "pelican")
        editor = Editor(spec, folder / "blogd/site")
        rows += _compare(bench, posts, [ours, theirs, slow], [ours, theirs], editor)
        watch = bench.blogd.watch(folder / "blogd/site", ours.out, max(bench.workers))
        rows += _watched(posts, _saves(bench.rounds, editor, watch, (ours, theirs)))
    report.publish("peers", rows, notes=["Ratios are to Hugo."])


def _compare(
    bench: Bench, posts: int, everyone: Sequence[Contender], quick: Sequence[Contender], editor: Editor
) -> Iterator[Row]:
    yield from _rows(bench, posts, "cold", {one.name: (one, one.cold) for one in everyone})
    yield from _rows(bench, posts, "nothing changed", {one.name: (one, one.again) for one in quick})

    def edited(one: Contender) -> Callable[..., Usage]:
        def build(*, memory: bool = False) -> Usage:
            one.apply(editor.edit("body"))
            return one.again(memory=memory)

        return build

    yield from _rows(bench, posts, "one body edited", {one.name: (one, edited(one)) for one in quick})


def _rows(
    bench: Bench, posts: int, what: str, cases: dict[str, tuple[Contender, Callable[..., Usage]]]
) -> Iterator[Row]:
    runs = report.in_turn({name: build for name, (_, build) in cases.items()}, bench.rounds)
    walls = {name: report.median(run.wall_s for run in found) for name, found in runs.items()}
    for name, (one, build) in cases.items():
        peak, wall, pages = build(memory=True).peak_mb, walls[name], one.pages()
        yield {
            "posts": posts,
            "what": what,
            "who": name,
            "wall_s": wall,
            "ratio": _ratio(wall, walls.get("hugo")),
            "cpu_s": report.median(run.cpu_s for run in runs[name]),
            "pages": pages,
            "pages_per_s": pages / wall if wall else None,
            "peak_mb": peak,
        }


def _saves(
    rounds: int, editor: Editor, watch: Watch, pair: tuple[Contender, Contender]
) -> dict[tuple[str, str], Times]:
    """Return by (edit, program) the milliseconds to the edited page and to the last page."""
    ours, theirs = pair
    found: dict[tuple[str, str], Times] = {}
    with watch, HugoWatch(theirs) as other:
        for turn in range(rounds):
            for kind in _WATCHED:
                report.say(f"{turn + 1}/{rounds} watch, {kind}")
                edit = editor.edit(kind)
                saved = live.save(watch, edit, editor.site, ours.out)
                found.setdefault((kind, ours.name), []).append((saved.page_ms, saved.last_ms))
                found.setdefault((kind, theirs.name), []).append(_hugo_save(theirs, edit))
                other.rest()
    return found


def _watched(posts: int, saves: dict[tuple[str, str], Times]) -> Iterator[Row]:
    for kind in _WATCHED:
        for index, until in enumerate(("edited page", "last page")):
            walls = {
                who: report.median(ms[index] / 1000 for ms in times) for (k, who), times in saves.items() if k == kind
            }
            for who, wall in walls.items():
                what = f"watch, {kind}: {until}"
                yield {"posts": posts, "what": what, "who": who, "wall_s": wall, "ratio": _ratio(wall, walls["hugo"])}


class HugoWatch:
    """`hugo --watch` while its context lasts."""

    def __init__(self, contender: Contender) -> None:
        self._command = [*contender.command, "--watch"]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        if not any("Ctrl+C" in line for line in self._process.stdout):
            raise measure.ProgramFailedError(f"{' '.join(self._command)}: ended by itself")
        self.rest()
        return self

    def rest(self) -> None:
        """Wait until it does nothing: it works on after its last write, and would have a core that others need."""
        before, now = -1.0, measure.cpu_s([self._process.pid])
        while now - before > _QUIET_S * _IDLE:
            time.sleep(_QUIET_S)
            before, now = now, measure.cpu_s([self._process.pid])

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _hugo_save(one: Contender, edit: Edit) -> tuple[float, float]:
    """Return milliseconds to the edited page and to the last page."""
    page = one.out / edit.page
    shown = live.appearance(page)
    one.apply(edit)
    start, clock_ns = time.perf_counter(), time.time_ns()
    page_ms = live.until(lambda: live.appearance(page) not in (shown, None), start)
    last_ns, now_ns = clock_ns, time.time_ns()
    while now_ns - last_ns < _QUIET_S * 1e9:
        time.sleep(_QUIET_S / 2)
        last_ns, now_ns = max(clock_ns, *live.written_ns(one.out)), time.time_ns()
    return page_ms, max(page_ms, (last_ns - clock_ns) / 1e6)


def _blogd(blogd: Blogd, spec: Spec, folder: Path, workers: int) -> Contender:
    site, out = folder / "site", folder / "html"
    blog.write(spec, site)
    blog.write_plain_templates(site)
    command = blogd.command("build", site, out, workers)
    return Contender("blogd", command, out, lambda: forget(site, out), lambda edit: edit.apply(site))


def _hugo(environment: Path, spec: Spec, folder: Path) -> Contender:
    program = Hugo(install.hugo(environment), folder)
    program.prepare(spec)

    def apply(edit: Edit) -> None:
        """Write what the editor, who reads blogd's sources, has made of them."""
        writes = {hugo.source(path): hugo.adapt(text) for path, text in edit.writes.items()}
        replace(edit, writes=writes, removes=tuple(map(hugo.source, edit.removes))).apply(folder / "site")

    return Contender("hugo", program.command, program.out, program.forget, apply)


def _pelican(environment: Path, spec: Spec, folder: Path) -> Contender:
    program = Pelican(environment / "bin/pelican", folder)
    program.prepare(spec)
    return Contender("pelican", program.command, program.out, program.forget, lambda _: None)


def _ratio(wall: float | None, reference: float | None) -> float | None:
    return wall / reference if wall is not None and reference else None
