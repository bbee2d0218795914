"""What tests of the daemon share: a place where programs save as they do at home, and an ear for watchers."""

from __future__ import annotations

import select
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from blogd.daemon.batch import Batch
    from blogd.daemon.watcher import Watcher

_PATIENCE_S = 30


@pytest.fixture
def ground(project: Path) -> Iterator[Path]:
    """An empty folder outside the system's temporary folder, below which vim and Emacs make no backups."""
    base = project / "build" / "ground"
    if any(base.is_relative_to(place) for place in (tempfile.gettempdir(), "/tmp", "/var/tmp")):
        base = Path.home() / ".cache" / "blogd-tests"
    base.mkdir(parents=True, exist_ok=True)
    path = tempfile.mkdtemp(dir=base)
    yield Path(path)
    subprocess.run(["rm", "-rf", path], check=True)  # copes with any depth and any name


def _hear(watcher: Watcher) -> Batch:
    if not select.select([watcher], [], [], _PATIENCE_S)[0]:
        pytest.fail(f"nothing was told within {_PATIENCE_S} s")
    return watcher.receive()


@pytest.fixture
def hear() -> Callable[[Watcher], Batch]:
    """Wait for the next batch."""
    return _hear


@pytest.fixture
def hear_until(hear: Callable[[Watcher], Batch]) -> Callable[[Watcher, Callable[[Batch], bool]], list[Batch]]:
    """Collect batches up to the first that is wanted."""

    def collect(watcher: Watcher, is_wanted: Callable[[Batch], bool]) -> list[Batch]:
        batches = [hear(watcher)]
        while not is_wanted(batches[-1]):
            batches.append(hear(watcher))
        return batches

    return collect
