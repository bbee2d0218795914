"""However a run ends, nothing of it is left: no process, and no lock that would keep out the next run."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.running import LIMIT_S, gone, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="finds processes in Linux's /proc")

BLOGD: Final = [sys.executable, "-m", "blogd.daemon"]
MACRO: Final = """import subprocess, time

def render(context, post):
    subprocess.Popen(["sleep", "1000"])
    time.sleep(1000)
"""
ENDINGS: Final[dict[str, Callable[[subprocess.Popen[bytes]], None]]] = {
    "SIGINT": lambda process: process.send_signal(signal.SIGINT),
    "SIGTERM": lambda process: process.send_signal(signal.SIGTERM),
    "SIGHUP": lambda process: process.send_signal(signal.SIGHUP),
    "SIGKILL": lambda process: process.kill(),
    "SIGINT for all": lambda process: os.killpg(process.pid, signal.SIGINT),
    "SIGKILL for all": lambda process: os.killpg(process.pid, signal.SIGKILL),
}


def parents() -> dict[int, int]:
    """Give the parent of every process."""
    found: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found[int(entry)] = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    return found


def descendants(pid: int) -> set[int]:
    """Give all processes that a process started, and that these started."""
    known = parents()
    found, new = set[int](), {pid}
    while new:
        found |= new
        new = {child for child, parent in known.items() if parent in new} - found
    return found - {pid}


def name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A blog with a macro that hangs, and so does a program that it started."""
    folder = tmp_path / "site"
    for path, text in {
        "posts/2024-01-01-a.md": "[[hang]]",
        "scripts/hang.py": MACRO,
        "meta/project.json": '{"blogd": {"search": false}}',
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def check_nothing_is_left(site: Path, started: set[int]) -> None:
    wait_until(lambda: all(map(gone, started)))
    (site / "scripts/hang.py").unlink()
    done = subprocess.run([*BLOGD, "build", site], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert "unknown macro" in done.stdout or done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_is_left_of_a_run_that_was_busy(site: Path, ending: str) -> None:
    command = [*BLOGD, "watch", str(site), "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        wait_until(lambda: "sleep" in map(name, descendants(process.pid)))
        started = descendants(process.pid)
        ENDINGS[ending](process)
        process.wait(LIMIT_S)
    assert len(started) >= 2
    check_nothing_is_left(site, started)


def test_nothing_is_left_when_the_terminal_is_closed(site: Path) -> None:
    (site / "scripts/hang.py").write_text(MACRO.replace("time.sleep(1000)", 'return {"html": ""}'))
    child, master = pty.fork()
    if not child:
        os.execv(sys.executable, [*BLOGD, "watch", str(site), "--workers", "2"])
    while b"built" not in os.read(master, 1000):
        pass
    started = descendants(child)
    os.close(master)
    os.waitpid(child, 0)
    assert len(started) >= 2
    check_nothing_is_left(site, started)


def test_nothing_is_left_when_who_started_it_and_listened_is_dead(site: Path, tmp_path: Path) -> None:
    (site / "scripts/hang.py").write_text(MACRO.replace("time.sleep(1000)", 'return {"html": ""}'))
    listener = f"""import subprocess, sys, time
process = subprocess.Popen({[*BLOGD, "watch", str(site), "--workers", "2", "--json"]!r}, stdout=subprocess.PIPE)
while b'"ready"' not in process.stdout.readline():
    pass
open({str(tmp_path / "ready")!r}, "w")
time.sleep(1000)
"""
    with subprocess.Popen([sys.executable, "-c", listener]) as process:
        wait_until((tmp_path / "ready").exists)
        started = descendants(process.pid)
        process.kill()
    assert len(started) >= 3
    check_nothing_is_left(site, started)
