"""The macro process: answers requests for calls of Python macros, one after the other.

A request comes as a message on a socket, its answer goes back the same way; `macro_host` holds the other end. What
makes it a process of its own is that scripts may do anything:

- A script that waits asynchronously is stopped by its event loop when its time is up. Half a second later a timer of
  the kernel's stops any other: its signal makes `faulthandler` write where the script stands and then ends the process,
  deep in C code too. The same note is left by a crash and by `os._exit`.
- Whatever is printed, by whatever means, goes to a pipe.
- The process leads a session of its own, so that all it has started can be killed with it. It ends when the
  coordinator does, however that ends: a pipe whose other end the coordinator holds is then closed, and at that the
  kernel itself kills the whole group on Linux; elsewhere a thread does.
- A call that leaves the process altered (folder, environment, path, streams, threads) or large is its last.
"""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import io
import os
import resource
import select
import signal
import struct
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from blogd.daemon.macro_call import Request, perform

if TYPE_CHECKING:
    from typing import BinaryIO, NoReturn

HEADER: Final = struct.Struct("!I")
_STDERR = 2
_GRACE_S = 0.5
_STATM = Path("/proc/self/statm")
_DATA = 5  # the pages of data, as `RLIMIT_DATA` counts them: proc(5)


class Limits(msgspec.Struct, frozen=True):
    """What one call may take: wall-clock time, and memory as `RLIMIT_DATA` counts it (not enforced on macOS)."""

    time_s: float = 10.0
    memory_bytes: int = 1 << 30


def frame(message: bytes) -> bytes:
    """Put the message's length before it."""
    return HEADER.pack(len(message)) + message


def _read(requests: BinaryIO) -> bytes | None:
    """Wait for a whole message; None when the coordinator is gone."""
    header = requests.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    size: int = HEADER.unpack(header)[0]
    message = requests.read(size)
    return message if len(message) == size else None


def serve(requests: BinaryIO, answers: BinaryIO, limits: Limits) -> None:
    """Answer requests until there are no more, or until a call has altered the process."""
    process, before = os.getpid(), _surroundings()
    while (message := _read(requests)) is not None:
        request = msgspec.msgpack.decode(message, type=Request)
        signal.setitimer(signal.ITIMER_REAL, limits.time_s + _GRACE_S)
        answer = perform(request, limits.time_s)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if os.getpid() != process:
            os._exit(0)  # a child that the script has made and forgotten
        last = answer.last or _is_large(limits) or _surroundings() != before
        answers.write(frame(msgspec.msgpack.encode(msgspec.structs.replace(answer, last=last))))
        answers.flush()
        if last:
            return


def _surroundings() -> object:
    try:
        folder = Path.cwd()
    except OSError:  # it has been removed
        folder = None
    streams = sys.stdin, sys.stdout, sys.stderr
    return folder, dict(os.environ), list(sys.path), streams, signal.getsignal(signal.SIGALRM), threading.active_count()


def _is_large(limits: Limits) -> bool:
    """Tell whether so much memory is in use that the next call might want for it."""
    try:
        in_use = int(_STATM.read_bytes().split()[_DATA]) * resource.getpagesize()
    except OSError:  # not Linux, where a peak would be of no use: a process inherits that of its parent
        in_use = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return in_use > limits.memory_bytes // 2


def _leave_notes() -> None:
    """See to it that the process, ended by whatever, first writes where the script stands."""
    faulthandler.enable(_STDERR)
    faulthandler.register(signal.SIGALRM, file=_STDERR, all_threads=True, chain=True)
    process, leave = os.getpid(), os._exit

    def noted(status: int) -> NoReturn:
        if os.getpid() == process:
            faulthandler.dump_traceback(_STDERR, all_threads=False)
        leave(status)

    os._exit = noted


def _end_with(life: int) -> None:
    """End this process and all that it started when the other end of a pipe is closed, even by a kill."""
    if not hasattr(fcntl, "F_SETSIG"):
        threading.Thread(target=_end_at_close, args=(life,), daemon=True).start()
        return
    fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([life], [], [], 0)[0]:
        os.killpg(0, signal.SIGKILL)  # it was closed before


def _end_at_close(life: int) -> None:
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)


def _limit(limits: Limits) -> None:
    for kind, value in ((resource.RLIMIT_DATA, limits.memory_bytes), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))


def main(life: str, limits: str) -> None:
    """Serve on standard input, a socket, until it is closed; `life` is a descriptor, `limits` JSON.

    Scripts find an empty standard input instead.
    """
    control = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.set_inheritable(int(life), False)
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(errors="backslashreplace", write_through=True)
    settings = msgspec.json.decode(limits, type=Limits)
    _end_with(int(life))
    _leave_notes()
    _limit(settings)
    with os.fdopen(control, "rb") as requests, os.fdopen(os.dup(control), "wb") as answers:
        serve(requests, answers, settings)


if __name__ == "__main__":
    main(*sys.argv[1:])
