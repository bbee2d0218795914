"""What is reported of Python macros: each finding names the script and the line where it stood.

A process that ends in the middle of a call leaves a note among what it printed: the frames that `faulthandler` writes,
innermost first, as `File "scripts/x.py", line 3 in render`. Where there is none (it was killed from outside), the
line of the entry point has to do.
"""

from __future__ import annotations

import ast
import re
import signal
from typing import TYPE_CHECKING

from blogd.daemon.macro_call import shorten
from blogd.render.diagnostic import Diagnostic

if TYPE_CHECKING:
    from blogd.daemon.macro_call import Failure
    from blogd.render.diagnostic import Severity
    from blogd.render.template_source import Script

_NOTE = re.compile(
    r"Fatal Python error: |(?:Stack|Current thread 0x[0-9a-f]+|Thread 0x[0-9a-f]+)[^\n]* \(most recent call first\):"
)
_FRAME = re.compile(r'^  File "(.*)", line ([0-9]+) in ', re.MULTILINE)
_UNPRINTABLE = re.compile(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]")


def raised(script: Script, failure: Failure, printed: str) -> Diagnostic:
    """Report a call that ended in an error."""
    return _finding("error", script, failure.message, failure.line, failure.traceback, printed)


def died(script: Script, status: int, printed: str, time_s: float) -> Diagnostic:
    """Report a call that ended its process; `status` is negative for a signal."""
    printed, note = _split(printed)
    line, frames = _innermost(script, note)
    return _finding("error", script, _death(status, time_s), line, frames, printed)


def printed_only(script: Script, printed: str) -> Diagnostic:
    """Report what a call that went well has printed."""
    count = len(printed.splitlines())
    return _finding("warning", script, f"it printed {count} line{'' if count == 1 else 's'}", 0, "", printed)


def given_up(script: Script, deaths: int) -> Diagnostic:
    """Report a call that was not made any more."""
    message = f"it is not called any more, having cost {deaths} processes"
    return _finding("error", script, message, 0, "correct the script: what it did is told in its other errors", "")


def not_made(script: Script, error: Exception) -> Diagnostic:
    """Report a call that could not be made."""
    return _finding("error", script, f"it could not be called: {type(error).__name__}: {error}", 0, "", "")


def _finding(  # noqa: PLR0913 - private, and all of it is needed
    severity: Severity, script: Script, message: str, line: int, hint: str, printed: str
) -> Diagnostic:
    printed = shorten(printed.rstrip())
    hint = "\n".join(part for part in (hint.rstrip(), f"printed:\n{printed}" if printed else "") if part)
    line = line or _entrypoint_line(script)
    lines = script.source.splitlines()
    return Diagnostic(
        severity=severity,
        path=script.path,
        line=line,
        message=_clean(f"macro `{script.slug}`: {message}").replace("\n", " "),
        hint=_clean(hint),
        source_line=_clean(lines[line - 1]) if 0 < line <= len(lines) else "",
    )


def _clean(text: str) -> str:
    """Leave nothing in a text that a terminal would obey."""
    return _UNPRINTABLE.sub("\ufffd", text)


def _split(printed: str) -> tuple[str, str]:
    """Tell apart what the script printed and the note about its end."""
    match = _NOTE.search(printed)
    return (printed[: match.start()], printed[match.start() :]) if match else (printed, "")


def _innermost(script: Script, note: str) -> tuple[int, str]:
    """Find the script's innermost line in a note, and the frames down to its outermost."""
    frames = [match for match in _FRAME.finditer(note) if not match[1].endswith("/macro_process.py")]
    ours = [number for number, match in enumerate(frames) if match[1] == script.path]
    if not ours:
        return 0, ""
    shown = [note[match.start() : note.find("\n", match.start())] for match in frames[: ours[-1] + 1]]
    return int(frames[ours[0]][2]), "\n".join(["Traceback (most recent call first):", *shown])


def _death(status: int, time_s: float) -> str:
    if status == -signal.SIGALRM:
        return f"it took longer than {time_s:g} s"
    if status < 0:
        return f"its process was killed by {_signal_name(-status)}"
    return f"it ended its process with status {status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _entrypoint_line(script: Script) -> int:
    """Find the line of the entry point; the first line if there is none."""
    try:
        statements = ast.parse(script.source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 1
    functions = (node for node in statements if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return next((node.lineno for node in functions if node.name == script.entrypoint), 1)
