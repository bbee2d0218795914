"""The measurement `profile`: where the CPU time of a cold build goes, per stage, per template and macro, per function.

`sampler` takes the stacks. A stack's time belongs to the stage of its innermost frame that any stage knows, and to
the innermost template or script; time that no stage knows is told by module.
"""

from __future__ import annotations

import json
from collections import defaultdict
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lib import measure, report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench_lib.bench import Bench
    from bench_lib.report import Row

Frame = tuple[str, int, str]
Stacks = list[tuple[float, list[Frame]]]

_MOST_FUNCTIONS = 30
_SAMPLER = Path(__file__).parent / "sampler.py"
_STAGES = {
    "importing": ("<frozen importlib", "importlib/"),
    "compiling regular expressions": ("/re/_",),
    "highlighting": ("/pygments/", "/render/highlight"),
    "Markdown": (
        "/mistune/",
        "/render/markdown",
        "/render/block",
        "/render/inline",
        "/render/emphasis",
        "/render/tables",
    ),
    "front matter": ("/yaml/", "/render/frontmatter", "/render/simpleyaml", "/render/yamltree", "/render/posts"),
    "compiling templates": ("/render/liquid_compiler", "/render/liquid_writer", "/render/liquid_units"),
    "templates": (".liquid", "/liquid/", "/render/liquid_", "/render/drops"),
    "links and macros in bodies": ("/render/fill", "/render/urls", "/render/expand", "/render/links", "/render/holes"),
    "feeds and sitemap": ("/render/feeds", "/render/sitemap", "/render/calendar"),
    "writing files": ("/daemon/output",),
    "bodies on disk": ("/cache/bodies",),
    "database": ("/cache/",),
    "scanning": ("/daemon/scan",),
    "planning": (
        "/render/site",
        "/render/changes",
        "/render/routes",
        "/daemon/plan",
        "/daemon/books",
        "/daemon/making",
    ),
    "pipes": ("/multiprocess", "/daemon/wire", "/daemon/pool"),
}


def profile(bench: Bench) -> None:
    """Sample one cold build of the largest blog."""
    posts, workers = max(bench.sizes), max(bench.workers)
    desk = bench.desk(posts, workers)
    desk.cold()
    folder = bench.work / "stacks"
    folder.mkdir()
    command = bench.blogd.command("build", desk.site, desk.out, workers)
    measure.run([bench.blogd.python, _SAMPLER, folder, *command, "--clean"])
    processes = [stacks(path) for path in sorted(folder.glob("*.json"), key=lambda path: int(path.stem))]
    for name, rows in tables(processes).items():
        report.publish(name, rows, notes=[f"{posts:,} posts, cold, {len(processes)} processes; sampled."])


def tables(processes: Sequence[Stacks]) -> dict[str, list[Row]]:
    """Return three tables; the first process is the coordinator."""
    coordinator, workers = _joined(processes[:1]), _joined(processes[1:])
    everything = coordinator + workers
    one, others = _seconds(coordinator, stage), _seconds(workers, stage)
    both = _seconds(everything, stage)
    total = sum(both.values()) or 1
    return {
        "profile": [
            {
                "stage": name,
                "coordinator_s": one.get(name, 0),
                "workers_s": others.get(name, 0),
                "per_cent": 100 * seconds / total,
            }
            for name, seconds in _largest(both)
        ],
        "profile-templates": [
            {"template": name, "cpu_s": seconds} for name, seconds in _largest(_seconds(everything, template)) if name
        ],
        "profile-functions": [
            {"function": name, "cpu_s": seconds}
            for name, seconds in _largest(_seconds(everything, _function))[:_MOST_FUNCTIONS]
        ],
    }


def stage(frames: Sequence[Frame]) -> str:
    """Return the stage that a stack is in."""
    for path, _, _ in frames:
        for name, fragments in _STAGES.items():
            if any(fragment in path for fragment in fragments):
                return name
    return f"other: {_short(frames[0][0])}"


def template(frames: Sequence[Frame]) -> str:
    """Return the innermost template or macro script of a stack, '' if there is none."""
    return next((_short(path) for path, _, _ in frames if path.endswith(".liquid") or "/site/scripts/" in path), "")


def stacks(path: Path) -> Stacks:
    """Read what the sampler wrote of one process."""
    rows: list[tuple[float, list[list[str | int]]]] = json.loads(path.read_text())
    return [(seconds, [(str(file), int(line), str(name)) for file, line, name in stack]) for seconds, stack in rows]


def _joined(processes: Sequence[Stacks]) -> Stacks:
    return [stack for process in processes for stack in process]


def _seconds(found: Stacks, key: Callable[[Sequence[Frame]], str]) -> dict[str, float]:
    counted: defaultdict[str, float] = defaultdict(float)
    for seconds, frames in found:
        counted[key(frames)] += seconds
    return counted


def _largest(seconds: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(seconds.items(), key=itemgetter(1), reverse=True)


def _function(frames: Sequence[Frame]) -> str:
    path, line, name = frames[0]
    return f"{_short(path)}:{line} {name}"


def _short(path: str) -> str:
    return "/".join(path.split("/")[-2:])
