"""Expands calls of Python macros in a process of their own, beside whatever else the coordinator does.

The engine submits calls, waits on `handles()` until `deadline()` along with everything else it waits on, and takes what
is done from `advance()`, which never waits. One call at a time is in the process: its result may answer the next one
(`macro_memo`), so that the first of five hundred equal calls is the only one made. With every result known, no process
is started.

A call whose process ends before it answers has failed, unless the process had served other calls, which may be to
blame: then it is made once more, in a new one. A script that has cost three processes is given up until it is changed,
so that a macro that hangs on every post costs half a minute and not hours.

The process keeps the time itself (`macro_process`). The deadline here is later and only for a process that has
disabled its timer or been stopped.
"""

from __future__ import annotations

import selectors
import signal
import time
from collections import Counter, deque
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, Self

import msgspec

from blogd.daemon import macro_findings as findings
from blogd.daemon.macro_call import Answer, Request
from blogd.daemon.macro_memo import MacroCall, MacroMemo, MacroResult, Questions
from blogd.daemon.macro_pipe import MacroPipe
from blogd.daemon.macro_process import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from blogd.render.diagnostic import Diagnostic
    from blogd.render.template_source import Script

MAX_COST: Final = 3
GRACE_S: Final = 10.0
_OVERDUE: Final = -signal.SIGALRM


class Process(Protocol):
    """A macro process, as the host needs it (see `MacroPipe`)."""

    def handles(self) -> list[int]:
        """Give the descriptors to wait on."""
        ...

    def send(self, message: bytes) -> None:
        """Send a message; raises OSError."""
        ...

    def receive(self) -> bytes | None:
        """Give a message if there is one; raises EOFError when there will be none."""
        ...

    def output(self) -> str:
        """Take what has been printed, also after the end."""
        ...

    def end(self) -> int:
        """End the process; give its exit status."""
        ...


class MacroHost:
    """The coordinator's side of the macro process; `memo` holds the results known so far."""

    def __init__(
        self,
        start: Callable[[], Process],
        memo: MacroMemo,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.memo = memo
        self._limits = limits or Limits()
        self._start = start
        self._clock = clock
        self._process: Process | None = None
        self._served = 0
        self._number = 0
        self._due = 0.0
        self._waiting: deque[MacroCall] = deque()
        self._current: MacroCall | None = None
        self._done: list[tuple[MacroCall, MacroResult]] = []
        self._cost: Counter[Script] = Counter()

    @classmethod
    def of(cls, project: Path, memo: MacroMemo | None = None, limits: Limits | None = None) -> Self:
        """Make a host that runs scripts in a project's folder."""
        limits = limits or Limits()
        return cls(partial(MacroPipe, project, limits), memo or MacroMemo(), limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, calls: Iterable[MacroCall]) -> None:
        """Take in calls; `advance` begins with them."""
        self._waiting.extend(calls)

    def forget(self) -> None:
        """Drop the calls that have not begun."""
        self._waiting.clear()

    @property
    def busy(self) -> bool:
        """Tell whether there are calls whose results `advance` has not given yet."""
        return bool(self._current or self._waiting or self._done)

    def handles(self) -> list[int]:
        """Give the descriptors to wait on; when one is readable, `advance` has something to do."""
        return self._process.handles() if self._process else []

    def deadline(self) -> float | None:
        """Give the time, by the clock, at which `advance` has something to do anyway."""
        return self._due if self._current else None

    def advance(self) -> list[tuple[MacroCall, MacroResult]]:
        """Do what can be done without waiting; give the calls that are done with their results."""
        self._listen()
        while self._waiting and self._current is None:
            self._take(self._waiting.popleft())
        done, self._done = self._done, []
        return done

    def run(self, calls: Iterable[MacroCall]) -> list[MacroResult]:
        """Make calls and wait for all results, in the same order."""
        calls = list(calls)
        self.submit(calls)
        results = dict(self.advance())
        while self.busy:
            due = self.deadline()
            _wait(self.handles(), None if due is None else max(0.0, due - self._clock()))
            results.update(self.advance())
        return [results[call] for call in calls]

    def close(self) -> None:
        """End the process, and all that scripts have started in it."""
        self.forget()
        self._current = None
        self._end()

    def _take(self, call: MacroCall) -> None:
        try:
            known = self.memo.find(call)
            request = b"" if known else self._encode(call)
        except (ValueError, TypeError, OverflowError) as error:
            self._done.append((call, _failed(findings.not_made(call.script, error))))
            return
        if known:
            self._done.append((call, known))
        elif self._cost[call.script] >= MAX_COST:
            self._done.append((call, _failed(findings.given_up(call.script, MAX_COST))))
        else:
            self._begin(call, request)

    def _encode(self, call: MacroCall) -> bytes:
        self._number += 1
        post = None if call.post is None else dict(call.post)
        script = call.script
        request = Request(
            self._number, script.path, script.source, script.entrypoint, dict(call.params), dict(call.env), post
        )
        return msgspec.msgpack.encode(request)

    def _begin(self, call: MacroCall, request: bytes) -> None:
        try:
            if self._process is None:
                self._process, self._served = self._start(), 0
            self._process.output()  # whatever came late is not this call's
            self._process.send(request)
        except OSError as error:
            again = self._process is not None and self._served > 0
            self._end()
            if again:
                self._waiting.appendleft(call)
            else:
                self._done.append((call, _failed(findings.not_made(call.script, error))))
            return
        self._current = call
        self._due = self._clock() + self._limits.time_s + GRACE_S

    def _listen(self) -> None:
        if self._process is None:
            return
        try:
            message = self._process.receive()
            answer = msgspec.msgpack.decode(message, type=Answer) if message is not None else None
        except (EOFError, msgspec.DecodeError):
            self._lose(self._process)
            return
        if answer is not None:
            self._finish(self._process, answer)
        elif self._current is not None and self._clock() >= self._due:
            self._lose(self._process, _OVERDUE)

    def _finish(self, process: Process, answer: Answer) -> None:
        call = self._current
        if call is None or answer.number != self._number:
            self._lose(process)
            return
        self._current = None
        self._served += 1
        result = _result(call.script, answer, process.output())
        if result.failed and answer.last:  # it ran out of memory or time
            self._cost[call.script] += 1
        else:
            self.memo.keep(call, Questions(answer.env, answer.post), result)
        self._done.append((call, result))
        if answer.last:
            self._end()

    def _lose(self, process: Process, status: int | None = None) -> None:
        """Give up a process that ended, hangs or talks nonsense, and the call it was busy with."""
        call, self._current = self._current, None
        ended = self._end()
        status = ended if status is None else status
        if call is None:
            return
        if self._served and status != _OVERDUE:
            self._waiting.appendleft(call)
            return
        self._cost[call.script] += 1
        finding = findings.died(call.script, status, process.output(), self._limits.time_s)
        self._done.append((call, _failed(finding)))

    def _end(self) -> int:
        process, self._process = self._process, None
        return process.end() if process else 0


def _result(script: Script, answer: Answer, printed: str) -> MacroResult:
    if answer.failure is not None:
        return _failed(findings.raised(script, answer.failure, printed))
    return MacroResult(answer.html, (findings.printed_only(script, printed),) if printed.strip() else ())


def _failed(finding: Diagnostic) -> MacroResult:
    return MacroResult("", (finding,), failed=True)


def _wait(handles: list[int], timeout_s: float | None) -> None:
    with selectors.DefaultSelector() as selector:
        for handle in handles:
            selector.register(handle, selectors.EVENT_READ)
        selector.select(timeout_s)
