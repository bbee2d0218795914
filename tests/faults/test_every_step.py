"""A fault at every step of a build, one after the other, as SQLite's own tests do it.

After each of them one more run has to give what a clean build gives: every file, every finding, a ledger that names
just these files; and a run after that one has nothing to do. Between the two the clock moves on.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest

from blogd.daemon.exits import ExitCode
from tests.faults.shim import Fault
from tests.faults.steps import kill_everywhere, points_of, run_with
from tests.faults.world import Run, Scene, World, certainty
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
        points = points_of(world)
        for at, name in enumerate(points):
            world.restore()
            faulty = run_with(fault, at, world)
            told = f"{scene.name}: {fault.name} at {at}, {name}: {faulty}"
            _check_told(faulty, told, is_right=read_tree(world.out) == world.early.files)
            world.check_repaired(told)
    _print(f" [{len(points)} points of failure]", capsys)


@pytest.mark.parametrize("scene", Scene)
def test_one_more_run_repairs_whatever_a_kill_has_left(
    tmp_path: Path, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:  # a small process, which forks fast
        points = executor.submit(kill_everywhere, tmp_path, scene).result()
    _print(f" [{points} points to be killed at]", capsys)


def _check_told(faulty: Run, told: str, *, is_right: bool) -> None:
    """A run that met a fault either was not hindered, or said so."""
    if faulty.code == ExitCode.DONE:
        assert is_right or any(found.message.startswith("no search index") for found in faulty.findings), told
    elif faulty.code == ExitCode.FAILED:
        assert any(found.severity == "error" and found.hint for found in faulty.findings), told


def _print(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(text, end="", flush=True)  # noqa: T201 - they are to be seen
