"""The command line, in this process with an engine that plays a part, and as a program on pipes and terminals."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from blogd.daemon.cli import run
from blogd.daemon.events import Note, Started
from blogd.daemon.exits import ExitCode, RefusalError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from blogd.daemon.options import Options
    from blogd.daemon.reporter import Reporter

PLAYED = """
import signal, sys
from blogd.daemon.cli import run
from blogd.daemon.events import Built, DiagnosticEvent, PhaseStarted, Progress, Started
from blogd.daemon.exits import ExitCode
from blogd.render.diagnostic import Diagnostic

def engine(options, reporter):
    reporter.emit(Started(version="1.0", site=str(options.site), out=str(options.output), workers=2))
    reporter.emit(DiagnosticEvent(diagnostic=Diagnostic(severity="warning", path="posts/é.md", message="odd")))
    if options.mode == "watch":
        while True:
            signal.pause()
    if options.drafts:
        raise RuntimeError("a defect")
    odd = DiagnosticEvent(diagnostic=Diagnostic(severity="warning", path="posts/a.md", message="odd"))
    for _ in range(20000 if options.clean else 0):
        reporter.emit(odd)
    reporter.emit(Built(pages=1, rendered=1, written=1, unchanged=0, removed=0, failed=0, elapsed_ms=1.0))
    return ExitCode.DONE

sys.exit(run(sys.argv[1:], engine))
"""
BUFFERED = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}


class Engine:
    """Remembers what it was asked for."""

    def __init__(self, code: ExitCode = ExitCode.DONE, error: BaseException | None = None) -> None:
        self.code = code
        self.error = error
        self.asked: list[Options] = []

    def __call__(self, options: Options, reporter: Reporter) -> ExitCode:
        self.asked.append(options)
        reporter.emit(Started(version="1.0", site=str(options.site), out=str(options.output), workers=1))
        reporter.emit(Note(text="for people"))
        if self.error:
            raise self.error
        return self.code


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site" / "posts").mkdir(parents=True)
    return tmp_path / "site"


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    script = tmp_path / "played.py"
    script.write_text(PLAYED)
    return [sys.executable, str(script)]


def test_a_build_has_defaults(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site)
    engine = Engine()
    assert run(["build"], engine) == 0
    (options,) = engine.asked
    assert (options.mode, options.site, options.out, options.workers) == ("build", site, None, None)
    assert not any([options.drafts, options.clean, options.verbose, options.poll])


def test_every_option_reaches_the_engine(site: Path) -> None:
    engine = Engine()
    arguments = ["--out", str(site / "to"), "--workers", "3", "--drafts", "--clean", "--verbose", "--poll", str(site)]
    assert run(["watch", *arguments], engine) == 0
    (options,) = engine.asked
    assert (options.mode, options.site, options.out, options.workers) == ("watch", site, site / "to", 3)
    assert all([options.drafts, options.clean, options.verbose, options.poll])


def test_the_engine_decides_the_exit_code(site: Path) -> None:
    assert run(["build", str(site)], Engine(ExitCode.FAILED)) == 1


@pytest.mark.parametrize("workers", ["0", "-1", "two", "1.5", "2048", "", "²"])
def test_workers_are_a_number_or_auto(site: Path, workers: str, capsys: pytest.CaptureFixture[str]) -> None:
    engine = Engine()
    assert run(["build", f"--workers={workers}", str(site)], engine) == 2
    assert "neither 'auto' nor a number" in capsys.readouterr().err
    assert run(["build", "--workers", "auto", str(site)], engine) == 0
    assert [options.workers for options in engine.asked] == [None]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["bild"],
        ["build", "--frob"],
        ["build", ".", "."],
        ["build", "--poll"],
        ["init"],
        ["build", "--json", "--quiet"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_and_leaves_stdout_alone(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    engine = Engine()
    assert run(arguments, engine) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage:" in err
    assert not engine.asked


@pytest.mark.parametrize("flags", [[], ["--json"], ["--quiet"]], ids=" ".join)
def test_what_is_no_project_is_2_with_a_way_out(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Engine()
    assert run(["build", *flags, str(tmp_path)], engine) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"blogd: {tmp_path}: not a project")
    assert "\nhint: " in err
    assert not engine.asked


def test_a_refusal_of_the_engine_is_told_the_same_way(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = Engine(error=RefusalError("held by process 4711", "stop it first"))
    assert run(["build", "--quiet", str(site)], engine) == 2
    assert capsys.readouterr().err == "blogd: held by process 4711\nhint: stop it first\n"


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert run(["--help"]) == 0
    assert run(["watch", "-h"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("blogd 0.")
    assert "--poll" in out


def test_init_writes_a_blog_and_says_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "blog")]) == 0
    assert capsys.readouterr().out.endswith(f"next: blogd watch {tmp_path / 'blog'}\n")
    assert run(["build", str(tmp_path / "blog")], Engine()) == 0


def test_init_writes_over_nothing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(site)]) == 2
    assert "not an empty folder" in capsys.readouterr().err


def test_json_has_stdout_for_itself(site: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["build", "--json", str(site)], Engine()) == 0
    out, err = capfdbinary.readouterr()
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["started"]
    assert err == b"note: for people\n"


def test_quiet_is_quiet(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--quiet", str(site)], Engine()) == 0
    assert capsys.readouterr() == ("", "")


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'rich', 'liquid', 'mistune', 'msgspec', 'multiprocess', 'watchfiles', 'yaml', 'pygments', 'sqlite3'}"
    code = (
        f"import sys; from blogd.daemon.cli import run; run(['build', '-h']); sys.exit(len({heavy} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_a_pipe_gets_plain_lines(program: list[str], site: Path) -> None:
    strict = os.environ | {"PYTHONWARNINGS": "error"}
    done = subprocess.run([*program, "build", site], capture_output=True, check=False, timeout=60, env=strict)
    assert done.returncode == 0
    assert done.stderr == b""
    assert b"\x1b" not in done.stdout
    assert done.stdout.decode().splitlines()[-1].startswith("built 1 file in 1 ms: 1 rendered")


def test_an_encoding_that_lacks_a_letter_is_no_obstacle(program: list[str], site: Path) -> None:
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*program, "build", site], capture_output=True, check=False, timeout=60, env=ascii_only)
    assert done.returncode == 0
    assert b"posts/\\xe9.md: warning: odd" in done.stdout


@pytest.mark.parametrize("flags", [[], ["--json"]], ids=" ".join)
def test_a_reader_that_goes_away_ends_the_run_quietly(program: list[str], site: Path, flags: list[str]) -> None:
    command = [*program, "build", "--clean", *flags, str(site)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=BUFFERED) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_watch(program: list[str], site: Path, number: signal.Signals) -> None:
    with subprocess.Popen([*program, "watch", site], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        while b"odd" not in process.stdout.readline():
            pass
        process.send_signal(number)
        assert process.wait(60) == 128 + number
        assert process.stdout.read().decode() == f"stopped by {number.name}; the next run goes on from here\n"
        assert process.stderr.read() == b""


def test_closed_standard_streams_are_no_obstacle(program: list[str], site: Path) -> None:
    command = 'exec "$@" <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", command, "sh", *program, "build", site], check=False, timeout=60)
    assert done.returncode == 0


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command: list[str], term: str, columns: int) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "LINES"}}
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 no threads here
            env=environment | {"TERM": term},
        )
        os.close(slave)
        self.seen = b""

    def wait_for(self, text: bytes) -> None:
        """Read until a text has been seen, or the program has ended."""
        deadline = time.monotonic() + 60
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} did not come; this did: {self.seen!r}"
            try:
                data = os.read(self.master, 65536)
            except OSError:  # Linux says EIO when the program has ended
                data = b""
            if not data:
                return
            self.seen += data


@contextmanager
def terminal(command: list[str], term: str = "xterm-256color", columns: int = 80) -> Generator[Terminal]:
    screen = Terminal(command, term, columns)
    try:
        yield screen
    finally:
        screen.process.kill()
        screen.process.wait()
        os.close(screen.master)


def test_a_terminal_gets_a_display_and_its_cursor_back(program: list[str], site: Path) -> None:
    with terminal([*program, "watch", str(site)]) as screen:
        screen.wait_for(b"copies")
        assert b"\x1b[?25l" in screen.seen
        os.write(screen.master, b"\x03")
        screen.wait_for(b"never seen")
        assert screen.process.wait(60) == 130
        assert screen.seen.rindex(b"\x1b[?25h") > screen.seen.rindex(b"\x1b[?25l")
        assert b"stopped by SIGINT" in screen.seen
        assert b"Traceback" not in screen.seen


def test_a_dumb_terminal_gets_plain_lines(program: list[str], site: Path) -> None:
    with terminal([*program, "build", str(site)], term="dumb") as screen:
        screen.wait_for(b"never seen")
        assert screen.process.wait(60) == 0
        assert b" -> " in screen.seen
        assert b"\x1b" not in screen.seen


def test_no_color_is_honoured(program: list[str], site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def colours() -> int:
        with terminal([*program, "build", str(site)]) as screen:
            screen.wait_for(b"never seen")
            return screen.seen.count(b"[33m") + screen.seen.count(b";33m") + screen.seen.count(b"[1;33")

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colours() > 0
    monkeypatch.setenv("NO_COLOR", "1")
    assert colours() == 0


def test_a_defect_leaves_the_terminal_in_order(program: list[str], site: Path) -> None:
    with terminal([*program, "build", "--drafts", str(site)]) as screen:
        screen.wait_for(b"never seen")
        assert screen.process.wait(60) == 1
        assert screen.seen.rindex(b"\x1b[?25h") > screen.seen.rindex(b"\x1b[?25l")
        assert b"RuntimeError: a defect" in screen.seen


def test_a_terminal_that_is_closed_ends_the_run(program: list[str], site: Path) -> None:
    with terminal([*program, "watch", str(site)]) as screen:
        screen.wait_for(b"odd")
        read, write = os.pipe()
        os.dup2(read, screen.master)  # closes the terminal's last descriptor
        os.close(read)
        os.close(write)
        assert screen.process.wait(60) == 129
