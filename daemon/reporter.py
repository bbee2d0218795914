"""Who prints: the `Reporter` protocol, and its kinds for machines, pipes and those who want silence.

One reporter per run owns all that is printed. The engine calls `emit` for what happens and `tick` when nothing does, so
that a display can show time passing without a thread of its own. Which kind:

- `--json`: `JsonReporter`, one object a line on stdout and nothing else there; notes go to stderr.
- `--quiet`: `QuietReporter`, errors and, on failure, a last line, on stderr.
- a terminal: `RichReporter` of the console module.
- else (pipe, CI, dumb terminal): `PlainReporter`, lines without control codes.

A stream that can't be written to any more (`| head`, a closed terminal) raises `OutputClosedError`, which ends the run;
it is told apart from a broken pipe to a worker.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Protocol, TextIO

import msgspec

from blogd.daemon import wording
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
    Section,
    Started,
    Stopped,
    Verified,
)
from blogd.daemon.tally import Tally
from blogd.render.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from blogd.daemon.events import Event
    from blogd.render.diagnostic import Diagnostic

JSON_PROGRESS_S = 0.125  # with the last of a run, which is always sent, never over 10 a second
PLAIN_PROGRESS_S = 5.0
EXCERPT_WIDTH = 100


class OutputClosedError(Exception):
    """Nobody reads what is printed any more."""


class Reporter(Protocol):
    """Print events, or don't. All methods raise `OutputClosedError` but `close`, which raises nothing."""

    def emit(self, event: Event, /) -> None:
        """Take what has happened."""
        ...

    def tick(self) -> float | None:
        """Show that time passes; say in how many seconds at most to call again, None for never."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was; may be called twice."""
        ...


class _ProgressLine(msgspec.Struct, frozen=True, tag_field="event", tag="progress"):
    done: int
    total: int
    section: Section


class _DiagnosticLine(msgspec.Struct, frozen=True, tag_field="event", tag="diagnostic"):
    severity: Severity
    path: str
    line: int | None
    column: int | None
    message: str
    hint: str | None


class JsonReporter:
    """Write one JSON object a line to `out`, flushed; notes and reasons, for people, to `notes`."""

    def __init__(self, out: BinaryIO, notes: TextIO, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._notes = notes
        self._monotonic = monotonic
        self._tally = Tally()
        self._pending: Section | None = None
        self._sent_at = -JSON_PROGRESS_S

    def emit(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        match event:
            case Started() | Ready() | Difference() | Verified():
                self._write(event)
            case Progress():
                self._tally.update(event, self._monotonic())
                self._pending = event.section
                self.tick()
            case DiagnosticEvent(diagnostic=finding):
                self._write(_diagnostic_line(finding))
            case Built() | Indexed():
                self._send_progress()
                self._tally = Tally()
                self._write(event)
            case Note(text=text):
                self._note(wording.note(text))
            case Explained(page=page, reason=reason):
                self._note(wording.printable(f"{page}: {reason}"))
            case _:
                pass

    def tick(self) -> float | None:
        """Send the newest progress, unless the last is too young."""
        if self._pending is None:
            return None
        wait = self._sent_at + JSON_PROGRESS_S - self._monotonic()
        if wait <= 0:
            self._send_progress()
        return max(0.0, wait) or None

    def close(self) -> None:
        """Do nothing: every line is out already."""

    def _send_progress(self) -> None:
        if self._pending is not None:
            done, total = self._tally.overall
            self._write(_ProgressLine(done, total, self._pending))
            self._pending, self._sent_at = None, self._monotonic()

    def _write(self, line: msgspec.Struct) -> None:
        try:
            self._out.write(encoded(line) + b"\n")
            self._out.flush()
        except OSError as error:
            raise OutputClosedError from error

    def _note(self, text: str) -> None:
        with suppress(OSError):
            print(text, file=self._notes, flush=True)


class PlainReporter:
    """Write plain lines, each whole when written: for pipes, logs and CI."""

    def __init__(
        self,
        out: TextIO,
        *,
        verbose: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._out = out
        self._verbose = verbose
        self._monotonic = monotonic
        self._wall = wall
        self._tally = Tally()
        self._progress_at = 0.0
        self._watching = False

    def emit(self, event: Event) -> None:
        """Write the event's lines, if it has any."""
        match event:
            case Started():
                workers = wording.counted(event.workers, "worker")
                self._write(wording.printable(f"blogd {event.version}: {event.site} -> {event.out}, {workers}"))
                self._begin()
            case RebuildStarted() | PhaseStarted():
                self._begin()
            case Progress():
                self._begin()
                self._tally.update(event, self._monotonic())
                self.tick()
            case DiagnosticEvent(diagnostic=finding):
                self._write(*diagnostic_lines(finding))
            case Note(text=text):
                self._write(wording.note(text))
            case Explained(page=page, reason=reason) if self._verbose:
                self._write(wording.printable(f"  {page}: {reason}"))
            case _:
                self._end(event)

    def _end(self, event: Event) -> None:
        """Write the lines of an event that sums up, or ends something."""
        match event:
            case Built():
                self._tally = Tally()
                self._write(*(self._rebuilt(event) if self._watching else [summary_line(event)]))
            case Ready():
                self._watching = True
                self._write("watching; Ctrl-C stops")
            case Indexed():
                self._tally = Tally()
                self._write(f"{self._clock()} {wording.indexed(event)}")
            case Difference():
                self._write(*wording.difference(event))
            case Verified():
                self._write(wording.verified(event))
            case Stopped(signal=signal):
                self._write(f"stopped by {signal}; the next run goes on from here")
            case _:
                pass

    def tick(self) -> float | None:
        """Tell how far a long run is."""
        now = self._monotonic()
        if now - self._progress_at >= PLAIN_PROGRESS_S and 0 < self._tally.fraction < 1:
            self._progress_at = now
            self._write(_progress_sentence(self._tally, now))
        return None

    def close(self) -> None:
        """Do nothing: every line is out already."""

    def _begin(self) -> None:
        if self._tally.started is None:
            self._progress_at = self._monotonic()
            self._tally.begin(self._progress_at)

    def _rebuilt(self, built: Built) -> list[str]:
        clock = self._clock()
        mended = [f"{clock} mended: {wording.printable(path)}" for path in built.mended]
        what = f"{wording.what_changed(built.changed)}: {wording.outcome(built)}"
        return [*mended, f"{clock} {what}, {wording.duration(built.elapsed_ms)}"]

    def _clock(self) -> str:
        return time.strftime("%H:%M:%S", time.localtime(self._wall()))

    def _write(self, *lines: str) -> None:
        _write_lines(self._out, lines)


class QuietReporter:
    """Write errors and, when something failed, a last line; nothing else."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def emit(self, event: Event) -> None:
        """Write what is wrong."""
        match event:
            case DiagnosticEvent(diagnostic=finding) if finding.severity == "error":
                _write_lines(self._out, diagnostic_lines(finding))
            case Difference():
                _write_lines(self._out, wording.difference(event))
            case Built(failed=failed) if failed:
                _write_lines(self._out, [f"blogd: {wording.failure(event)}"])
            case _:
                pass

    def tick(self) -> float | None:
        """Do nothing."""
        return None

    def close(self) -> None:
        """Do nothing."""


def diagnostic_lines(finding: Diagnostic) -> list[str]:
    """Say what is wrong, where, and the way out: a headline, the source line with a caret, the hint."""
    first, *rest = finding.message.splitlines() or [""]
    lines = [f"{wording.place(finding)}: {finding.severity}: {wording.printable(first)}"]
    lines += [f"    {wording.printable(line)}" for line in rest]
    if shown := wording.excerpt(finding, EXCERPT_WIDTH):
        lines += [f"    {line}" for line in shown if line]
    return lines + wording.hint(finding)


def summary_line(built: Built) -> str:
    """Sum up a build."""
    parts = [f"{wording.number(count)} {verb}" for count, verb in wording.totals(built)]
    parts += [wording.pages_per_second(built)] if built.rendered else []
    parts += [f"peak memory {wording.memory(built.peak_bytes)}"] if built.peak_bytes else []
    return f"{wording.headline(built)}: {', '.join(parts)}"


def _progress_sentence(tally: Tally, now: float) -> str:
    done, total = tally.overall
    parts = [f"{wording.number(done)} of {wording.number(total)} ({tally.fraction:.0%})"]
    if rate := tally.rate():
        parts.append(f"{wording.number(round(rate[0]))} {rate[1]}/s")
    if (left := tally.seconds_left(now)) is not None:
        parts.append(wording.countdown(left))
    return ", ".join(parts)


def _diagnostic_line(finding: Diagnostic) -> _DiagnosticLine:
    return _DiagnosticLine(
        severity=finding.severity,
        path=finding.path,
        line=finding.line or None,
        column=finding.column or None,
        message=finding.message,
        hint=finding.hint or None,
    )


def encoded(line: msgspec.Struct) -> bytes:
    """Encode a line of JSON; names that are not UTF-8 keep their bytes as the escapes of `os.fsdecode`."""
    try:
        return msgspec.json.encode(line)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(line), separators=(",", ":")).encode()


def _write_lines(out: TextIO, lines: list[str] | tuple[str, ...]) -> None:
    try:
        out.write("".join(f"{line}\n" for line in lines))
        out.flush()
    except OSError as error:
        raise OutputClosedError from error
