"""Programs as people run them: in a terminal, which is tmux's, or in a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

_PATIENCE_S: Final = 30
VI_SAVE, VI_LEAVE = "i N Escape :w Enter", ":q Enter"
KAK_SAVE = ":exec Space iN<esc> Enter :w Enter"  # after a real Escape it would wait for more keys
EMACS_SAVE, EMACS_LEAVE = "N C-x C-s", "C-x C-c"
# A command, the keys that put an N at the file's beginning and save, and those that leave.
EDITORS: Final = (
    ("vim", VI_SAVE, VI_LEAVE),
    ("vim -u NONE", VI_SAVE, VI_LEAVE),
    ("vim --cmd 'set backup backupcopy=no undofile'", VI_SAVE, VI_LEAVE),
    ("vim --cmd 'set nowritebackup noswapfile'", VI_SAVE, VI_LEAVE),
    ("nvim", VI_SAVE, VI_LEAVE),
    ("emacs -nw -q", EMACS_SAVE, EMACS_LEAVE),
    ("emacs -nw -q --eval '(setq file-precious-flag t)'", EMACS_SAVE, EMACS_LEAVE),
    ("nano", "N C-o Enter", "C-x"),
    ("nano -B", "N C-o Enter", "C-x"),
    ("kak", KAK_SAVE, VI_LEAVE),
    ("kak -e 'set global writemethod replace'", KAK_SAVE, VI_LEAVE),
    ("micro", "N C-s", "C-q"),
)


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
    """A program in a terminal of its own; a context manager that ends it."""

    def __init__(self, command: str, folder: Path) -> None:
        self._folder = folder
        self._server = ["tmux", "-S", str(folder.parent / f"tmux-{time.monotonic_ns()}")]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", command)

    def _tmux(self, *arguments: str) -> str:
        command = [*self._server, *arguments]
        done = subprocess.run(
            command, cwd=self._folder, env=_environment(self._folder), capture_output=True, text=True, check=True
        )
        return done.stdout

    def wait_for(self, text: str) -> None:
        until_s = time.monotonic() + _PATIENCE_S
        while text not in (screen := self._tmux("capture-pane", "-p")):
            assert time.monotonic() < until_s, screen
            threading.Event().wait(0.02)

    def press(self, keys: str) -> None:
        """Press keys, separated by blanks, as tmux names them; words that are no key's name are typed."""
        self._tmux("send-keys", *keys.split())

    def wait_for_end(self) -> None:
        until_s = time.monotonic() + _PATIENCE_S
        while subprocess.run([*self._server, "has-session"], capture_output=True, check=False).returncode == 0:
            assert time.monotonic() < until_s, self._tmux("capture-pane", "-p")
            threading.Event().wait(0.02)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([*self._server, "kill-server"], capture_output=True, check=False)
