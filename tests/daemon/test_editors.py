"""Real programs, each saving in its own way: one save is one batch, and then the file is whole.

Where a program is missing its tests are skipped; in CI, which installs them all, they fail.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blogd.daemon.batch import Batch
from blogd.daemon.scan import FileStat, look, scan
from blogd.daemon.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

Hear = Callable[[Watcher], Batch]
HearUntil = Callable[[Watcher, Callable[[Batch], bool]], list[Batch]]

POST, MARK = "posts/2024/hello.md", "meta/mark.json"
TEXT = "hello there\n" + "one more line of text\n" * 10_000
_PATIENCE_S = 30


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            if os.environ.get("CI") == "true":
                pytest.fail(f"{program} is not installed")
            pytest.skip(f"{program} is not installed")


def run(command: str, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=_environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _environment(folder: Path) -> dict[str, str]:
    """Keep the user's own configuration out."""
    home = str(folder.parent / "home")
    who = {f"GIT_{role}_{what}": "x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    settings = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, "XDG_STATE_HOME": home}
    return {**os.environ, **settings, **who, "GIT_CONFIG_NOSYSTEM": "1", "TERM": "screen", "LC_ALL": "C.UTF-8"}


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, command: str, folder: Path) -> None:
        self._folder = folder
        self._socket = str(folder.parent / "tmux")
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", command)

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", self._socket, *arguments]
        done = subprocess.run(
            command, cwd=self._folder, env=_environment(self._folder), capture_output=True, text=True, check=True
        )
        return done.stdout

    def wait_for(self, text: str) -> None:
        until_s = time.monotonic() + _PATIENCE_S
        while text not in (screen := self._tmux("capture-pane", "-p")):
            assert time.monotonic() < until_s, screen
            threading.Event().wait(0.02)

    def press(self, *keys: str) -> None:
        for key in keys:
            self._tmux("send-keys", *(("-l", key) if len(key) > 1 and key[0] == "=" else (key,)))

    def close(self) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def site(ground: Path) -> Path:
    root = ground / "site"
    for path in (POST, "posts/2023/other.md", "meta/project.json"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(TEXT)
    (ground / "home").mkdir()
    return root


@pytest.fixture
def watcher(site: Path) -> Iterator[Watcher]:
    with Watcher(site) as watcher:
        yield watcher


def stat_of(path: Path) -> FileStat:
    details = path.stat()
    return FileStat(details.st_size, details.st_mtime_ns, details.st_ino)


def is_settled(site: Path, batch: Batch) -> bool:
    return look(site, batch.paths).files.get(POST) == stat_of(site / POST)


def is_silent(site: Path, watcher: Watcher, hear_until: HearUntil) -> bool:
    """Tell whether nothing is told of the post until something else has changed."""
    (site / MARK).write_text(str(time.monotonic()))
    batches = hear_until(watcher, lambda batch: MARK in batch.paths)
    return not any(POST in batch.paths or batch.rescan for batch in batches)


VIM_SAVE = ("i", "=NEW ", "Escape", "=:w", "Enter")
VIM_SET_COPY = ("=:set backupcopy=yes", "Enter")


@pytest.mark.parametrize(
    ("command", "prepare", "save", "leave"),
    [
        pytest.param("vim", (), ("i", "N", "Escape", ":", "w", "Enter"), (":", "q", "Enter"), id="vim"),
        pytest.param("vim -u NONE", (), ("i", "N", "Escape", ":", "w", "Enter"), (":", "q", "Enter"), id="vim-bare"),
        pytest.param(
            "vim -c 'set backup backupcopy=no'",
            (),
            ("i", "N", "Escape", ":", "w", "Enter"),
            (":", "q", "Enter"),
            id="vim-backup",
        ),
        pytest.param("nvim", (), ("i", "N", "Escape", ":", "w", "Enter"), (":", "q", "Enter"), id="nvim"),
        pytest.param("emacs -nw -q", (), ("N", "C-x", "C-s"), ("C-x", "C-c"), id="emacs"),
        pytest.param(
            "emacs -nw -q --eval '(setq file-precious-flag t)'",
            (),
            ("N", "C-x", "C-s"),
            ("C-x", "C-c"),
            id="emacs-precious",
        ),
        pytest.param("nano", (), ("N", "C-o", "Enter"), ("C-x",), id="nano"),
        pytest.param("nano -B", (), ("N", "C-o", "Enter"), ("C-x",), id="nano-backup"),
        pytest.param("kak", (), ("i", "N", "Escape", ":", "w", "Enter"), (":", "q", "Enter"), id="kak"),
        pytest.param(
            "kak -e 'set global writemethod replace'",
            (),
            ("i", "N", "Escape", ":", "w", "Enter"),
            (":", "q", "Enter"),
            id="kak-replace",
        ),
        pytest.param("micro", (), ("N", "C-s"), ("C-q",), id="micro"),
    ],
)
def test_draft() -> None: ...
