"""The display on a terminal, at several widths, with and without colour."""

from __future__ import annotations

import io
import re
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.console import Console

from blogd.daemon.console import REFRESH_S, RichReporter
from blogd.daemon.events import (
    Built,
    DiagnosticEvent,
    Difference,
    Event,
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
from blogd.render.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterable

STARTED = Started(version="1.0", site="/srv/blog", out="/srv/blog/html", workers=2)
NOON = time.mktime((2024, 3, 1, 12, 4, 31, 0, 0, -1))
FINDING = Diagnostic(
    severity="error",
    path="posts/2024/03/a.md",
    message="unknown filter 'x'",
    line=3,
    column=6,
    hint="did you mean 'y'?",
    source_line="  {{ x }}",
)
BUILT = Built(
    pages=20_031,
    rendered=20_024,
    written=20_031,
    unchanged=0,
    removed=0,
    failed=0,
    elapsed_ms=8412.0,
    peak_bytes=312_000_000,
)
REBUILT = Built(
    changed=("posts/2024/03/a.md", "posts/2024/03/b.md"),
    pages=9,
    rendered=3,
    written=2,
    unchanged=7,
    removed=0,
    failed=0,
    elapsed_ms=38,
)


class Clock:
    """A clock that goes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Screen:
    """A terminal that understands what Rich writes, and a reporter that writes to it."""

    def __init__(self, width: int = 80, height: int = 30, *, verbose: bool = False) -> None:
        self.width = width
        self.file = io.StringIO()
        self.clock = Clock()
        console = Console(
            file=self.file,
            width=width,
            height=height,
            force_terminal=True,
            force_interactive=True,
            no_color=True,
            highlight=False,
            _environ={"TERM": "xterm"},
        )
        self.reporter = RichReporter(console, verbose=verbose, monotonic=self.clock, wall=lambda: NOON)

    def emit(self, events: Iterable[Event], step: float = 1.0) -> list[str]:
        """Emit events, with time passing after each; give the lines that are on the screen then, history included."""
        for event in events:
            self.reporter.emit(event)
            self.clock.now += step
        return self.lines()

    def lines(self) -> list[str]:
        rows, row, column = [""], 0, 0
        for up, erased, other, char in re.findall(
            r"\x1b\[(\d*)A|\x1b\[2(K)|(\x1b\[[0-9;?]*[hlm])|(.)", self.written, re.DOTALL
        ):
            if up:
                row -= int(up)
            elif erased:
                rows[row] = ""
            elif char == "\r":
                column = 0
            elif char:
                if char == "\n" or column == self.width:
                    row, column = row + 1, 0
                    rows += [""] * (row + 1 - len(rows))
                if char != "\n":
                    rows[row] = rows[row][:column].ljust(column) + char + rows[row][column + 1 :]
                    column += 1
            assert row >= 0
            assert other or not char or char.isprintable() or char in "\r\n"
        return [line.rstrip() for line in "\n".join(rows).rstrip().split("\n")]

    @property
    def written(self) -> str:
        return self.file.getvalue()


def finding(number: int) -> DiagnosticEvent:
    return DiagnosticEvent(diagnostic=msgspec.structs.replace(FINDING, path=f"posts/{number}.md"))


BUILDING: list[Event] = [
    STARTED,
    WorkerState(worker=0, status="busy"),
    WorkerState(worker=1, status="restarting"),
    PhaseStarted(phase="render"),
    Progress(section="posts", done=10_000, total=10_000),
    Progress(section="single", done=2_500, total=10_000),
    Progress(section="tag", done=0, total=500),
]


def test_a_build_shows_the_bar_the_sections_and_the_workers() -> None:
    lines = Screen().emit([*BUILDING, Progress(section="single", done=5_000, total=10_000)])
    assert lines[0] == "blogd 1.0  /srv/blog → html  2 workers"
    assert re.fullmatch(r"rendering  ━+[╸╺]? +\d\d %   [\d,]+ pages/s   0:\d\d left", lines[2])
    assert lines[4:] == [
        "✓ posts read    10,000 / 10,000",
        "  single         5,000 / 10,000",
        "  core",
        "  category",
        "  tag                0 /    500",
        "  date",
        "  copies",
        "  workers     ▮↻  1 busy, 1 restarting",
    ]


@pytest.mark.parametrize("width", [40, 59, 60, 80, 200])
def test_the_display_fits_the_terminal_and_stays_put(width: int) -> None:
    screen = Screen(width)
    for event in BUILDING:
        screen.emit([event])
        assert len(screen.lines()) == 12
    text = "\n".join(screen.emit([BUILT, Ready(), RebuildStarted(), msgspec.structs.replace(REBUILT, standing=3)]))
    assert text.count("✓ ") == 2
    assert all(line.startswith(("blogd", "✓", "  ", "12:04:31", "watching")) or not line for line in text.splitlines())


def test_a_low_terminal_gets_the_bar_alone() -> None:
    lines = Screen(height=10).emit(BUILDING)
    assert len(lines) == 2
    assert lines[1].startswith("rendering")


def test_many_workers_are_counted_only() -> None:
    busy = [WorkerState(worker=n, status="busy") for n in range(64)]
    assert Screen().emit([STARTED, *busy, PhaseStarted(phase="read")])[-1].split() == ["workers", "64", "busy"]


def test_the_display_is_refreshed_at_most_eight_times_a_second() -> None:
    screen = Screen()
    screen.emit([STARTED])
    screen.emit((Progress(section="posts", done=n, total=1000) for n in range(1000)), step=0.01)
    assert 60 <= screen.written.count("posts read") <= 81


def test_the_display_moves_between_events() -> None:
    screen = Screen()
    screen.emit(BUILDING)
    assert screen.reporter.tick() == REFRESH_S
    screen.clock.now += REFRESH_S / 4
    assert screen.reporter.tick() == pytest.approx(REFRESH_S * 3 / 4)


def test_a_summary_takes_the_place_of_the_display() -> None:
    screen = Screen()
    screen.emit(BUILDING)
    assert screen.emit([BUILT]) == [
        "blogd 1.0  /srv/blog → html  2 workers",
        "",
        "✓ built 20,031 files in 8.41 s",
        "  rendered       20,024   2,380 pages/s",
        "  written        20,031",
        "  unchanged           0",
        "  removed             0",
        "  peak memory    312 MB",
    ]
    assert screen.reporter.tick() is None


def test_a_failed_build_says_so_without_colour() -> None:
    warning = DiagnosticEvent(diagnostic=msgspec.structs.replace(FINDING, severity="warning"))
    lines = Screen().emit([STARTED, finding(1), finding(2), warning, msgspec.structs.replace(BUILT, failed=2)])
    assert "✗ built 20,031 files in 8.41 s, 2 errors, 1 warning" in lines
    assert "  failed              2" in lines


def test_findings_are_shown_above_the_display_with_place_caret_and_hint() -> None:
    lines = Screen().emit([STARTED, DiagnosticEvent(diagnostic=FINDING)])
    assert lines[1:6] == [
        "posts/2024/03/a.md:3:6: error: unknown filter 'x'",
        "    {{ x }}",
        "       ^",
        "hint: did you mean 'y'?",
        "",
    ]
    assert lines[6].startswith("scanning")


def test_a_source_line_is_cut_to_the_terminal() -> None:
    long = msgspec.structs.replace(FINDING, source_line="word " * 100, column=1)
    lines = Screen(40).emit([STARTED, DiagnosticEvent(diagnostic=long)])
    assert lines[3:5] == ["    word word word word word word word…", "    ^"]


def test_only_the_first_findings_are_shown_and_the_rest_is_counted() -> None:
    lines = Screen().emit([STARTED, *map(finding, range(33)), BUILT])
    assert sum("error: unknown filter" in line for line in lines) == 20
    assert "not shown: 13 errors; --verbose shows all" in lines


def test_each_rebuild_shows_its_first_findings() -> None:
    screen = Screen()
    screen.emit([STARTED, *map(finding, range(33)), BUILT, Ready(), RebuildStarted()])
    assert any(line.startswith("posts/50.md:3:6: error") for line in screen.emit([finding(50)]))


def test_verbose_shows_all_findings_and_reasons() -> None:
    reason = Explained(page="/a/", reason="title of posts/b.md changed")
    lines = Screen(verbose=True).emit([STARTED, *map(finding, range(33)), reason, BUILT])
    assert sum("error: unknown filter" in line for line in lines) == 33
    assert not any("not shown" in line for line in lines)
    assert "  /a/: title of posts/b.md changed" in lines
    assert "  /a/: title of posts/b.md changed" not in Screen().emit([STARTED, reason])


def test_differences_are_shown_and_their_sum_takes_the_place_of_the_display() -> None:
    screen = Screen()
    screen.emit([STARTED])
    missing = Difference(path="a.html", kind="missing", line=0, because=("was removed after blogd wrote it",))
    extra = Difference(path="b.html", kind="extra", line=0, because=("posts/b.md has it no more",))
    lines = screen.emit([missing, extra, Verified(files=9, differences=2, failed=0, elapsed_ms=900)])
    assert lines[1:] == [
        "a.html: is missing",
        "    was removed after blogd wrote it",
        "b.html: should not be there",
        "    posts/b.md has it no more",
        "2 differences from a clean build of 9 files, verified in 900 ms",
    ]
    assert screen.reporter.tick() is None


def test_files_cannot_drive_the_terminal() -> None:
    evil = Diagnostic(severity="error", path="\x1b[31m", message="[bold]\x1b[2J", source_line="\x1b]0;x", hint="\x07")
    changed = msgspec.structs.replace(REBUILT, changed=("\x1b[2J",), mended=("\x1b[2J",))
    text = "\n".join(
        Screen().emit([STARTED, DiagnosticEvent(diagnostic=evil), Note(text="\x1b[2J"), BUILT, Ready(), changed])
    )
    assert text.count("\ufffd[2J") == 4
    assert "\ufffd[31m: error: [bold]" in text
    assert "\x07" not in text


def test_a_rebuild_is_a_line() -> None:
    screen = Screen()
    screen.emit([STARTED, BUILT, Ready()])
    lines = screen.emit([RebuildStarted(changed=REBUILT.changed), REBUILT], step=0.01)
    assert lines[-2:] == [
        "12:04:31 ✓ posts/2024/03/a.md + 1 more            3 rendered, 2 written    38 ms",
        "watching /srv/blog · Ctrl-C stops",
    ]
    assert "rendering" not in screen.written


def test_a_rebuild_is_two_lines_where_there_is_little_room() -> None:
    screen = Screen(40)
    screen.emit([STARTED, BUILT, Ready()])
    long = msgspec.structs.replace(REBUILT, rendered=20_000, written=20_000, elapsed_ms=4412)
    assert screen.emit([REBUILT, long])[-5:] == [
        "12:04:31 ✓ posts/2024/03/a.md + 1 more",
        "           3 rendered, 2 written · 38 ms",
        "12:04:31 ✓ posts/2024/03/a.md + 1 more",
        "20,000 rendered, 20,000 written · 4.41 s",
        "watching /srv/blog · Ctrl-C stops",
    ]


def test_a_long_rebuild_shows_the_bar_in_place_of_the_status() -> None:
    screen = Screen()
    screen.emit([STARTED, BUILT, Ready(), RebuildStarted()], step=0.01)
    assert screen.lines()[-1].startswith("watching")
    screen.clock.now += 1
    lines = screen.emit([PhaseStarted(phase="render"), Progress(section="tag", done=5, total=10)])
    assert lines[-2].startswith("rendering")
    assert screen.emit([REBUILT])[-1].startswith("watching")


def test_changes_that_come_while_a_rebuild_runs_do_not_set_the_bar_back() -> None:
    screen = Screen()
    screen.emit([STARTED, BUILT, Ready(), RebuildStarted(), Progress(section="tag", done=5, total=10)])
    before = re.search(r"(\d+) %", screen.emit([PhaseStarted(phase="render")])[-2])
    after = re.search(r"(\d+) %", screen.emit([RebuildStarted(), Progress(section="single", done=0, total=10)])[-2])
    assert before
    assert after
    assert int(before[1]) == int(after[1]) == 50


def test_a_rebuild_without_a_named_change_shows_the_bar_too() -> None:
    screen = Screen()
    screen.emit([STARTED, BUILT, Ready(), PhaseStarted(phase="scan")])
    assert screen.emit([Progress(section="tag", done=1, total=10)])[-2].startswith("scanning")


def test_an_error_stands_until_it_is_mended() -> None:
    screen = Screen()
    screen.emit([STARTED, BUILT, Ready()])
    failed = msgspec.structs.replace(REBUILT, failed=1, standing=1)
    lines = screen.emit([RebuildStarted(), DiagnosticEvent(diagnostic=FINDING), failed])
    assert lines[-2].startswith("12:04:31 ✗ posts/2024/03/a.md + 1 more")
    assert lines[-1] == "watching /srv/blog · 1 error · Ctrl-C stops"
    lines = screen.emit([RebuildStarted(), msgspec.structs.replace(REBUILT, mended=("posts/2024/03/a.md",))])
    assert lines[-3] == "12:04:31 ✓ mended posts/2024/03/a.md"
    assert lines[-1] == "watching /srv/blog · Ctrl-C stops"


def test_a_new_search_index_leaves_a_line() -> None:
    screen = Screen(width=44)
    screen.emit([STARTED, BUILT, Ready()])
    assert screen.emit(
        [Progress(section="copies", done=12, total=12), Indexed(written=12, removed=0, elapsed_ms=2300)]
    )[-3:] == [
        "12:04:31 ✓ search is up to date: 12 written,",
        "2.30 s",
        "watching /srv/blog · Ctrl-C stops",
    ]


def test_indexing_is_shown_without_a_speed_and_a_guess_of_its_end() -> None:
    screen = Screen()
    bar = next(line for line in screen.emit([*BUILDING, PhaseStarted(phase="index")]) if "indexing" in line)
    assert not re.search(r"left|/s", bar)


def test_a_watch_at_rest_asks_for_no_ticks() -> None:
    screen = Screen()
    screen.emit([STARTED, BUILT, Ready()])
    assert screen.reporter.tick() is None


def test_the_cursor_comes_back() -> None:
    screen = Screen()
    screen.emit([*BUILDING, Stopped(signal="SIGINT")])
    screen.reporter.close()
    assert screen.written.rindex("\x1b[?25h") > screen.written.rindex("\x1b[?25l")
    assert screen.lines()[1:] == ["stopped by SIGINT; the next run goes on from here"]


@pytest.mark.parametrize("call", ["emit", "tick"])
def test_a_terminal_that_is_gone_ends_the_run(call: str) -> None:
    screen = Screen()
    screen.emit([STARTED])

    def write(_text: str) -> int:
        raise OSError(5, "Input/output error")

    screen.file.write = write  # type: ignore[method-assign] # a fault
    with pytest.raises(OutputClosedError):
        screen.reporter.emit(Note(text="n")) if call == "emit" else screen.reporter.tick()
    screen.reporter.close()


def test_a_home_folder_is_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv")
    assert Screen().emit([STARTED])[0] == "blogd 1.0  ~/blog → html  2 workers"
    assert Screen().emit([msgspec.structs.replace(STARTED, out="/a")])[0] == "blogd 1.0  ~/blog → /a  2 workers"
