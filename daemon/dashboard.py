"""The moving part of the terminal: a bar over all work, a line per section, the workers.

Pure: from counts, a width and a time to Rich renderables. Every line stands from the start and every column keeps its
width, so that nothing jumps; narrow terminals get fewer columns, low ones the bar alone.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from blogd.daemon import wording
from blogd.daemon.events import SECTIONS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from blogd.daemon.events import Phase, Section, WorkerStatus
    from blogd.daemon.tally import Count, Tally

NARROW = 60
LOW = 14
WIDEST = 100
MOST_MARKS = 16

PHASES: dict[Phase, str] = {
    "scan": "scanning",
    "read": "reading",
    "plan": "planning",
    "render": "rendering",
    "copy": "copying",
    "commit": "finishing",
    "index": "indexing",
}
LABELS: dict[Section, str] = {"posts": "posts read"}
STATUS_STYLES: dict[WorkerStatus, str] = {"busy": "cyan", "idle": "dim", "starting": "dim", "restarting": "yellow"}


class Marks(NamedTuple):
    """The signs of the display; one column each."""

    done: str
    failed: str
    arrow: str
    dot: str
    workers: dict[WorkerStatus, str]


UNICODE = Marks("✓", "✗", "→", "·", {"busy": "▮", "idle": "▯", "starting": "▯", "restarting": "↻"})
ASCII = Marks("*", "x", "->", "-", {"busy": "#", "idle": ".", "starting": ".", "restarting": "!"})


class Dashboard(NamedTuple):
    """What is shown while work is going on."""

    tally: Tally
    phase: Phase
    workers: dict[int, WorkerStatus]
    marks: Marks

    def whole(self, width: int, height: int, now: float) -> RenderableType:
        """Show all there is room for."""
        if height < LOW:
            return self.bar(width, now)
        return Group("", self.bar(width, now), "", self._sections(), self._workers())

    def brief(self, width: int, now: float) -> RenderableType:
        """Show the bar and the workers."""
        return Group(self.bar(width, now), self._workers())

    def bar(self, width: int, now: float) -> RenderableType:
        """Show how far everything together is."""
        fraction, rate, left = self.tally.fraction, self.tally.rate(), self.tally.seconds_left(now)
        if self.phase == "index":  # Pagefind doesn't tell how far it is
            rate = left = None
        line = Table.grid(padding=(0, 2, 0, 0), expand=True)
        line.add_column(width=9)
        line.add_column(ratio=1)
        line.add_column(justify="right", width=5)
        shown: list[RenderableType] = [
            Text(PHASES[self.phase], "bold"),
            ProgressBar(total=1, completed=fraction, complete_style="cyan", finished_style="cyan"),
            f"{int(fraction * 100)} %",
        ]
        if width >= NARROW:
            line.add_column(justify="right", width=14)
            shown.append(f"{wording.number(round(rate[0]))} {rate[1]}/s" if rate else "")
        line.add_column(justify="right", width=10)
        shown.append(Text(wording.countdown(left) if left is not None else "", "dim"))
        line.add_row(*shown)
        line.width = min(width, WIDEST)
        return line

    def _sections(self) -> RenderableType:
        lines = Table.grid(padding=(0, 1, 0, 0))
        lines.add_column(width=1)
        lines.add_column(width=11)
        lines.add_column(justify="right", min_width=8)
        lines.add_column(style="dim")
        lines.add_column(justify="right", min_width=6, style="dim")
        for section in SECTIONS:
            lines.add_row(*self._section(LABELS.get(section, section), self.tally.sections.get(section)))
        return lines

    def _section(self, label: str, count: Count | None) -> list[RenderableType]:
        if not count or not count.total:
            return ["", Text(label, "dim")]
        done, total = wording.number(count.done), wording.number(count.total)
        mark = Text(self.marks.done if done == total else "", "green")
        style = "" if count.done else "dim"
        return [mark, Text(label, style), Text(done, style), "/", total]

    def _workers(self) -> RenderableType:
        """Show a mark for each worker while they are few, and how many do what."""
        line = Text("  workers     ")
        if len(self.workers) <= MOST_MARKS:
            for _, status in sorted(self.workers.items()):
                line.append(self.marks.workers[status], STATUS_STYLES[status])
            line.append("  ")
        counts = Counter(self.workers.values())
        line.append(", ".join(f"{counts[status]} {status}" for status in STATUS_STYLES if counts[status]), "dim")
        return line
