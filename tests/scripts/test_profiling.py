"""The profile: stacks are taken in a program and its forks, and charged to stages."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from bench_lib.profiling import Frame, stacks, stage, tables, template

if TYPE_CHECKING:
    from pathlib import Path

BURN = """\
import os, time

def parent():
    while time.process_time() < 0.15: pass

def child():
    while time.process_time() < 0.75: pass
    os._exit(0)

pid = os.fork()
if not pid:
    child()
parent()
os.waitpid(pid, 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks of a threaded interpreter's CPU timer are Linux's")
def test_program_and_forks_are_sampled(project: Path, tmp_path: Path) -> None:
    program = tmp_path / "burn.py"
    program.write_text(BURN)
    sampler = project / "scripts/bench_lib/sampler.py"

    subprocess.run([sys.executable, sampler, tmp_path, program], check=True)

    found = [stacks(path) for path in sorted(tmp_path.glob("*.json"), key=lambda path: int(path.stem))]
    seconds = [
        sum(taken for taken, frames in process if frames[0][2] == name)
        for process, name in zip(found, ("parent", "child"), strict=True)
    ]
    assert 0.08 < seconds[0] < 0.25
    assert 0.3 < seconds[1] < 0.9  # the last half second before os._exit may be missing


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/x/mistune/core.py", "/x/render/markdown.py", "/x/daemon/worker.py"], "Markdown"),
        (["/x/re/_parser.py", "/x/mistune/core.py"], "compiling regular expressions"),
        (["/x/json/decoder.py", "/x/daemon/output.py"], "writing files"),
        (["/x/json/decoder.py", "/x/y.py"], "other: json/decoder.py"),
    ],
)
def test_innermost_known_frame_names_the_stage(paths: list[str], expected: str) -> None:
    assert stage([(path, 1, "f") for path in paths]) == expected


def test_innermost_template_is_named() -> None:
    frames = [("/x/drops.py", 1, "f"), ("/x/partials/head.liquid", 1, "f"), ("/x/post-list.liquid", 1, "f")]

    assert template(frames) == "partials/head.liquid"


def test_tables_tell_coordinator_from_workers() -> None:
    def spent(seconds: float, path: str) -> tuple[float, list[Frame]]:
        return seconds, [(path, 7, "work")]

    found = tables([[spent(1, "/a/daemon/scan.py")], [spent(2, "/a/mistune/x.py")], [spent(1, "/a/mistune/x.py")]])

    assert found["profile"] == [
        {"stage": "Markdown", "coordinator_s": 0, "workers_s": 3, "per_cent": 75},
        {"stage": "scanning", "coordinator_s": 1, "workers_s": 0, "per_cent": 25},
    ]
    assert found["profile-functions"][0] == {"function": "mistune/x.py:7 work", "cpu_s": 3}
