"""Posts that can't be read, in a watch that looks at everything once a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

from blogd.daemon import in_process, wire, worker
from blogd.daemon.crew import Died
from blogd.daemon.in_process import InProcess
from blogd.daemon.raw import read_bytes
from tests.support import Ground, build, builder, post

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pytest

    from blogd.daemon.crew import News, Task

POISON = "posts/poison.md"


class _Poisoned(InProcess):
    """Its process would die of one post."""

    deaths = 0
    died: tuple[Died, ...] = ()

    def feed(self, next_task: Callable[[int], Task | None]) -> None:
        def next_survived(number: int) -> Task | None:
            task = next_task(number)
            if isinstance(task, wire.ReadFiles) and any(file.path == POISON for file in task.tasks):
                _Poisoned.deaths += 1
                self.died = (Died(0, 1, "signal SIGKILL", task, (), ""),)
                return None
            return task

        if not self.died:
            super().feed(next_survived)

    def next_deadline(self) -> float:
        return 0.0

    def collect(self, ready: Iterable[int]) -> list[News]:
        news, self.died = [*super().collect(ready), *self.died], ()
        return news


def test_a_post_that_costs_workers_is_left_alone_until_it_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = Ground(tmp_path / "site")
    ground.write("posts/a.md", post("A", 1))
    ground.write(POISON, post("Poison", 2))
    with monkeypatch.context() as patched:
        patched.setattr(in_process, "InProcess", _Poisoned)
        patched.setattr(_Poisoned, "deaths", 0)
        with builder(ground.root, ground.root / "html", mode="watch") as opened:
            opened.build()
            assert _Poisoned.deaths == 2
            opened.build()
            assert _Poisoned.deaths == 2
            opened.build(ground.write(POISON, post("Poison", 2, "Other.")))
            assert _Poisoned.deaths == 4
    assert build(ground.root, ground.root / "html").files == build(ground.root, tmp_path / "clean").files


def test_a_post_that_still_can_not_be_read_is_no_news(tmp_path: Path) -> None:
    def refusing(name: str, most: int) -> tuple[os.stat_result, bytes]:
        if name.endswith(POISON):
            raise PermissionError(13, "Permission denied")
        return read_bytes(name, most)

    ground = Ground(tmp_path / "site")
    ground.write("posts/a.md", post("A", 1))
    ground.write(POISON, post("Poison", 2))
    with (
        patch.object(worker, "read_bytes", refusing),
        builder(ground.root, ground.root / "html", mode="watch") as opened,
    ):
        opened.build()
        totals = opened.engine.totals
        totals.restart()
        opened.build()
        assert not totals.changed
