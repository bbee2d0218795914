"""The soak against a stand-in for blogd: clean when all is well, and loud when the output or the processes are not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench_lib.measure import HAS_PROC
from bench_lib.soak import Holdings, differences

FAKE = Path(__file__).parent / "fake_blogd.py"
STEADY = Holdings(memory_mb=100, coordinator_mb=50, open_files=20, threads=3, processes=3)


def soak(project: Path, folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    program = folder / "blogd"
    program.write_text(f"#!{sys.executable}\n{source}")
    program.chmod(0o755)
    shutil.copytree(project / "scripts", folder / "scripts", symlinks=True)
    command: list[str | Path] = [
        sys.executable,
        folder / "scripts/soak",
        "--blogd",
        program,
        "--posts",
        "60",
        "--saves",
        "12",
    ]
    return subprocess.run([*command, "--disk", folder / "work"], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not HAS_PROC, reason="holdings are read from Linux's /proc")
def test_nothing_differs_after_saves(project: Path, tmp_path: Path) -> None:
    done = soak(project, tmp_path, FAKE.read_text())

    assert done.returncode == 0, done.stderr
    assert "12 saves at 60 posts" in done.stdout
    assert "0 files differ" in done.stdout


@pytest.mark.skipif(not HAS_PROC, reason="holdings are read from Linux's /proc")
def test_a_page_left_behind_is_named(project: Path, tmp_path: Path) -> None:
    forgetful = FAKE.read_text().replace("(out / page).unlink()", "pass")

    done = soak(project, tmp_path, forgetful)

    assert done.returncode == 1
    assert "differs from a clean build: 20" in done.stderr


@pytest.mark.parametrize(
    ("later", "grown"),
    [
        (STEADY, []),
        (Holdings(110, 50, 20, 3, 3), []),
        (Holdings(140, 50, 20, 3, 3), ["memory_mb"]),
        (Holdings(100, 50, 21, 4, 4), ["open_files", "threads", "processes"]),
    ],
)
def test_growth_is_noticed(later: Holdings, grown: list[str]) -> None:
    assert STEADY.grown_to(later) == grown


def test_differences_are_of_names_and_bytes(tmp_path: Path) -> None:
    for folder, contents in (
        ("a", {"same": "x", "other": "1", "left": ""}),
        ("b", {"same": "x", "other": "2", "right": ""}),
    ):
        (tmp_path / folder / "sub").mkdir(parents=True)
        for name, text in contents.items():
            (tmp_path / folder / "sub" / name).write_text(text)

    assert list(differences(tmp_path / "a", tmp_path / "b")) == ["sub/left", "sub/right", "sub/other"]
