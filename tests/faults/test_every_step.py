"""A fault at every step of a build, one after the other, as SQLite's own tests do it.

After each of them one more run has to give what a clean build gives: every file, every finding, a ledger that names
just these files; and a run after that one has nothing to do. Between the two the clock moves on.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import pytest

from blogd.daemon.exits import ExitCode
from tests.faults.shim import NEVER, Fault, Points, run_until_killed
from tests.faults.world import TODAY, Run, Scene, World, certainty, run
from tests.support import read_tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("scene", "fault"), [*product((Scene.COLD, Scene.EDITED), (Fault.FAILS, Fault.FAILS_FROM_THEN_ON))]
)
def test_one_more_run_repairs_whatever_a_failure_has_left(
    tmp_path: Path, scene: Scene, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    with certainty(tmp_path / "code"):
        world = World(tmp_path, scene)
        points = _points(world)
        for at, name in enumerate(points):
            world.restore()
            faulty = _run_with(fault, at, world)
            told = f"{scene.name}: {fault.name} at {at}, {name}: {faulty}"
            _check_told(faulty, told, is_right=read_tree(world.out) == world.early.files)
            world.check_repaired(told)
    _print(f" [{len(points)} points of failure]", capsys)


@pytest.mark.parametrize("scene", Scene)
def test_one_more_run_repairs_whatever_a_kill_has_left(
    tmp_path: Path, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    with certainty(tmp_path / "code"):
        world = World(tmp_path, scene)
        points = _points(world)
        for at, name in enumerate(points):
            world.restore()
            run_until_killed(partial(_run_with, Fault.KILLS, at, world))
            if scene is Scene.REVERTED:
                world.revert()
            world.check_repaired(f"{scene.name}: killed at {at}, {name}")
    _print(f" [{len(points)} points to be killed at]", capsys)


def _points(world: World) -> list[str]:
    world.restore()
    points = Points(Fault.FAILS, NEVER)
    with points.installed():
        run(world.ground, TODAY)
    return points.passed


def _run_with(fault: Fault, at: int, world: World) -> Run:
    with Points(fault, at).installed():
        return run(world.ground, TODAY)


def _check_told(faulty: Run, told: str, *, is_right: bool) -> None:
    """A run that met a fault either was not hindered, or said so."""
    if faulty.code == ExitCode.DONE:
        assert is_right or any(found.message.startswith("no search index") for found in faulty.findings), told
    elif faulty.code == ExitCode.FAILED:
        assert any(found.severity == "error" and found.hint for found in faulty.findings), told


def _print(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(text, end="", flush=True)  # noqa: T201 - they are to be seen
