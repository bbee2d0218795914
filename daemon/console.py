"""The display on a terminal: one Rich `Live` at the bottom; everything that stays is printed above it.

- The `Live` has no thread; `emit` and `tick` refresh it, at most every `REFRESH_S`.
- A build shows the whole `Dashboard` and ends in a summary.
- A watch at rest shows a status line; a rebuild of more than `PATIENCE_S` shows the bar in its place.
- Findings are printed as they come, the first `DETAILED` of each severity in a build or rebuild; the rest is counted.

Whatever colour says, a word or a mark says too (`NO_COLOR`).
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.live import Live
from rich.table import Table
from rich.text import Text

from blogd.daemon import wording
from blogd.daemon.dashboard import ASCII, NARROW, UNICODE, WIDEST, Dashboard
from blogd.daemon.events import (
    Built,
    DiagnosticEvent,
    Difference,
    Explained,
    Indexed,
    Note,
    PhaseStarted,
    Progress,
    Ready,
    RebuildStarted,
    Started,
    Stopped,
    Verified,
    WorkerState,
)
from blogd.daemon.reporter import OutputClosedError
from blogd.daemon.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rich.console import Console, RenderableType

    from blogd.daemon.events import Event, Phase, WorkerStatus
    from blogd.render.diagnostic import Diagnostic, Severity

REFRESH_S = 0.125
PATIENCE_S = 0.3
DETAILED = 20

STYLES: dict[Severity, str] = {"error": "bold red", "warning": "bold yellow"}


class RichReporter:
    """Show events on a terminal."""

    def __init__(
        self,
        console: Console,
        *,
        verbose: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._console = console
        self._verbose = verbose
        self._monotonic = monotonic
        self._wall = wall
        self._marks = UNICODE if console.encoding.startswith("utf") else ASCII
        self._tally = Tally()
        self._phase: Phase = "scan"
        self._workers: dict[int, WorkerStatus] = {}
        self._seen: Counter[Severity] = Counter()
        self._site = ""
        self._standing = 0
        self._watching = False
        self._refreshed_at = 0.0
        self._live = self._new_live()

    def emit(self, event: Event) -> None:
        """Take an event into the display, print what of it stays."""
        with _closed_terminal():
            self._take(event)
        self.tick()

    def tick(self) -> float | None:
        """Refresh the display if it is due."""
        if self._tally.started is None:
            return None
        wait = self._refreshed_at + REFRESH_S - self._monotonic()
        if wait > 0:
            return wait
        with _closed_terminal():
            self._refresh()
        return REFRESH_S

    def close(self) -> None:
        """Take the display away and show the cursor again."""
        self._tally = Tally()
        with suppress(OSError):
            self._live.stop()
        self._live = self._new_live()

    def _take(self, event: Event) -> None:
        match event:
            case PhaseStarted(phase=phase):
                self._begin()
                self._phase = phase
            case Progress():
                self._begin()
                self._tally.update(event, self._monotonic())
            case WorkerState(worker=worker, status=status):
                self._workers[worker] = status
            case DiagnosticEvent(diagnostic=finding):
                self._find(finding)
            case Note(text=text):
                self._print(Text(wording.note(text), "yellow"))
            case Explained(page=page, reason=reason) if self._verbose:
                self._print(Text(wording.printable(f"  {page}: {reason}"), "dim"))
            case Explained():
                pass
            case Difference():
                head, *rest = wording.difference(event)
                self._print(Text(head, STYLES["error"]), *(Text(line, "dim") for line in rest))
            case _:
                self._turn(event)

    def _turn(self, event: Event) -> None:
        """Take an event that begins or ends something."""
        match event:
            case Started():
                self._site = _home_relative(event.site)
                self._print(self._header(event))
                self._begin()
                self._refresh()
            case RebuildStarted():
                self._begin()
            case Built() if self._watching:
                self._end(event, self._rebuilt(event))
                self._refresh()
            case Built():
                self.close()
                self._end(event, self._summary(event))
            case Indexed():
                self._tally = Tally()
                self._print(Text.assemble(*self._stamp(self._clock()), (wording.indexed(event), "dim")))
                self._refresh()
            case Ready():
                self._watching = True
                self._print(Text())
                self._refresh()
            case Verified():
                self.close()
                self._print(Text(wording.verified(event), STYLES["error"] if event.differences else "bold"))
            case Stopped(signal=signal):
                self.close()
                self._print(Text(f"stopped by {signal}; the next run goes on from here", "dim"))
            case _:
                pass

    def _begin(self) -> None:
        """Start to show work, unless work is shown already: several changes may come one upon the other."""
        if self._tally.started is None:
            self._tally.begin(self._monotonic())
            self._phase = "scan"

    def _end(self, built: Built, lines: list[RenderableType]) -> None:
        self._tally = Tally()
        self._standing = built.standing
        hidden = {severity: max(0, self._seen[severity] - DETAILED) for severity in STYLES}
        if not self._verbose and any(hidden.values()):
            counts = wording.findings(hidden["error"], hidden["warning"])
            self._print(Text(f"not shown: {counts}; --verbose shows all", "bold"))
        self._seen.clear()
        self._print(*lines)

    # What is printed

    def _find(self, finding: Diagnostic) -> None:
        self._seen[finding.severity] += 1
        if self._verbose or self._seen[finding.severity] <= DETAILED:
            self._print(*finding_lines(finding, min(self._console.width, WIDEST)))

    def _header(self, event: Started) -> RenderableType:
        out = Path(event.out)
        inside = out.is_relative_to(event.site)
        target = out.relative_to(event.site).as_posix() if inside else _home_relative(event.out)
        workers = wording.counted(event.workers, "worker")
        room = self._console.width - len(f"blogd {event.version}  {self._marks.arrow}   {workers}") - 1
        header = Text.assemble((f"blogd {event.version}", "bold"), "  ")
        header.append(wording.clipped_path(self._site, max(8, room - wording.cells(target))))
        return header.append(f" {self._marks.arrow} {wording.printable(target)}").append(f"  {workers}", "dim")

    def _summary(self, built: Built) -> list[RenderableType]:
        mark, style = self._verdict(built)
        head = Text.assemble((f"{mark} ", style), (wording.headline(built), "bold"))
        if told := wording.findings(self._seen["error"], self._seen["warning"]):
            head.append(f", {told}", style if built.failed else STYLES["warning"])
        counts = Table.grid(padding=(0, 3, 0, 0))
        counts.add_column(width=13)
        counts.add_column(justify="right", min_width=7)
        for count, verb in wording.totals(built):
            rate = wording.pages_per_second(built) if verb == "rendered" and count else ""
            counts.add_row(f"  {verb}", wording.number(count), Text(rate, "dim"))
        if built.peak_bytes:
            counts.add_row("  peak memory", wording.memory(built.peak_bytes))
        return [Text(), head, counts]

    def _rebuilt(self, built: Built) -> list[RenderableType]:
        clock = self._clock()
        lines: list[RenderableType] = []
        for path in built.mended:
            line = Text.assemble(*self._stamp(clock), ("mended ", "green"))
            lines.append(
                line.append(wording.clipped_path(wording.printable(path), self._console.width - line.cell_len))
            )
        return [*lines, self._rebuilt_line(clock, built)]

    def _rebuilt_line(self, clock: str, built: Built) -> RenderableType:
        """Say what changed and what came of it: in a line, or in two where there is little room."""
        width = min(self._console.width, WIDEST)
        mark, style = self._verdict(built)
        took, outcome = wording.duration(built.elapsed_ms), wording.outcome(built)
        line = Text.assemble((f"{clock} ", "dim"), (f"{mark} ", style))
        if width < NARROW:
            line.append(wording.what_changed(built.changed, width - line.cell_len))
            tail = f"{outcome} {self._marks.dot} {took}"
            return line.append(f"\n{' ' * max(0, min(11, width - len(tail)))}{tail}", "dim")
        tail = f"{outcome}  {took:>7}"
        room = width - line.cell_len - len(tail) - 2
        what = wording.what_changed(built.changed, room)
        line.append(what).append(" " * (room - wording.cells(what) + 2))
        return line.append(outcome, "red" if built.failed else "dim").append(f"  {took:>7}")

    def _clock(self) -> str:
        return time.strftime("%H:%M:%S", time.localtime(self._wall()))

    def _stamp(self, clock: str) -> list[tuple[str, str]]:
        return [(f"{clock} ", "dim"), (f"{self._marks.done} ", "bold green")]

    def _verdict(self, built: Built) -> tuple[str, str]:
        return (self._marks.failed, "bold red") if built.failed else (self._marks.done, "bold green")

    def _print(self, *lines: RenderableType) -> None:
        for line in lines:
            self._console.print(line)

    # What moves

    def _refresh(self) -> None:
        self._refreshed_at = self._monotonic()
        self._live.start()
        self._live.refresh()

    def _new_live(self) -> Live:
        """Make a display that knows of no earlier lines: a Live that is started again would go up over them."""
        return Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=self._bottom,
        )

    def _bottom(self) -> RenderableType:
        width, now = self._console.width, self._monotonic()
        dashboard = Dashboard(self._tally, self._phase, self._workers, self._marks)
        if not self._watching:
            return dashboard.whole(width, self._console.height, now)
        if self._tally.lasts(now) >= PATIENCE_S:
            return dashboard.brief(width, now)
        return self._status(width)

    def _status(self, width: int) -> RenderableType:
        gap = f" {self._marks.dot} "
        errors = f"{gap}{wording.counted(self._standing, 'error')}" if self._standing else ""
        stop = f"{gap}Ctrl-C stops"
        room = width - len(f"watching {errors}{stop}") - 1
        site = f" {wording.clipped_path(self._site, room)}" if room >= 8 else ""
        return Text.assemble(("watching", "bold"), site, (errors, "bold red"), (stop, "dim"))


def finding_lines(finding: Diagnostic, width: int) -> list[Text]:
    """Say what is wrong, where, and the way out, as `diagnostic_lines` does, in colour."""
    first, *rest = finding.message.splitlines() or [""]
    style = STYLES[finding.severity]
    head = Text.assemble((f"{wording.place(finding)}: ", "bold"), (f"{finding.severity}: ", style))
    lines = [head.append(wording.printable(first))]
    lines += [Text(f"    {wording.printable(line)}", "dim") for line in rest]
    if shown := wording.excerpt(finding, width - 5):
        source, caret = shown
        lines += [Text(f"    {source}"), *([Text(f"    {caret}", style)] if caret else [])]
    return lines + [Text(line, "cyan") for line in wording.hint(finding)]


@contextmanager
def _closed_terminal() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise OutputClosedError from error


def _home_relative(path: str) -> str:
    """Write a path below the home folder with `~`."""
    with suppress(ValueError, RuntimeError):
        return wording.printable(f"~/{Path(path).relative_to(Path.home()).as_posix()}")
    return wording.printable(path)
