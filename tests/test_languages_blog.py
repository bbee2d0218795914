"""A made-up blog in three languages with macros in a fifth of its posts: many workers make what one makes, once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.website import Website

if TYPE_CHECKING:
    from pathlib import Path

POSTS = 300
LANGUAGES = ("en", "de", "fr")
MACRO = re.compile(r"^\[\[(\w+)", re.MULTILINE)


class Built(NamedTuple):
    """The blog, and its output by number of workers."""

    site: Path
    outputs: dict[int, Path]


def build(site: Path, out: Path, workers: int) -> dict[str, object]:
    """Build, finding nothing wrong; give what was told last."""
    options = ["--out", str(out), "--workers", str(workers), "--json"]
    command = [sys.executable, "-m", "blogd.daemon", "build", str(site), *options]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told: list[dict[str, object]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert not [event for event in told if event["event"] == "diagnostic"]
    return told[-1]


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def built(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The blog, built with one worker and with two."""
    folder = tmp_path_factory.mktemp("languages")
    site = folder / "site"
    make = [sys.executable, str(project / "scripts/make-blog"), str(POSTS), str(site), "--macros"]
    subprocess.run([*make, "--languages", ",".join(LANGUAGES)], check=True, capture_output=True, timeout=60)
    outputs = {workers: folder / f"out-{workers}" for workers in (1, 2)}
    for workers, out in outputs.items():
        build(site, out, workers)
    return Built(site, outputs)


def test_the_blog_is_what_it_should_be(built: Built) -> None:
    posts = [path for path in (built.site / "posts").rglob("*.md") if path.stem.count(".") == 0]
    translations = {path.stem.rpartition(".")[2] for path in (built.site / "posts").rglob("*.*.md")}
    called = [MACRO.findall(path.read_text("utf-8")) for path in posts]

    assert len(posts) >= POSTS
    assert translations == {*LANGUAGES}
    assert POSTS / 6 < sum(map(bool, called)) < POSTS / 4
    assert {name for names in called for name in names} > {"badge"}


def test_one_worker_and_two_make_the_same_bytes(built: Built) -> None:
    one, two = (tree(out) for out in built.outputs.values())

    assert len(one) > len(LANGUAGES) * POSTS
    assert one == two


def test_a_second_build_makes_nothing(built: Built) -> None:
    told = build(built.site, built.outputs[2], 2)

    assert (told["rendered"], told["written"]) == (0, 0)


def test_no_macro_is_left_unexpanded_and_no_link_is_dead(built: Built) -> None:
    website = Website(built.outputs[2], "https://blog.example.org")
    singles = [path for path in built.outputs[2].rglob("*.html") if MACRO.search(path.read_text("utf-8"))]

    assert singles == []
    assert website.dead_links() == []
