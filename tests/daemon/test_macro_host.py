"""Python macros in their process: what they may do to it, and that nothing else suffers."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from blogd.daemon.macro_call import Answer, Request
from blogd.daemon.macro_host import GRACE_S, MAX_COST, MacroHost
from blogd.daemon.macro_memo import MacroCall, MacroMemo, MacroResult
from blogd.daemon.macro_pipe import MacroPipe
from blogd.daemon.macro_process import Limits
from blogd.render.template_source import Script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blogd.render.diagnostic import Diagnostic

LIMITS = Limits(time_s=0.3, memory_bytes=256 << 20)
FINE = "def render(context, post):\n    return {'html': 'fine'}\n"


def script(source: str, slug: str = "x") -> Script:
    return Script(path=f"scripts/{slug}.py", slug=slug, source=textwrap.dedent(source).lstrip("\n"))


def call(source: str, post: Mapping[str, object] | None = None, **params: str) -> MacroCall:
    return MacroCall(script(source), params, {"languagePrefix": ""}, post)


def finding(result: MacroResult) -> Diagnostic:
    assert (result.html, result.failed) == ("", True)
    (diagnostic,) = result.diagnostics
    assert (diagnostic.severity, diagnostic.path) == ("error", "scripts/x.py")
    return diagnostic


@pytest.fixture
def host(tmp_path: Path) -> Iterator[MacroHost]:
    with MacroHost.of(tmp_path, limits=LIMITS) as host:
        yield host


class TestProcess:
    """With a real process."""

    def test_calls_are_answered_in_order(self, host: MacroHost) -> None:
        calls = [call("def render(context, post):\n    return {'html': post['id']}", {"id": str(n)}) for n in range(5)]
        assert [result.html for result in host.run(calls)] == ["0", "1", "2", "3", "4"]

    def test_equal_calls_are_made_once(self, host: MacroHost, tmp_path: Path) -> None:
        source = """
            def render(context, post):
                with open("calls", "a") as file:
                    file.write("x")
                return {"html": "same"}
        """
        results = host.run([call(source, {"id": str(number)}) for number in range(500)])
        assert {result.html for result in results} == {"same"}
        assert (tmp_path / "calls").read_text() == "x"

    def test_a_second_run_makes_no_call(self, host: MacroHost) -> None:
        results = host.run([call(FINE), call(FINE, a="1")])
        memo = MacroMemo.load(host.memo.dump())
        with MacroHost(no_process, memo) as second:
            assert second.run([call(FINE), call(FINE, a="1")]) == results

    def test_an_exception_is_told_with_script_and_line(self, host: MacroHost) -> None:
        told = finding(host.run([call("def render(context, post):\n    print('so far')\n    return 1 / 0\n")])[0])
        assert told.message == "macro `x`: ZeroDivisionError: division by zero"
        assert (told.line, told.source_line) == (3, "    return 1 / 0")
        assert told.hint.startswith("Traceback (most recent call last):\n")
        assert told.hint.endswith("printed:\nso far")

    @pytest.mark.parametrize(
        "body",
        [
            "while True: pass",
            "import re; re.match('(a+)+$', 'a' * 64 + 'b')",
            "import time; time.sleep(1000)",
            "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT}); signal.pause()",
            "while True: print('y' * 1000)",
        ],
    )
    def test_a_macro_that_hangs_is_ended_and_told(self, host: MacroHost, body: str) -> None:
        hanging, fine = host.run([call(f"def render(context, post):\n    {body}\n"), call(FINE)])
        told = finding(hanging)
        assert (told.message, told.line) == ("macro `x`: it took longer than 0.3 s", 2)
        assert 'File "scripts/x.py", line 2 in render' in told.hint
        assert "macro_process" not in told.hint
        assert len(told.hint) < 10_000
        assert fine.html == "fine"

    def test_an_asynchronous_macro_that_hangs_is_ended_and_told(self, host: MacroHost) -> None:
        source = "import asyncio\nasync def render(context, post):\n    await asyncio.Event().wait()\n"
        hanging = call(source)
        told = finding(host.run([hanging])[0])
        assert (told.message, told.line) == ("macro `x`: it took longer than 0.3 s", 3)
        assert host.memo.find(hanging) is None

    @pytest.mark.parametrize(
        ("body", "message", "line"),
        [
            ("import os; os._exit(3)", "it ended its process with status 3", 3),
            ("import ctypes; ctypes.string_at(0)", "its process was killed by SIGSEGV", 3),
            ("import os; os.abort()", "its process was killed by SIGABRT", 3),
            ("import os; os.kill(os.getpid(), 9)", "its process was killed by SIGKILL", 1),
        ],
    )
    @pytest.mark.parametrize("before", [[], [call(FINE)]], ids=["fresh", "used"])
    def test_a_macro_that_ends_its_process_is_told(
        self, host: MacroHost, before: list[MacroCall], body: str, message: str, line: int
    ) -> None:
        deadly = call(f"def render(context, post):\n    print('last words')\n    {body}\n")
        *_, died, fine = host.run([*before, deadly, call(FINE)])
        told = finding(died)
        assert (told.message, told.line) == (f"macro `x`: {message}", line)
        assert told.hint.endswith("printed:\nlast words")
        assert fine.html == "fine"

    @pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit memory")
    def test_memory_is_limited(self, host: MacroHost) -> None:
        greedy = call("def render(context, post):\n    return {'html': str(len(bytearray(4 << 30)))}\n")
        short, fine = host.run([greedy, call(FINE)])
        assert (finding(short).message, finding(short).line) == ("macro `x`: MemoryError", 2)
        assert fine.html == "fine"
        assert host.memo.find(greedy) is None

    def test_what_is_printed_by_whatever_means_is_told_and_goes_nowhere_else(
        self, host: MacroHost, capfd: pytest.CaptureFixture[str]
    ) -> None:
        source = """
            import os, subprocess, sys
            def render(context, post):
                print("one")
                print("two", file=sys.stderr)
                os.write(1, b"three\\n")
                subprocess.run(["echo", "four"])
                print("\\x1b[31m\\udc80")
                return {"html": "fine"}
        """
        (result,) = host.run([call(source)])
        assert result.html == "fine"
        (told,) = result.diagnostics
        assert (told.severity, told.path, told.line) == ("warning", "scripts/x.py", 2)
        assert told.message == "macro `x`: it printed 5 lines"
        assert told.hint == "printed:\none\ntwo\nthree\nfour\n\ufffd[31m\\udc80"
        assert capfd.readouterr() == ("", "")

    def test_of_a_long_output_both_ends_are_kept(self, tmp_path: Path) -> None:
        source = "def render(context, post):\n    print('first', 'x' * 10_000_000, 'last')\n    return {'html': ''}\n"
        pipe = MacroPipe(tmp_path, Limits())
        pipe.send(msgspec.msgpack.encode(Request(1, "scripts/x.py", source, "render", {}, {}, None)))
        while pipe.receive() is None:
            select.select(pipe.handles(), [], [])
        printed = pipe.output()
        assert pipe.end() == -signal.SIGKILL
        assert (printed[:7], printed[-6:]) == ("first x", " last\n")
        assert len(printed) <= 64 << 10

    def test_standard_input_is_empty(self, host: MacroHost) -> None:
        source = "import sys\ndef render(context, post):\n    return {'html': repr(sys.stdin.read())}\n"
        assert host.run([call(source)])[0].html == "''"

    def test_results_do_not_depend_on_chance_locale_or_folder(
        self, host: MacroHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONHASHSEED", "7")
        monkeypatch.setenv("LC_ALL", "C")
        monkeypatch.setenv("PYTHONUTF8", "0")
        source = """
            import os
            def render(context, post):
                return {"html": f"{os.getcwd()} {hash('a')} {open(os.devnull).encoding}"}
        """
        expected = subprocess.run(
            [sys.executable, "-c", "print(hash('a'))"],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert host.run([call(source)])[0].html == f"{tmp_path} {expected.stdout.strip()} utf-8"

    @pytest.mark.parametrize(
        "disturb",
        [
            "os.chdir('/')",
            "os.environ['MOOD'] = 'bad'",
            "sys.path.insert(0, '/')",
            "sys.stdout = None",
            "signal.signal(signal.SIGALRM, print)",
            "threading.Thread(target=threading.Event().wait).start()",
        ],
    )
    def test_a_process_that_a_call_has_altered_is_not_used_again(self, host: MacroHost, disturb: str) -> None:
        imports = "import os, signal, sys, threading\n"
        pid = "{'html': str(os.getpid())}"
        first, *others = host.run(
            [call(f"{imports}def render(context, post):\n    {disturb}\n    return {pid}\n")]
            + [call(f"{imports}def render(context, post): # {n}\n    return {pid}\n") for n in range(4)]
        )
        processes = {result.html for result in others}
        assert first.html not in processes
        assert len(processes) < len(others)

    def test_what_other_processes_have_needed_does_not_count(self, tmp_path: Path) -> None:
        """A process begins with the peak of the one that starts it, on Linux."""
        source = "import os\ndef render(context, post):\n    return {'html': str(os.getpid())}\n"
        with MacroHost.of(tmp_path, limits=Limits(memory_bytes=64 << 20)) as host:
            first, second = host.run([call(source), call(f"# again\n{source}")])
        assert first.html == second.html

    def test_a_forked_child_that_returns_does_not_answer(self, host: MacroHost) -> None:
        source = """
            import os
            def render(context, post):
                child = os.fork()
                if child:
                    os.waitpid(child, 0)
                return {"html": "parent" if child else "child"}
        """
        assert [result.html for result in host.run([call(source), call(FINE)])] == ["parent", "fine"]

    def test_what_can_not_be_sent_is_told(self, host: MacroHost) -> None:
        results = host.run([call(FINE, {"title": "\ud800"}), call(FINE, {"title": 1 << 70}), call(FINE)])
        assert [finding(result).message.split(": ")[1] for result in results[:2]] == ["it could not be called"] * 2
        assert results[2].html == "fine"

    def test_nothing_that_a_script_started_is_left_behind(self, host: MacroHost, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        source = """
            import os, subprocess
            def render(context, post):
                held = os.open("fifo", os.O_WRONLY)
                subprocess.Popen(["sleep", "1000"], pass_fds=(held,))
                os.close(held)
                return {"html": "started"}
        """
        assert host.run([call(source)])[0].html == "started"
        host.close()
        wait_for_end(reader)

    def test_nothing_is_left_behind_when_the_coordinator_is_killed(self, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        coordinator = subprocess.Popen([sys.executable, "-c", COORDINATOR], cwd=tmp_path)
        try:
            reader = os.open(fifo, os.O_RDONLY)
            assert os.read(reader, 1) == b"x"
        finally:
            coordinator.kill()
            coordinator.wait()
        wait_for_end(reader)

    def test_nothing_grows_with_calls(self, host: MacroHost) -> None:
        def descriptors() -> int:
            return len(list(Path("/dev/fd").iterdir()))

        host.run([call(FINE)])
        before = descriptors()
        source = "import os\ndef render(context, post):\n    os._exit(int(context['params']['n']))\n"
        for number in range(5):
            host.run([call(f"# {number}\n{source}", n="1"), call(FINE, n=str(number))])
        assert descriptors() == before
        host.close()
        assert descriptors() == before - 3


COORDINATOR = """
from pathlib import Path
from blogd.daemon.macro_host import MacroHost
from blogd.daemon.macro_memo import MacroCall
from blogd.render.template_source import Script

SOURCE = '''
import os, re, subprocess
def render(context, post):
    held = os.open("fifo", os.O_WRONLY)
    subprocess.Popen(["sleep", "1000"], pass_fds=(held,))
    os.write(held, b"x")
    re.match("(a+)+$", "a" * 64 + "b")
'''
script = Script(path="scripts/x.py", slug="x", source=SOURCE)
MacroHost.of(Path.cwd()).run([MacroCall(script, {}, {}, None)])
"""


def wait_for_end(reader: int) -> None:
    """Return when no process has the other end open; pytest-timeout says so if one never closes it."""
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""
    os.close(reader)


def no_process() -> FakeProcess:
    raise AssertionError


class FakeProcess:
    """A process that does what its script says: each step is an answer, or how it behaves instead."""

    def __init__(self, *steps: str) -> None:
        self.steps = list(steps)
        self.requests: list[Request] = []
        self.printed: list[str] = []
        self.ended = False

    def handles(self) -> list[int]:
        return []

    def send(self, message: bytes) -> None:
        if self.steps[:1] == ["deaf"]:
            raise BrokenPipeError("nobody listens")
        self.requests.append(msgspec.msgpack.decode(message, type=Request))

    def receive(self) -> bytes | None:
        step = self.steps[0] if self.steps and (self.requests or self.steps[0] == "idle death") else "silent"
        if step == "silent":
            return None
        self.steps.pop(0)
        if step in {"death", "idle death"}:
            raise EOFError
        if step == "nonsense":
            return b"\xc1"
        number = self.requests[-1].number + (1 if step == "of another call" else 0)
        return msgspec.msgpack.encode(Answer(number, step, (), ()))

    def output(self) -> str:
        return self.printed.pop(0) if self.printed else ""

    def end(self) -> int:
        self.ended = True
        return 7


class Fakes:
    """A host on fake processes and a fake clock."""

    def __init__(self, *processes: FakeProcess) -> None:
        self.now = 0.0
        self.started: list[FakeProcess] = []
        self._next = list(processes)
        self.host = MacroHost(self._start, MacroMemo(), LIMITS, lambda: self.now)

    def _start(self) -> FakeProcess:
        if not self._next:
            raise BlockingIOError("too many processes")
        self.started.append(self._next.pop(0))
        return self.started[-1]

    def run(self, *calls: MacroCall) -> list[MacroResult]:
        self.host.submit(calls)
        results = dict(self.host.advance())
        for _ in range(20):
            results.update(self.host.advance())
        return [results[call] for call in calls]


class TestHost:
    """With fake processes."""

    def test_no_process_is_started_without_a_call(self) -> None:
        host = MacroHost(no_process, MacroMemo())
        assert host.advance() == []
        assert (host.busy, host.handles(), host.deadline()) == (False, [], None)

    def test_a_call_has_a_deadline_while_it_is_made(self) -> None:
        fakes = Fakes(FakeProcess("silent"))
        fakes.host.submit([call(FINE)])
        assert fakes.host.advance() == []
        assert (fakes.host.busy, fakes.host.deadline()) == (True, LIMITS.time_s + GRACE_S)

    def test_a_process_that_evades_its_timer_is_ended_at_the_deadline(self) -> None:
        process = FakeProcess("silent")
        fakes = Fakes(process)
        fakes.host.submit([call(FINE)])
        assert fakes.host.advance() == []
        fakes.now = LIMITS.time_s + GRACE_S
        ((_, result),) = fakes.host.advance()
        assert finding(result).message == "macro `x`: it took longer than 0.3 s"
        assert (process.ended, fakes.host.busy) == (True, False)

    @pytest.mark.parametrize("step", ["death", "nonsense", "of another call"])
    def test_what_a_used_process_fails_at_is_tried_in_a_new_one(self, step: str) -> None:
        used, new = FakeProcess("a", step), FakeProcess("b")
        results = Fakes(used, new).run(call(FINE, n="1"), call(FINE, n="2"))
        assert [result.html for result in results] == ["a", "b"]
        assert used.ended
        assert new.requests[0].params == {"n": "2"}

    @pytest.mark.parametrize("step", ["death", "nonsense", "of another call"])
    def test_what_a_new_process_fails_at_has_failed(self, step: str) -> None:
        bad, good = FakeProcess(step), FakeProcess("b")
        results = Fakes(bad, good).run(call(FINE, n="1"), call(FINE, n="2"))
        assert finding(results[0]).message == "macro `x`: it ended its process with status 7"
        assert results[1].html == "b"

    @pytest.mark.parametrize("step", ["idle death", "deaf"])
    def test_a_process_that_died_at_rest_is_replaced(self, step: str) -> None:
        first, second = FakeProcess("a", step), FakeProcess("b")
        fakes = Fakes(first, second)
        assert fakes.run(call(FINE, n="1"))[0].html == "a"
        assert fakes.run(call(FINE, n="2"))[0].html == "b"
        assert first.ended

    def test_a_process_that_can_not_be_started_is_told(self) -> None:
        told = finding(Fakes().run(call(FINE))[0])
        assert told.message == "macro `x`: it could not be called: BlockingIOError: too many processes"

    def test_a_script_that_costs_too_many_processes_is_given_up_but_no_other(self) -> None:
        fakes = Fakes(*[FakeProcess("death") for _ in range(MAX_COST)], FakeProcess("fine"))
        bad = [call("bad", {"id": str(number)}) for number in range(MAX_COST + 2)]
        results = fakes.run(*bad, call(FINE))
        assert len(fakes.started) == MAX_COST + 1
        assert [finding(result).message for result in results[MAX_COST:-1]] == [
            "macro `x`: it is not called any more, having cost 3 processes"
        ] * 2
        assert results[-1].html == "fine"

    def test_what_is_printed_between_calls_is_no_call_s(self) -> None:
        process = FakeProcess("fine")
        process.printed = ["late", "in time"]
        (result,) = Fakes(process).run(call(FINE))
        assert [told.hint for told in result.diagnostics] == ["printed:\nin time"]

    def test_failures_of_the_process_are_not_kept(self) -> None:
        fakes = Fakes(FakeProcess("death"), FakeProcess("fine"))
        assert fakes.run(call(FINE))[0].failed
        assert fakes.run(call(FINE))[0].html == "fine"

    def test_forgotten_calls_are_not_made(self) -> None:
        process = FakeProcess("silent", "a")
        fakes = Fakes(process)
        fakes.host.submit([call(FINE, n="1"), call(FINE, n="2")])
        fakes.host.advance()
        fakes.host.forget()
        process.steps.pop(0)
        assert [result.html for _, result in fakes.host.advance()] == ["a"]
        assert (len(process.requests), fakes.host.busy) == (1, False)

    def test_closing_ends_the_process_and_twice_is_once(self) -> None:
        process = FakeProcess("silent")
        fakes = Fakes(process)
        fakes.host.submit([call(FINE)])
        fakes.host.advance()
        fakes.host.close()
        fakes.host.close()
        assert (process.ended, fakes.host.busy, fakes.host.handles()) == (True, False, [])
