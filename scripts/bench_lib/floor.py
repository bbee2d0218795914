"""The measurement `floor`: what the machine asks for in any case.

Two parts. *Writing*: as many processes as workers write the bytes of a finished build to the same paths, and do
nothing else. *Reading*: the CPU time that mistune and PyYAML's C loader take for these posts, spread over the workers.
Their sum stands beside a cold build, with the templates of `peers`, in the same table.
"""

from __future__ import annotations

import os
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lib import blog, measure, report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench_lib.bench import Bench, Desk
    from bench_lib.report import Row

_PARSE = """\
import pathlib, sys, time
import mistune, yaml
plugins = ["table", "strikethrough", "task_lists", "url", "footnotes"]
markdown = mistune.create_markdown(escape=False, plugins=plugins)
texts = [path.read_text().split("---\\n", 2)[1:] for path in pathlib.Path(sys.argv[1]).rglob("*.md")]
started = time.process_time()
for head, body in texts:
    yaml.load(head, yaml.CSafeLoader)
    markdown(body)
print(time.process_time() - started)
"""


def floor(bench: Bench) -> None:
    """Compare cold builds with the least that they must cost."""
    rows: list[Row] = []
    for posts in bench.sizes:
        workers = max(bench.workers)
        desk = bench.desk(posts, workers)
        blog.write_plain_templates(desk.site)
        desk.cold()
        parse = _parse_cpu_s(bench.blogd.python, desk.site)
        files = [(str(path.relative_to(desk.out)), path.read_bytes()) for path in desk.out.rglob("*") if path.is_file()]
        runs = report.in_turn(
            {
                "write": partial(_write, files, bench.work / "floor", workers),
                "cold": partial(_cold_s, desk),
            },
            bench.rounds,
        )
        write, cold = report.median(runs["write"]), report.median(runs["cold"])
        assert write is not None
        assert cold is not None
        least = write + parse / workers
        rows.append(
            {
                "posts": posts,
                "files": len(files),
                "mb": sum(len(content) for _, content in files) / 1e6,
                "write_s": write,
                "parse_cpu_s": parse,
                "floor_s": least,
                "cold_s": cold,
                "cold_to_floor": cold / least,
            }
        )
    note = "The floor: writing the same bytes, plus the CPU time of mistune and the YAML loader over the workers."
    report.publish("floor", rows, notes=[note])


def _cold_s(desk: Desk) -> float:
    return desk.cold().usage.wall_s


def _parse_cpu_s(python: Path, site: Path) -> float:
    found = subprocess.run([python, "-c", _PARSE, site / "posts"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise measure.ProgramFailedError(found.stderr)
    return float(found.stdout)


def _write(files: Sequence[tuple[str, bytes]], folder: Path, processes: int) -> float:
    """Write `files` into a new `folder` with forked processes; return the seconds from their start to their end."""
    subprocess.run(["rm", "-rf", folder], check=True)
    folder.mkdir(parents=True)
    started = time.perf_counter()
    children = [_forked(files[share::processes], folder) for share in range(processes)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    elapsed = time.perf_counter() - started
    if any(codes):
        raise measure.ProgramFailedError(f"writing into {folder}: exit codes {codes}")
    return elapsed


def _forked(files: Sequence[tuple[str, bytes]], folder: Path) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        made: set[str] = set()
        for name, content in files:
            parent, _, _ = name.rpartition("/")
            if parent not in made:
                Path(folder, parent).mkdir(parents=True, exist_ok=True)
                made.add(parent)
            descriptor = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.write(descriptor, content)
            os.close(descriptor)
        code = 0
    finally:
        os._exit(code)
