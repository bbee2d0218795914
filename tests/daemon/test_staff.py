"""What is told of workers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

import pytest

from blogd.daemon import wire
from blogd.daemon.events import Event, WorkerState
from blogd.daemon.policy import Policy
from blogd.daemon.project import Project
from blogd.daemon.staff import Staff
from blogd.render.delta import Delta
from blogd.render.site import Site
from tests.support import Silence

if TYPE_CHECKING:
    from pathlib import Path

    from blogd.daemon.crew import Task


class Listener(Silence):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[int, str]] = []

    def emit(self, event: Event, /) -> None:
        if isinstance(event, WorkerState):
            self.told.append((event.worker, event.status))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of one worker, which is no process."""
    return Project(tmp_path, tmp_path / "out", tmp_path, tmp_path, 0, Policy(), "test", os.getpid())


def test_a_worker_is_shown_at_work_again_when_it_has_taken_the_place_of_a_dead_one(project: Project) -> None:
    listener = Listener()
    staff = Staff(project, listener, Site(), lambda _: wire.Update(1, Delta(), 0, is_snapshot=True))
    tasks = [wire.ReadFiles(1, (wire.FileTask("posts/none.md", b""),), "UTC", highlight=False)]

    staff.show()
    staff.crew().feed(lambda _: cast("Task", tasks.pop()))
    staff.show()
    staff.show()
    staff.show_restart(0)
    staff.show()
    staff.close()

    assert listener.told == [(0, "idle"), (0, "busy"), (0, "restarting"), (0, "busy")]
