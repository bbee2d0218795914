"""Programs of ours that run for a while, and what they say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S: Final = 60.0


class Running:
    """A `blogd` that runs, and the lines it has said so far."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, "-m", "blogd.daemon", *map(str, arguments), "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        self.lines: list[dict[str, object]] = []
        self._said = Queue[bytes]()
        self._ear = Thread(target=self._listen, daemon=True)
        self._ear.start()

    def _listen(self) -> None:
        """Take what it says from the pipe, which would be full at some time; the end is an empty line."""
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._said.put(line)
        self._said.put(b"")

    def wait_for(self, event: str, fits: Callable[[dict[str, object]], bool] = lambda _: True) -> dict[str, object]:
        while True:
            line = self._said.get(timeout=LIMIT_S)
            assert line, f"ended while waiting for {event}: {self.lines[-3:]}"
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == event and fits(self.lines[-1]):
                return self.lines[-1]

    def workers(self) -> list[int]:
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, check=False)
        return [int(pid) for pid in found.stdout.split()]

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LIMIT_S)
        self._ear.join(LIMIT_S)


def gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody has asked for its exit code counts."""
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
