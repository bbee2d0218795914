"""A run with a fault at one of its points, and one after the other killed at each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.faults.shim import NEVER, Fault, Points, run_until_killed
from tests.faults.world import TODAY, Run, Scene, World, certainty, run

if TYPE_CHECKING:
    from pathlib import Path


def points_of(world: World) -> list[str]:
    """Give the points that a run passes."""
    world.restore()
    points = Points(Fault.FAILS, NEVER)
    with points.installed():
        run(world.ground, TODAY)
    return points.passed


def run_with(fault: Fault, at: int, world: World) -> Run:
    """Run with a fault."""
    with Points(fault, at).installed():
        return run(world.ground, TODAY)


def kill_everywhere(folder: Path, scene: Scene) -> int:
    """Kill a run at each of its points, and see each time that the next repairs it; give their number."""
    with certainty(folder / "code"):
        world = World(folder, scene)
        points = points_of(world)
        for at, name in enumerate(points):
            world.restore()
            run_until_killed(partial(run_with, Fault.KILLS, at, world))
            if scene is Scene.REVERTED:
                world.revert()
            world.check_repaired(f"{scene.name}: killed at {at}, {name}")
    return len(points)
