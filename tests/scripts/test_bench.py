"""The bench against a stand-in for blogd: every measurement runs, and counts what is there to be counted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bench_lib import blog, measure, report
from bench_lib.bench import speed_up
from bench_lib.edits import KINDS, Editor
from bench_lib.peers import hugo, pelican
from bench_lib.posts import Spec
from bench_lib.program import Blogd

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench_lib.report import Row

POSTS = 40
FAKE = Path(__file__).parent / "fake_blogd.py"


class Figures:
    """A row of a table; words and numbers are told apart by who asks."""

    def __init__(self, row: Row) -> None:
        self._row = row

    def __getitem__(self, name: str) -> float:
        value = self._row[name]
        assert isinstance(value, int | float)
        return value

    def word(self, name: str) -> str:
        value = self._row[name]
        assert isinstance(value, str)
        return value


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("bin") / "blogd"
    program.write_text(f"#!{sys.executable}\n{FAKE.read_text()}")
    program.chmod(0o755)
    return program


@pytest.fixture
def bench(fake: Path, project: Path, tmp_path: Path) -> Callable[..., list[Figures]]:
    """Run scripts/bench in a copy, which keeps its results to itself; return the rows of the table."""
    shutil.copytree(project / "scripts", tmp_path / "scripts", symlinks=True)

    def run(measurement: str, *options: str) -> list[Figures]:
        command: list[str | Path] = [
            sys.executable,
            tmp_path / "scripts/bench",
            measurement,
            "--blogd",
            fake,
            "--rounds",
            "1",
        ]
        done = subprocess.run(
            [*command, "--disk", tmp_path / "work", *options], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert not list((tmp_path / "work").iterdir())
        kept = json.loads((tmp_path / f"build/bench/{measurement}.json").read_text())
        assert report.table(kept["rows"]) in done.stdout
        return [Figures(row) for row in kept["rows"]]

    return run


def test_standard_table_has_a_line_for_each_size_case_and_number_of_workers(
    bench: Callable[..., list[Figures]],
) -> None:
    rows = bench("standard", "--posts", "20,40", "--workers", "1,2")

    assert [(row["posts"], row["workers"]) for row in rows] == [
        (n, w) for n in (20, 40) for _ in range(4) for w in (1, 2)
    ]
    assert {row.word("what") for row in rows} == {
        "cold",
        "nothing changed",
        "one body edited",
        "watch, one body edited",
    }
    assert all(row["wall_s"] > 0 and row["cpu_s"] > 0 for row in rows)
    assert all(row["pages"] == row["posts"] + 6 for row in rows)


def test_edits_are_followed_to_their_pages(bench: Callable[..., list[Figures]]) -> None:
    rows = bench("edits", "--posts", str(POSTS))

    assert [row.word("edit") for row in rows] == list(KINDS)
    for row in rows:
        least = 1 if row.word("edit") == "delete" else 2
        assert (
            least <= row["changed"] <= row["rendered"] <= least + (row.word("edit") == "rename")
        )  # two steps, so two batches
        assert 0 < row["page_ms"] <= row["last_ms"]
        assert row["planning_ms"] in {0.25, 0.5}


@pytest.mark.skipif(not measure.HAS_PROC, reason="memory is taken from Linux's /proc")
def test_memory_is_that_of_all_processes(bench: Callable[..., list[Figures]]) -> None:
    (row,) = bench("memory", "--posts", "1000", "--workers", "2")  # so many that a sample falls into the build

    assert row["watch_idle_mb"] >= row["coordinator_idle_mb"] > 1
    assert row["cold_peak_mb"] > 1


@pytest.mark.skipif(measure.usable_cpus() < 2, reason="one CPU can't be taken away")
def test_scaling_measures_fewer_workers_on_as_many_cpus_too(bench: Callable[..., list[Figures]]) -> None:
    cpus = measure.usable_cpus()
    rows = bench("scaling", "--posts", "20", "--workers", f"1,{cpus}")

    assert [(row["workers"], row["cpus"]) for row in rows] == [(1, cpus), (cpus, cpus), (1, 1)]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system gives CPUs as it likes")
def test_a_program_has_just_the_cpus_that_it_may_use() -> None:
    command = [sys.executable, "-c", "import os; print(len(os.sched_getaffinity(0)))"]
    before = os.sched_getaffinity(0)
    with measure.on_cpus(1):
        assert measure.run(command).stdout == "1\n"
    with measure.on_cpus(0):
        assert measure.run(command).stdout == f"{len(before)}\n"
    assert os.sched_getaffinity(0) == before


def test_more_workers_are_compared_with_one_on_the_same_cpus_and_with_a_cpu_each() -> None:
    walls = {(1, 2): 15.0, (2, 2): 10.0, (1, 1): 18.0}
    rows: list[Row] = [{"posts": 9, "workers": w, "cpus": c, "wall_s": wall} for (w, c), wall in walls.items()]
    assert speed_up(rows) == [
        "9 posts, 2 workers on 2 CPUs: 1.50 x as fast as 1 worker, 1.80 x as fast as 1 worker on 1 CPU."
    ]


@pytest.mark.parametrize("measurement", ["cold", "warm", "scaling", "floor"])
def test_every_other_measurement_runs(bench: Callable[..., list[Figures]], measurement: str) -> None:
    rows = bench(measurement, "--posts", "20", "--workers", "1,2")

    assert rows
    assert all(row["posts"] == 20 for row in rows)


def test_templates_are_compared_on_pages_of_both_kinds(bench: Callable[..., list[Figures]]) -> None:
    single, listed = bench("templates", "--posts", "120")

    assert (single.word("what"), listed.word("what")) == ("single page", "list of 50")
    assert listed["pages"] == 2
    assert all(row["ratio"] == pytest.approx(row["interpreted_us"] / row["compiled_us"]) for row in (single, listed))


def test_a_blogd_that_fails_is_quoted(project: Path, tmp_path: Path) -> None:
    program = tmp_path / "blogd"
    program.write_text("#!/bin/sh\necho the reason >&2\nexit 3\n")
    program.chmod(0o755)
    command: list[str | Path] = [
        project / "scripts/bench",
        "cold",
        "--blogd",
        program,
        "--posts",
        "5",
        "--disk",
        tmp_path / "work",
    ]

    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "exit code 3" in done.stderr
    assert "the reason" in done.stderr


def test_build_reads_what_blogd_says(fake: Path, tmp_path: Path) -> None:
    blog.write(Spec(posts=10), tmp_path / "site")

    built = Blogd(str(fake)).build(tmp_path / "site", tmp_path / "out", 1).built

    assert (built.pages, built.rendered, built.written, built.removed) == (16, 16, 16, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_changes_its_sources_and_nothing_else(tmp_path: Path, kind: str) -> None:
    spec = Spec(posts=POSTS)
    blog.write(spec, tmp_path)
    before = snapshot(tmp_path)

    edit = Editor(spec, tmp_path).edit(kind)
    edit.apply(tmp_path)

    after = snapshot(tmp_path)
    assert {path for path in before | after if before.get(path) != after.get(path)} == edit.paths


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_no_post_is_edited_twice(tmp_path: Path) -> None:
    spec = Spec(posts=POSTS)
    blog.write(spec, tmp_path)
    editor = Editor(spec, tmp_path)

    edits = [editor.edit("title") for _ in range(POSTS)]

    assert len({path for edit in edits for path in edit.paths}) == POSTS
    with pytest.raises(LookupError):
        editor.edit("title")


def test_children_count_towards_cpu_time() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}], check=True)"

    done = measure.run([sys.executable, "-c", code])

    assert done.usage.cpu_s >= 0.2
    assert done.usage.peak_mb is None


@pytest.mark.skipif(not measure.HAS_PROC, reason="memory is taken from Linux's /proc")
def test_children_count_towards_memory() -> None:
    child = "held = bytearray(80_000_000); held[::4096] = held[::4096]; input()"
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE)\n"
        "while int(open(f'/proc/{child.pid}/statm').read().split()[1]) < 20_000: pass\n"
        "started = time.monotonic()\n"
        "while time.monotonic() - started < 0.3: pass\n"
        "child.communicate()"
    )

    done = measure.run([sys.executable, "-c", code], memory=True, accept=(0, 1))

    assert done.usage.peak_mb is not None
    assert 80 < done.usage.peak_mb < 160


@pytest.mark.skipif(not measure.HAS_PROC, reason="process trees are read from Linux's /proc")
def test_a_tree_holds_this_process_and_its_children() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert {os.getpid(), child.pid} <= set(measure.tree(os.getpid()))
        child.communicate(b"\n")


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.95, 10), (0.1, 1), (1.0, 10)])
def test_percentile_is_the_smallest_value_that_covers_the_share(share: float, expected: float) -> None:
    assert report.percentile(range(10, 0, -1), share) == expected


def test_table_aligns_words_left_and_numbers_right() -> None:
    rows: list[report.Row] = [{"what": "cold", "wall_s": 123.456}, {"what": "warm", "wall_s": None, "pages": 20_000}]

    assert report.table(rows).splitlines() == [
        "| what | wall s |  pages |",
        "| ---- | -----: | -----: |",
        "| cold |    123 |      - |",
        "| warm |      - | 20,000 |",
    ]


def test_peers_get_the_same_posts() -> None:
    spec = Spec(posts=30, macros=False)
    sources = [(path, content.decode()) for path, content in blog.files(spec) if path.endswith(".md")]

    for path, text in sources:
        is_page = "categories: [page]" in text
        body = text.split("---\n", 2)[2]
        day = text.partition("createdAt: ")[2][:10]
        assert hugo.adapt(text).endswith(body)
        assert (f'days: ["{day}"]' in hugo.adapt(text)) is not is_page
        assert pelican.adapt(text).endswith(body)
        assert f"Date: {day}" in pelican.adapt(text)
        assert ("pages/" in pelican.source(path, text.encode())) is is_page
