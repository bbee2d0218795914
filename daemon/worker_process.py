"""The process that a worker lives in: its signals, its limits, what it prints, and its end.

It leaves signals to the coordinator and ends with it, however that ends. How much it may grow is limited: a page
that needs more fails by itself. What is printed here goes to a file, from which it is sent along with answers; what the
process says when it dies is found there by the coordinator.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
from multiprocessing.connection import wait
from threading import Thread
from typing import TYPE_CHECKING, Final, cast

import multiprocess

from blogd.daemon import wire
from blogd.daemon.memory import limit_growth, resident_set_size
from blogd.daemon.worker import Setup, Worker, attempt
from blogd.render.site import Site

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PRINTED_MOST: Final = 4_000
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


def run_worker(connection: Connection, setup: Setup, site: Site | None, printed_path: str) -> None:
    """Be a worker until the connection closes: the target of a process."""
    printed = Printed(printed_path)
    printed.capture()
    _prepare(setup)

    def send(message: wire.FromWorker) -> None:
        connection.send_bytes(wire.encode(message))

    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        worker = Worker(setup, site or Site(), lambda: send(wire.Working()))
        worker.update(cast("wire.Update", wire.decode_task(connection.recv_bytes())))
        send(wire.Started(resident_set_size()))
        while True:
            task = wire.decode_task(connection.recv_bytes())
            if isinstance(task, wire.Update):
                worker.update(task)
                continue
            answer = attempt(worker, task)
            text = printed.take()
            if text:
                send(wire.Printed(text))
            send(answer)
    os._exit(0)


def _prepare(setup: Setup) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the coordinator holds signals back while it starts a process
    faulthandler.enable(2)
    limit_growth(setup.growth)
    _end_with_parent()
    if os.getppid() != setup.parent:
        os._exit(1)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - of no use elsewhere

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    parent = multiprocess.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


class Printed:
    """A file for what a worker prints; one that can't be made holds nothing."""

    def __init__(self, path: str) -> None:
        self._path = path

    def capture(self) -> None:
        """Send the stdout and stderr of this process there."""
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW
        try:
            file = os.open(self._path, flags, 0o666)
        except OSError:
            file = os.open(os.devnull, os.O_RDWR)
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.close(file)

    def take(self) -> str:
        """Give what this process has printed since the last time."""
        sys.stdout.flush()
        sys.stderr.flush()
        if not os.fstat(1).st_size:
            return ""
        text = os.pread(1, PRINTED_MOST, 0).decode("utf-8", "replace")
        os.ftruncate(1, 0)
        return text

    def last_words(self) -> str:
        """Give the end of what a process that is gone has printed, and remove the file."""
        try:
            with open(self._path, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - PRINTED_MOST))
                text = file.read(PRINTED_MOST)
            os.unlink(self._path)
        except OSError:
            return ""
        return text.decode("utf-8", "replace")
