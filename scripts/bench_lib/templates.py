"""The measurement `templates`: compiled templates beside python-liquid's interpreter, on the same pages."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lib import blog, measure, report

if TYPE_CHECKING:
    from bench_lib.bench import Bench
    from bench_lib.report import Row

_PROGRAM = Path(__file__).parent / "rendering.py"
_PER_PAGE = 50


def templates(bench: Bench) -> None:
    """Compare single pages and lists of 50 by the bundled templates."""
    rows: list[Row] = []
    for posts in bench.sizes:
        folder = bench.work / f"templates-{posts}"
        blog.write(replace(bench.spec(posts), per_page=_PER_PAGE), folder / "site")
        command: list[str | Path] = [bench.blogd.python, _PROGRAM, folder / "site", folder / "work"]
        found: list[Row] = json.loads(measure.run([*command, str(bench.rounds)]).stdout)
        rows += [{"posts": posts, **row} for row in found]
    report.publish("templates", rows, notes=["CPU time; bodies are left out, reads are recorded in both."])
