"""What machines, pipes and quiet terminals get."""

from __future__ import annotations

import io
import json
import time

import msgspec
import pytest

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
from blogd.daemon.reporter import JsonReporter, OutputClosedError, PlainReporter, QuietReporter, Reporter
from blogd.render.diagnostic import Diagnostic

STARTED = Started(version="1.0", site="/s", out="/s/html", workers=2)
FINDING = Diagnostic(
    severity="error",
    path="posts/a.md",
    message="unknown filter 'x'",
    line=3,
    column=6,
    hint="did you mean 'y'?",
    source_line="  {{ x }}",
)
WARNING = Diagnostic(severity="warning", path="posts/b.md", message="no such post")
BUILT = Built(
    changed=("posts/a.md", "posts/b.md"),
    pages=20_031,
    rendered=20_024,
    written=20_031,
    unchanged=0,
    removed=0,
    failed=0,
    elapsed_ms=8412.0,
    peak_bytes=312_000_000,
)
INDEXED = Indexed(written=12, removed=0, elapsed_ms=2300.0)
NOON = time.mktime((2024, 3, 1, 12, 4, 31, 0, 0, -1))


class Clock:
    """A clock that goes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Closed(io.StringIO):
    """A stream whose reader is gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


class ClosedBytes(io.BytesIO):
    """The same, of bytes."""

    def write(self, _data: object) -> int:
        raise BrokenPipeError


def emit(reporter: Reporter, *events: Event) -> None:
    for event in events:
        reporter.emit(event)
    reporter.close()


def json_lines(*events: Event) -> list[dict[str, object]]:
    out = io.BytesIO()
    emit(JsonReporter(out, io.StringIO(), monotonic=Clock()), *events)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def plain_lines(*events: Event, verbose: bool = False) -> list[str]:
    out = io.StringIO()
    emit(PlainReporter(out, verbose=verbose, monotonic=Clock(), wall=lambda: NOON), *events)
    return out.getvalue().splitlines()


def test_json_has_a_line_for_each_promised_event_and_no_other() -> None:
    events: list[Event] = [
        STARTED,
        PhaseStarted(phase="scan"),
        WorkerState(worker=0, status="busy"),
        Note(text="n"),
        Explained(page="/", reason="r"),
        Progress(section="posts", done=1, total=2),
        DiagnosticEvent(diagnostic=FINDING),
        BUILT,
        Ready(),
        RebuildStarted(),
        INDEXED,
        Stopped(signal="SIGINT"),
    ]
    told = [line["event"] for line in json_lines(*events)]
    assert told == ["started", "progress", "diagnostic", "built", "ready", "indexed"]


def test_json_of_a_finding_has_null_for_what_is_not_known() -> None:
    known, unknown = json_lines(DiagnosticEvent(diagnostic=FINDING), DiagnosticEvent(diagnostic=WARNING))
    assert known == {
        "event": "diagnostic",
        "severity": "error",
        "path": "posts/a.md",
        "line": 3,
        "column": 6,
        "message": "unknown filter 'x'",
        "hint": "did you mean 'y'?",
    }
    assert (unknown["severity"], unknown["line"], unknown["column"], unknown["hint"]) == ("warning", None, None, None)


def test_json_progress_counts_all_sections_together() -> None:
    last = json_lines(
        Progress(section="posts", done=10, total=10),
        Progress(section="single", done=0, total=10),
        Progress(section="tag", done=2, total=5),
        BUILT,
    )[-2]
    assert last == {"event": "progress", "done": 12, "total": 25, "section": "tag"}


def test_json_progress_comes_at_most_ten_times_a_second_and_ends_with_the_last() -> None:
    out, clock = io.BytesIO(), Clock()
    reporter = JsonReporter(out, io.StringIO(), monotonic=clock)
    sent_at: list[float] = []
    for done in range(1, 1001):
        before = out.tell()
        reporter.emit(Progress(section="single", done=done, total=1000))
        sent_at += [clock.now] if out.tell() > before else []
        clock.now += 0.01
    reporter.emit(BUILT)
    assert len(sent_at) > 50
    assert max(sum(start <= at < start + 1 for at in sent_at) for start in sent_at) < 10
    assert json.loads(out.getvalue().splitlines()[-2])["done"] == 1000


def test_json_progress_that_was_held_back_comes_with_a_tick() -> None:
    out, clock = io.BytesIO(), Clock()
    reporter = JsonReporter(out, io.StringIO(), monotonic=clock)
    for done in (1, 2):
        reporter.emit(Progress(section="single", done=done, total=9))
    wait = reporter.tick()
    assert wait
    assert len(out.getvalue().splitlines()) == 1
    clock.now += wait
    assert reporter.tick() is None
    assert json.loads(out.getvalue().splitlines()[-1])["done"] == 2


def test_json_progress_starts_anew_with_a_rebuild() -> None:
    last = json_lines(
        Progress(section="single", done=9, total=9),
        BUILT,
        RebuildStarted(),
        Progress(section="tag", done=1, total=2),
        BUILT,
    )[-2]
    assert last == {"event": "progress", "done": 1, "total": 2, "section": "tag"}


def test_plain_lines_of_a_search_index() -> None:
    removed = Indexed(written=1_004, removed=3, elapsed_ms=80)
    assert plain_lines(INDEXED, removed, Indexed(written=0, removed=0, elapsed_ms=80)) == [
        "12:04:31 search is up to date: 12 written, 2.30 s",
        "12:04:31 search is up to date: 1,004 written, 3 removed, 80 ms",
        "12:04:31 search is up to date: 80 ms",
    ]


def test_json_progress_starts_anew_after_a_search_index() -> None:
    last = json_lines(
        Progress(section="copies", done=9, total=9), INDEXED, Progress(section="tag", done=1, total=2), BUILT
    )
    assert [line["event"] for line in last] == ["progress", "indexed", "progress", "built"]
    assert last[2] == {"event": "progress", "done": 1, "total": 2, "section": "tag"}


def test_json_keeps_the_bytes_of_names_that_are_not_utf_8() -> None:
    (line,) = json_lines(msgspec.structs.replace(BUILT, changed=("posts/\udcff.md",)))
    assert line["changed"] == ["posts/\udcff.md"]


def test_json_leaves_what_is_for_people_to_the_other_stream() -> None:
    notes = io.StringIO()
    emit(JsonReporter(io.BytesIO(), notes), Note(text="worker 2 died"), Explained(page="/a/", reason="title changed"))
    assert notes.getvalue() == "note: worker 2 died\n/a/: title changed\n"


def test_plain_lines_of_a_build() -> None:
    assert plain_lines(STARTED, DiagnosticEvent(diagnostic=FINDING), DiagnosticEvent(diagnostic=WARNING), BUILT) == [
        "blogd 1.0: /s -> /s/html, 2 workers",
        "posts/a.md:3:6: error: unknown filter 'x'",
        "    {{ x }}",
        "       ^",
        "hint: did you mean 'y'?",
        "posts/b.md: warning: no such post",
        (
            "built 20,031 files in 8.41 s: 20,024 rendered, 20,031 written, 0 unchanged, 0 removed, 2,380 pages/s, "
            "peak memory 312 MB"
        ),
    ]


def test_plain_lines_of_a_watch() -> None:
    rebuilt = Built(
        changed=("posts/a.md", "posts/b.md"),
        pages=9,
        rendered=3,
        written=2,
        unchanged=7,
        removed=0,
        failed=0,
        elapsed_ms=38,
        mended=("posts/a.md",),
    )
    assert plain_lines(BUILT, Ready(), RebuildStarted(), rebuilt, Stopped(signal="SIGTERM"))[1:] == [
        "watching; Ctrl-C stops",
        "12:04:31 mended: posts/a.md",
        "12:04:31 posts/a.md + 1 more: 3 rendered, 2 written, 38 ms",
        "stopped by SIGTERM; the next run goes on from here",
    ]


DIFFERENCE = Difference(path="a/index.html", kind="differs", line=3, because=("title of posts/b.md (en) changed",))
VERIFIED = Verified(files=1200, differences=1, failed=0, elapsed_ms=1500)


def test_differences_and_their_sum_are_told_by_all() -> None:
    told = ["a/index.html:3: differs", "    title of posts/b.md (en) changed"]
    errors = io.StringIO()
    emit(QuietReporter(errors), DIFFERENCE, VERIFIED)

    assert errors.getvalue().splitlines() == told
    assert plain_lines(DIFFERENCE, VERIFIED) == [
        *told,
        "1 difference from a clean build of 1,200 files, verified in 1.50 s",
    ]
    assert [line["event"] for line in json_lines(DIFFERENCE, VERIFIED)] == ["difference", "verified"]


def test_an_output_that_is_right_is_said_to_be_and_what_was_left_out_is_counted() -> None:
    (line,) = plain_lines(Verified(files=1, differences=0, failed=2, elapsed_ms=12))
    assert line == (
        "the output is that of a clean build: 1 file, verified in 12 ms; 2 that can't be rendered were left out"
    )


def test_a_note_may_have_several_lines() -> None:
    assert plain_lines(Note(text="internal error\n  at a\x1b.py")) == ["note: internal error", "      at a\ufffd.py"]


def test_plain_lines_explain_on_request_only() -> None:
    event = Explained(page="/a/", reason="title of posts/b.md changed")
    assert plain_lines(event) == []
    assert plain_lines(event, verbose=True) == ["  /a/: title of posts/b.md changed"]


def test_plain_lines_hold_no_control_codes() -> None:
    evil = Diagnostic(severity="error", path="\x1b[1m", message="a\x07\nb", source_line="\x1b]0;", hint="\x9b")
    lines = plain_lines(DiagnosticEvent(diagnostic=evil), Note(text="\x1b[2J"))
    assert len(lines) == 5
    assert all(line.isprintable() for line in lines)


def test_plain_progress_is_a_line_every_few_seconds() -> None:
    out, clock = io.StringIO(), Clock()
    reporter = PlainReporter(out, monotonic=clock)
    reporter.emit(STARTED)
    for done in range(0, 2100, 100):
        clock.now += 1
        reporter.emit(Progress(section="single", done=done, total=2000))
    assert out.getvalue().splitlines()[1:] == [
        "400 of 2,000 (20%), 100 pages/s, 0:16 left",
        "900 of 2,000 (45%), 100 pages/s, 0:11 left",
        "1,400 of 2,000 (70%), 100 pages/s, 0:06 left",
        "1,900 of 2,000 (95%), 100 pages/s, 0:01 left",
    ]


def test_quiet_prints_errors_and_a_last_line_on_failure() -> None:
    out = io.StringIO()
    emit(
        QuietReporter(out),
        STARTED,
        DiagnosticEvent(diagnostic=WARNING),
        DiagnosticEvent(diagnostic=FINDING),
        Note(text="n"),
        msgspec.structs.replace(BUILT, failed=1),
    )
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("posts/a.md:3:6: error:")
    assert lines[-1] == "blogd: 1 failed; the rest is built, the last good pages stay"
    assert len(lines) == 5


def test_quiet_prints_nothing_when_all_is_well() -> None:
    out = io.StringIO()
    emit(QuietReporter(out), STARTED, DiagnosticEvent(diagnostic=WARNING), BUILT, Ready(), Stopped(signal="SIGINT"))
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    "reporter",
    [JsonReporter(ClosedBytes(), io.StringIO()), PlainReporter(Closed()), QuietReporter(Closed())],
    ids=["json", "plain", "quiet"],
)
def test_a_closed_output_ends_the_run(reporter: Reporter) -> None:
    with pytest.raises(OutputClosedError):
        reporter.emit(DiagnosticEvent(diagnostic=FINDING))
    reporter.close()


def test_closed_notes_disturb_nothing() -> None:
    out = io.BytesIO()
    emit(JsonReporter(out, Closed()), Note(text="n"), Ready())
    assert out.getvalue() == b'{"event":"ready"}\n'
