"""The coordinator's end of a macro process: starts it, talks with it without waiting, ends it with all it started.

Three channels lead to the process: a socket for requests and answers, a pipe for what is printed, and a pipe that only
says, by staying open, that the coordinator lives. Nothing that comes from the process is trusted: reading never waits
for the rest of a message and never goes on without end, messages have a maximum length, and of what is printed the
middle is dropped.

The process is a new interpreter, not a fork: it is small, has none of the coordinator's files open, and can be started
whatever threads there are. Its hash seed, encoding and warnings are fixed: a macro's result doesn't depend on them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from blogd.daemon.macro_call import MAX_HTML
from blogd.daemon.macro_process import HEADER, frame

if TYPE_CHECKING:
    from pathlib import Path

    from blogd.daemon.macro_process import Limits

_MAX_MESSAGE: Final = 2 * MAX_HTML
_MAX_OUTPUT: Final = 64 << 10
_CHUNK = 1 << 16
_MAX_CHUNKS = 32
_WAIT_S = 5.0


class MacroPipe:
    """A running macro process. Raises OSError where none can be started."""

    def __init__(self, project: Path, limits: Limits) -> None:
        self._limits = limits
        self._received = bytearray()
        self._output = bytearray()
        self._control, theirs = socket.socketpair()
        self._printed, printing = os.pipe()
        living, self._life = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                _command(living, limits),
                cwd=project,
                env={**os.environ, "PYTHONHASHSEED": "0"},
                stdin=theirs.fileno(),
                stdout=printing,
                stderr=printing,
                pass_fds=(living,),
                start_new_session=True,
            )
        except OSError:
            self._close()
            raise
        finally:
            theirs.close()
            os.close(printing)
            os.close(living)
        os.set_blocking(self._printed, False)

    def handles(self) -> list[int]:
        """Give the descriptors that become readable when there is something to do."""
        return [self._control.fileno(), *([self._printed] if self._printed >= 0 else [])]

    def send(self, message: bytes) -> None:
        """Send a message; raises OSError if the process is gone or doesn't listen."""
        self._control.settimeout(_WAIT_S)
        self._control.sendall(frame(message))

    def receive(self) -> bytes | None:
        """Give a message if one has come as a whole; raises EOFError if none can come any more."""
        self._drain()
        self._control.setblocking(False)
        try:
            while len(self._received) < _MAX_MESSAGE and (chunk := self._control.recv(_CHUNK)):
                self._received += chunk
        except BlockingIOError:
            return self._message()
        except OSError as error:
            raise EOFError from error
        if message := self._message():
            return message
        raise EOFError

    def _message(self) -> bytes | None:
        if len(self._received) < HEADER.size:
            return None
        end: int = HEADER.size + HEADER.unpack_from(self._received)[0]
        if end > _MAX_MESSAGE:
            raise EOFError
        if len(self._received) < end:
            return None
        message = bytes(self._received[HEADER.size : end])
        del self._received[:end]
        return message

    def output(self) -> str:
        """Take what has been printed since the last time."""
        self._drain()
        text = self._output.decode(errors="replace")
        self._output.clear()
        return text

    def _drain(self) -> None:
        """Read what has been printed: no less than a pipe holds, and no more than a moment takes."""
        for _ in range(_MAX_CHUNKS if self._printed >= 0 else 0):
            try:
                chunk = os.read(self._printed, _CHUNK)
            except BlockingIOError:
                return
            if not chunk:
                os.close(self._printed)
                self._printed = -1
                return
            self._output += chunk
            if len(self._output) > _MAX_OUTPUT:
                del self._output[_MAX_OUTPUT // 4 : -_MAX_OUTPUT // 4]

    def end(self) -> int:
        """End the process and all that it started; give its exit status, negative for a signal."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_WAIT_S)
        self._drain()
        self._close()
        return self._process.returncode or 0

    def _close(self) -> None:
        self._control.close()
        for descriptor in (self._printed, self._life):
            if descriptor >= 0:
                os.close(descriptor)
        self._printed = self._life = -1


def _command(living: int, limits: Limits) -> list[str]:
    interpreter = [sys.executable, "-P", "-X", "utf8", "-W", "ignore"]
    return [*interpreter, "-m", "blogd.daemon.macro_process", str(living), msgspec.json.encode(limits).decode()]
