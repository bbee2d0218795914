"""A worker, or the coordinator, is lost at every message between them; or what arrives makes no sense.

A worker that is lost is no reason for a page to be missing: the build is complete. What a lost coordinator has left is
repaired by the next run.
"""

from __future__ import annotations

import os
import signal
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast
from unittest.mock import patch

import msgspec
import pytest

from blogd.daemon import pool, wire
from blogd.daemon.exits import ExitCode
from tests.faults.shim import NEVER, run_until_killed
from tests.faults.world import TODAY, Run, Scene, World, certainty, run
from tests.support import read_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path


class Loss(Enum):
    """What happens at a message."""

    WORKER_BEFORE = auto()
    WORKER_AFTER = auto()
    COORDINATOR = auto()
    NONSENSE = auto()
    OTHER_BATCH = auto()


class Tap:
    """A worker's connection that counts the messages of a run, and loses something at one of them."""

    count = 0
    at = NEVER
    loss = Loss.COORDINATOR

    def __init__(self, connection: Connection, pid: int) -> None:
        self._connection = connection
        self._pid = pid

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def send_bytes(self, data: bytes) -> None:
        is_at = self._count()
        if is_at:
            self._lose(Loss.WORKER_BEFORE)
        self._connection.send_bytes(data)
        if is_at:
            self._lose(Loss.WORKER_AFTER)

    def recv_bytes(self, most: int) -> bytes:
        data = self._connection.recv_bytes(most)
        if not self._count():
            return data
        self._lose(self.loss)
        if self.loss is Loss.NONSENSE:
            return b"\xc1" + data
        answer = wire.decode_answer(data)
        if self.loss is Loss.OTHER_BATCH and isinstance(answer, wire.FilesRead | wire.PagesRendered):
            return wire.encode(msgspec.structs.replace(answer, batch=answer.batch + 1))
        return data

    def _count(self) -> bool:
        Tap.count += 1
        return Tap.count - 1 == Tap.at

    def _lose(self, kind: Loss) -> None:
        if self.loss is Loss.COORDINATOR:
            os.kill(os.getpid(), signal.SIGKILL)
        if kind is self.loss and kind in {Loss.WORKER_BEFORE, Loss.WORKER_AFTER}:
            os.kill(self._pid, signal.SIGKILL)


class Worker(Protocol):
    """What the pool knows of a worker."""

    connection: Connection | Tap
    pid: int


_new_worker = cast("Callable[..., Worker]", vars(pool)["_Worker"])


def tapped(*arguments: object) -> Worker:
    """Make a worker with a tap."""
    worker = _new_worker(*arguments)
    assert not isinstance(worker.connection, Tap)
    worker.connection = Tap(worker.connection, worker.pid)
    return worker


def build(world: World, loss: Loss, at: int) -> Run:
    Tap.count, Tap.loss, Tap.at = 0, loss, at
    with patch.object(pool, "_Worker", tapped):
        return run(world.ground, TODAY, workers=1)


@pytest.mark.parametrize("loss", Loss)
def test_a_loss_at_any_message_is_made_up_for(tmp_path: Path, loss: Loss, capsys: pytest.CaptureFixture[str]) -> None:
    with certainty(tmp_path / "code"):
        world = World(tmp_path, Scene.EDITED)
        world.restore()
        build(world, loss, NEVER)
        messages = Tap.count
        for at in range(messages):
            world.restore()
            if loss is Loss.COORDINATOR:
                run_until_killed(partial(build, world, loss, at))
                world.check_repaired(f"at {at}")
            else:
                ended = build(world, loss, at)
                assert (ended.code, ended.findings) == (ExitCode.DONE, set()), (at, ended)
                assert read_tree(world.out) == world.early.files, at
    with capsys.disabled():
        print(f" [{messages} messages]", end="")  # noqa: T201 - they are to be seen
