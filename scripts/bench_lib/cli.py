"""The command line of `scripts/bench`."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lib import bench, floor, measure, profiling
from bench_lib.bench import Bench
from bench_lib.peers import comparison
from bench_lib.program import Blogd
from bench_lib.scaling import scaling
from bench_lib.templates import templates

if TYPE_CHECKING:
    from collections.abc import Callable

_MEASUREMENTS: dict[str, tuple[Callable[[Bench], None], str]] = {
    "standard": (bench.standard, "1000,10000"),
    "cold": (bench.cold, "10000"),
    "warm": (bench.warm, "10000"),
    "edits": (bench.edits, "1000,10000,30000"),
    "memory": (bench.memory, "10000"),
    "scaling": (scaling, "1000,3000,10000,30000"),
    "peers": (comparison.peers, "10000"),
    "floor": (floor.floor, "10000"),
    "templates": (templates, "1000"),
    "profile": (profiling.profile, "10000"),
}


def main() -> None:
    """Run the measurement that the command line names."""
    arguments = _parser().parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled, and so measured
    measurement, sizes = _MEASUREMENTS[arguments.measurement]
    memory: Path = arguments.disk or _memory_folder()
    memory.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="blogd-bench-", dir=memory))
    try:
        measurement(
            Bench(
                blogd=Blogd.find(arguments.blogd),
                work=work,
                sizes=_numbers(arguments.posts or sizes),
                workers=_numbers(arguments.workers) if arguments.workers else bench.default_workers(),
                rounds=arguments.rounds,
                highlight=arguments.highlight,
            )
        )
    except measure.ProgramFailedError as error:
        raise SystemExit(str(error)) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Measure blogd on made-up blogs.")
    add = parser.add_argument
    names = ", ".join(_MEASUREMENTS)
    add("measurement", nargs="?", default="standard", choices=_MEASUREMENTS, metavar="MEASUREMENT", help=names)
    add("--posts", metavar="N,N", help="sizes of the blogs (default: as the measurement needs)")
    add("--workers", metavar="N,N", help="numbers of workers (default: 1, and the CPUs there are)")
    add("--rounds", type=int, default=5, metavar="N", help="runs of which the median is taken (default: 5)")
    add("--highlight", action=argparse.BooleanOptionalAction, default=False, help="highlight code, in peers too")
    add("--disk", type=Path, metavar="DIR", help="keep blogs and outputs there, not in memory")
    add("--blogd", metavar="PROGRAM", help="the blogd to measure (default: .venv/bin/blogd)")
    return parser


def _numbers(listed: str) -> tuple[int, ...]:
    return tuple(int(number.replace("_", "")) for number in listed.split(","))


def _memory_folder() -> Path:
    shared = Path("/dev/shm")
    return shared if shared.is_dir() else Path(tempfile.gettempdir())
