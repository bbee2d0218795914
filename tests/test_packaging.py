"""What is installed is what the checkout holds: a sub-package or a data file is silently left out otherwise."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOMS = ("cache", "daemon", "render")
NOT_INSTALLED = ("*.pyc", "__pycache__", ".*_cache")


def code(project: Path) -> Iterator[Path]:
    for room in ROOMS:
        yield from (project / room).rglob("*.py")


def packages(project: Path) -> list[str]:
    with (project / "pyproject.toml").open("rb") as file:
        listed: list[str] = tomllib.load(file)["tool"]["setuptools"]["packages"]
    return listed


def data_files(project: Path) -> Iterator[str]:
    """Everything in the rooms that isn't Python of a package: templates, style sheets, SQL, the starter blog."""
    folders = {package.removeprefix("blogd.").replace(".", "/") for package in packages(project)}
    for room in ROOMS:
        for path in (project / room).rglob("*"):
            name = path.relative_to(project)
            is_module = path.suffix == ".py" and name.parent.as_posix() in folders
            if path.is_file() and path.suffix != ".pyc" and not is_module:
                yield f"blogd/{name.as_posix()}"


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in a wheel built from a copy, so that leftovers of earlier builds can't stand in for what is missing."""
    source = tmp_path_factory.mktemp("wheel") / "source"
    source.mkdir()
    for room in ROOMS:
        shutil.copytree(project / room, source / room, ignore=shutil.ignore_patterns(*NOT_INSTALLED))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(project / name, source / name)
    build = "import setuptools.build_meta as backend; backend.build_wheel('dist')"
    done = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (source / "dist").glob("blogd-*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_every_folder_with_modules_is_a_listed_package(project: Path) -> None:
    # A starter blog's or a bundle's scripts are data, told by the missing __init__.py.
    found = {
        "blogd." + path.parent.relative_to(project).as_posix().replace("/", ".")
        for path in code(project)
        if path.name == "__init__.py"
    }

    assert set(packages(project)) == found


def test_modules_lie_in_packages(project: Path) -> None:
    strays = {
        path.relative_to(project).as_posix()
        for path in code(project)
        if not (path.parent / "__init__.py").exists() and "starter" not in path.parts
    }

    assert not strays


def test_wheel_holds_every_module(project: Path, wheel: set[str]) -> None:
    modules = {f"blogd/{path.relative_to(project).as_posix()}" for path in code(project)}

    assert modules <= wheel


def test_wheel_holds_every_data_file(project: Path, wheel: set[str]) -> None:
    wanted = set(data_files(project))

    assert {f"blogd/{room}/py.typed" for room in ROOMS} <= wanted
    assert any(name.startswith("blogd/render/bundled/") and name.endswith(".liquid") for name in wanted)
    assert wanted <= wheel


def test_wheel_holds_nothing_else(project: Path, wheel: set[str]) -> None:
    expected = {f"blogd/{path.relative_to(project).as_posix()}" for path in code(project)} | set(data_files(project))
    extra = {name for name in wheel if ".dist-info/" not in name} - expected

    assert not extra


def test_no_import_loads_a_second_copy(project: Path) -> None:
    """`import render` finds the folder when the checkout is on sys.path: the same module twice, with two states."""
    bare = [
        f"{path.relative_to(project)}: {root}"
        for path in (*code(project), *(project / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_bytes()))
        for root in imported_roots(node) & set(ROOMS)
    ]

    assert not bare


def imported_roots(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and not node.level:
        return {(node.module or "").partition(".")[0]}
    return set()
