"""A long life under `watch`: many random saves, then a look at what has grown and at whether the output is right.

Saves come one by one and, now and then, several at once, so that one may overtake another. What the processes hold is
taken after some saves have warmed them up, and again at the end. The output is compared, file by file, with a clean
build's.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lib import blog, measure, report
from bench_lib.edits import Editor
from bench_lib.posts import Spec, draws
from bench_lib.program import Blogd, forget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from bench_lib.program import Watch
    from bench_lib.report import Row

_KINDS = ("body", "body behind excerpt", "title", "excerpt", "date", "tags", "new post", "delete", "rename")
_WEIGHTS = (40, 20, 10, 8, 3, 6, 8, 3, 2)
_BURSTS = (1, 1, 1, 1, 1, 2, 5)
_WARM_UP_SAVES = 50
_SETTLED_S = 3.0
_LOOKS = 5
_BETWEEN_LOOKS_S = 0.1
_MEMORY_GROWTH = 1.15
_MEMORY_SLACK_MB = 20.0


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the processes of a `watch` hold together."""

    memory_mb: float
    coordinator_mb: float
    open_files: int
    threads: int
    processes: int

    @classmethod
    def of(cls, watch: Watch) -> Holdings:
        """Take stock once nothing is going on: the least of some looks, since a routine check may come in between."""
        time.sleep(_SETTLED_S)
        return min((cls._look(watch) for _ in range(_LOOKS)), key=attrgetter("open_files", "threads", "processes"))

    @classmethod
    def _look(cls, watch: Watch) -> Holdings:
        time.sleep(_BETWEEN_LOOKS_S)
        pids = watch.processes()
        memory, coordinator = measure.memory_mb(pids), measure.memory_mb(pids[:1])
        return cls(memory, coordinator, measure.open_files(pids), measure.threads(pids), len(pids))

    def grown_to(self, later: Holdings) -> list[str]:
        """Return the names of what has grown more than it may."""
        grown = [name for name in ("open_files", "threads", "processes") if getattr(later, name) > getattr(self, name)]
        allowed = self.memory_mb * _MEMORY_GROWTH + _MEMORY_SLACK_MB
        return grown + (["memory_mb"] if later.memory_mb > allowed else [])


def main() -> None:
    """Save, take stock, compare; exit with 1 if something has grown or differs."""
    arguments = _parser().parse_args()
    memory: Path = arguments.disk
    memory.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="blogd-soak-", dir=memory))
    try:
        complaints = soak(Blogd.find(arguments.blogd), work, arguments)
    except measure.ProgramFailedError as error:
        complaints = [str(error)]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if complaints:
        raise SystemExit("\n".join(complaints))


def soak(blogd: Blogd, work: Path, arguments: argparse.Namespace) -> list[str]:
    """Return what is wrong after the saves."""
    spec = Spec(posts=arguments.posts, languages=("en", "de"), seed=arguments.seed)
    site, out, clean = work / "site", work / "html", work / "clean"
    report.say(f"seed {spec.seed}: making a blog of {spec.posts:,} posts")
    blog.write(spec, site)
    editor, rng = Editor(spec, site), draws(spec, "soak")
    with blogd.watch(site, out, arguments.workers) as watch:
        _saves(watch, editor, rng, min(_WARM_UP_SAVES, arguments.saves))
        before = Holdings.of(watch)
        started = time.monotonic()
        _saves(watch, editor, rng, arguments.saves)
        seconds = time.monotonic() - started
        after = Holdings.of(watch)
    forget(site, clean)
    blogd.build(site, clean, arguments.workers)
    wrong = list(differences(out, clean))
    rows: list[Row] = [{"when": when, **asdict(held)} for when, held in (("before", before), ("after", after))]
    saves = f"{arguments.saves:,} saves at {spec.posts:,} posts in {seconds:.0f} s"
    report.publish("soak", rows, notes=[f"{saves}; {len(wrong)} files differ from a clean build's."])
    grown = [f"{name} has grown" for name in before.grown_to(after)]
    return grown + [f"differs from a clean build: {path}" for path in wrong]


def differences(one: Path, other: Path) -> Iterator[str]:
    """Yield the paths of files that only one folder has, or whose bytes differ."""
    ours, theirs = _files(one), _files(other)
    yield from sorted(ours ^ theirs)
    yield from (name for name in sorted(ours & theirs) if not filecmp.cmp(one / name, other / name, shallow=False))


def _saves(watch: Watch, editor: Editor, rng: Random, count: int) -> None:
    done = 0
    while done < count:
        edits = [editor.edit(kind) for kind in rng.choices(_KINDS, _WEIGHTS, k=min(rng.choice(_BURSTS), count - done))]
        for edit in edits:
            edit.apply(editor.site)
        watch.seen(frozenset(path for edit in edits for path in edit.paths))
        if done // 100 != (done + len(edits)) // 100:
            report.say(f"{done + len(edits)} saves")
        done += len(edits)


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="soak", description="Save at random under `blogd watch`, and see what grows.")
    add = parser.add_argument
    shared = Path("/dev/shm")
    add("--posts", type=int, default=10_000, metavar="N")
    add("--saves", type=int, default=1000, metavar="N")
    add("--seed", type=int, default=1, metavar="N")
    add("--workers", type=int, default=os.cpu_count() or 1, metavar="N")
    add("--disk", type=Path, default=shared if shared.is_dir() else Path(tempfile.gettempdir()), metavar="DIR")
    add("--blogd", metavar="PROGRAM", help="the blogd to try (default: .venv/bin/blogd)")
    return parser
