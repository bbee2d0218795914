"""Whole runs in which workers are lost, hang, grow or talk nonsense over one page: see `saboteur`.

That page is named and stays as it was last good; everything else is what a clean build makes; and a run in which
nothing happens repairs the rest.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support import build, read_tree

if TYPE_CHECKING:
    from tests.support import Outcome

SABOTEUR = Path(__file__).with_name("saboteur.py")
FATAL = {
    "kill": "signal SIGKILL",
    "crash": "signal SIGSEGV",
    "exit": "exit code 7",
    "hang": "no answer in time",
    "spin": "no answer in time",
    "rave": "its answer made no sense",
}


class Told(NamedTuple):
    """What a run came to."""

    code: int
    errors: dict[str, str]
    hints: str
    notes: str


def run(site: Path, out: Path, *options: str) -> Told:
    """Build with a saboteur."""
    command = [
        sys.executable,
        str(SABOTEUR),
        *options,
        "build",
        str(site),
        "--out",
        str(out),
        "--workers",
        "2",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    errors = {line["path"]: line["message"] for line in lines if line.get("severity") == "error"}
    hints = "\n".join(str(line.get("hint")) for line in lines)
    return Told(done.returncode, errors, hints, done.stderr)


def write(site: Path, name: str, words: str) -> None:
    (site / "posts").mkdir(parents=True, exist_ok=True)
    (site / f"posts/{name}.md").write_text(f"---\ntitle: {name}\ncreatedAt: 2024-01-01\n---\n{words}\n", "utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    folder = tmp_path / "site"
    for number in range(20):
        write(folder, f"post-{number}", "Words.")
    (folder / "meta").mkdir()
    settings = {"timezone": "UTC", "maxPostsPerPage": 5, "blogd": {"search": False}}
    (folder / "meta/project.json").write_text(json.dumps(settings), "utf-8")
    return folder


def clean_build(site: Path) -> Outcome:
    return build(site, site.parent / "clean")


@pytest.mark.parametrize("deed", FATAL)
def test_a_page_that_costs_a_worker_is_alone_in_it(site: Path, tmp_path: Path, deed: str) -> None:
    out, name = tmp_path / "out", f"make-{deed}"
    page = f"2024/01/01/{name}/index.html"
    write(site, name, "Before.")
    before = build(site, out).files[page]
    for each in (name, "post-3", "post-17"):
        write(site, each, "After.")

    told = run(site, out)
    clean = clean_build(site).files

    assert (told.code, told.errors) == (1, {page: f"a worker that made this page died: {FATAL[deed]}"})
    assert told.notes.count(" died: ") == 2
    assert ("Segmentation fault" in told.hints) == (deed == "crash")
    assert read_tree(out) == {**clean, page: clean[page] if deed == "rave" else before}  # it raves when that is done
    assert b"Before." in before
    assert build(site, out).files == clean


@pytest.mark.parametrize("deed", FATAL)
def test_a_post_that_costs_a_worker_is_alone_in_it(site: Path, tmp_path: Path, deed: str) -> None:
    out, name = tmp_path / "out", f"read-{deed}"
    without = clean_build(site).files
    write(site, name, "Words.")

    told = run(site, out)

    assert told.code == 1
    assert told.errors == {f"posts/{name}.md": f"a worker that read this post died: {FATAL[deed]}"}
    assert read_tree(out) == without
    assert f"2024/01/01/{name}/index.html" in build(site, out).files


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limit")
def test_a_page_that_eats_memory_is_alone_in_it(site: Path, tmp_path: Path) -> None:
    write(site, "make-eat", "Words.")

    told = run(site, tmp_path / "out")

    page = "2024/01/01/make-eat/index.html"
    assert (told.code, told.errors) == (1, {page: "needs more memory than there is"})
    assert clean_build(site).files.keys() - read_tree(tmp_path / "out").keys() == {page}


def test_a_worker_that_grows_is_replaced(site: Path, tmp_path: Path) -> None:
    for number in range(10):
        write(site, f"make-grow-{number}", "Words.")

    told = run(site, tmp_path / "out")

    assert (told.code, told.errors) == (0, {})
    assert "MB and was replaced" in told.notes
    assert clean_build(site).files == read_tree(tmp_path / "out")


def test_what_a_worker_prints_is_told_and_stays_out_of_the_pages(site: Path, tmp_path: Path) -> None:
    write(site, "make-print", "Words.")

    told = run(site, tmp_path / "out")

    assert told.code == 0
    assert "printed: " in told.notes
    assert "from Python" in told.notes
    assert "from below" in told.notes
    assert clean_build(site).files == read_tree(tmp_path / "out")


def test_without_processes_a_run_says_why_and_goes_on(site: Path, tmp_path: Path) -> None:
    told = run(site, tmp_path / "out", "no-process")

    assert (told.code, told.errors) == (0, {})
    assert "can't be started: [errno 11] resource temporarily unavailable" in told.notes
    assert "blogd goes on by itself" in told.notes
    assert clean_build(site).files == read_tree(tmp_path / "out")
