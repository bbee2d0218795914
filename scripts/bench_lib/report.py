"""Figures as tables for people and as JSON for machines.

A figure is a row of named values; names end in their unit (`wall_s`, `peak_mb`). A `Report` prints its rows when it is
done and keeps them, with every single run, the machine and the date, in `build/bench/{name}.json`.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bench_lib.measure import usable_cpus
from bench_lib.program import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Value = str | float | None
Row = dict[str, Value]

RESULTS = PROJECT / "build/bench"


T = TypeVar("T")


def in_turn(cases: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Run every case once, then every case again: what slows the machine for a while slows all of them."""
    results: dict[str, list[T]] = {name: [] for name in cases}
    for turn in range(1, rounds + 1):
        for name, case in cases.items():
            say(f"{turn}/{rounds} {name}")
            results[name].append(case())
    return results


def median(values: Iterable[float | None]) -> float | None:
    """Return the median of what was measured; None if nothing was."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least `share` of all values don't exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table; columns in the order in which they first come, numbers to the right."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_shown(row.get(name)) for name in columns] for row in rows]
    numeric = [not any(isinstance(row.get(name), str) for row in rows) for name in columns]
    heads = [name.replace("_", " ") for name in columns]
    widths = [max(3, *map(len, column)) for column in zip(heads, *cells, strict=True)]
    rule = [f"{'-' * (width - 1)}{':' if right else '-'}" for width, right in zip(widths, numeric, strict=True)]
    return "\n".join(
        f"| {' | '.join(f'{cell:>{width}}' if right else f'{cell:<{width}}' for cell, width, right in line)} |"
        for line in (list(zip(line, widths, numeric, strict=True)) for line in (heads, rule, *cells))
    )


def publish(name: str, rows: Sequence[Row], *, notes: Sequence[str] = (), runs: object = None) -> None:
    """Print a table and keep it as JSON."""
    print(f"\n{name} · {machine()} · {datetime.now(UTC):%Y-%m-%d}\n\n{table(rows)}")
    for note in notes:
        print(f"\n{note}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    content = {"name": name, "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "machine": machine(), "rows": rows}
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**content, "notes": notes, "runs": runs}, indent=1, default=_plain) + "\n")
    say(f"kept in {path}")


def machine() -> str:
    """Describe this machine in a few words."""
    system = f"{platform.system()} {platform.release()}"
    return f"{usable_cpus()} x {_processor()}, {system}, Python {platform.python_version()}"


def say(text: str) -> None:
    """Tell what goes on, beside the results."""
    print(text, file=sys.stderr, flush=True)


def _plain(value: object) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _shown(value: Value) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if float(value).is_integer():
        return f"{int(value):,}"
    digits = next(digits for digits, limit in enumerate((100, 10, 1, 0)) if abs(value) >= limit)
    return f"{value:,.{digits}f}"
