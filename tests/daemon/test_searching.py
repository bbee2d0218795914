"""Search, as an extra: whole runs with it and without, what they leave, and what they spare."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import takewhile
from typing import TYPE_CHECKING, cast

import pytest

from blogd.daemon.pagefind import pagefind_version
from tests.running import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not pagefind_version(), reason="the extra `search` is not installed")


def build(site: Path, *arguments: object) -> dict[str, object]:
    command = [sys.executable, "-m", "blogd.daemon", "build", str(site), "--json", *map(str, arguments)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    last: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return last


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def index(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in tree(folder).items() if name.startswith("pagefind/")}


def post(site: Path, name: str, words: str, **fields: str) -> None:
    matter = "".join(f"{key}: {value}\n" for key, value in {"title": name, "createdAt": "2024-03-05", **fields}.items())
    (site / "posts").mkdir(parents=True, exist_ok=True)
    (site / "posts" / f"{name}.md").write_text(f"---\n{matter}---\n{words}\n", "utf-8")


def settings(site: Path, **blogd: bool) -> None:
    project = {"name": "Test", "publicUrl": "https://t.example/b", "blogLanguages": ["en", "de"], "blogd": blogd}
    (site / "meta").mkdir(exist_ok=True)
    (site / "meta/project.json").write_text(json.dumps({**project, "timezone": "UTC"}), "utf-8")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A blog of two posts and a page, in two languages, built."""
    folder = tmp_path / "site"
    post(folder, "one", "Herrings.")
    post(folder, "two", "Mackerels.")
    post(folder, "three", "Whelks.", categories="[page]")
    settings(folder)
    build(folder)
    return folder


def test_an_index_is_made_of_single_pages_in_each_language(site: Path) -> None:
    entry = json.loads((site / "html/pagefind/pagefind-entry.json").read_text("utf-8"))

    assert {language: found["page_count"] for language, found in entry["languages"].items()} == {"en": 3, "de": 3}
    assert [*entry["languages"]] == ["de", "en"]
    assert {"pagefind/pagefind.js", "pagefind/wasm.de.pagefind"} <= index(site / "html").keys()
    assert not [name for name in index(site / "html") if "ui" in name or name.endswith(".css")]


def test_every_page_has_a_box_and_every_language_a_search_page(site: Path) -> None:
    german = (site / "html/de/search/index.html").read_text("utf-8")

    assert 'action="/b/search/"' in (site / "html/index.html").read_text("utf-8")
    assert 'action="/b/de/search/"' in (site / "html/de/2024/03/05/one/index.html").read_text("utf-8")
    assert '<script type="module" id="_pagefind" src="/b/pagefind/pagefind.js">' in german
    assert "<noscript>Die Suche braucht JavaScript." in german
    assert "/search/" not in (site / "html/sitemap.xml").read_text("utf-8")


def test_a_second_build_makes_nothing(site: Path) -> None:
    told = build(site)

    assert (told["rendered"], told["written"]) == (0, 0)


def test_a_blog_without_posts_has_an_index_of_nothing(tmp_path: Path) -> None:
    settings(tmp_path)
    build(tmp_path)

    entry = json.loads((tmp_path / "html/pagefind/pagefind-entry.json").read_text("utf-8"))
    assert sum(found["page_count"] for found in entry["languages"].values()) == 0


def test_an_edit_gives_the_index_of_a_clean_build(site: Path, tmp_path: Path) -> None:
    before = index(site / "html")
    post(site, "one", "Sprats.")
    (site / "posts/two.md").unlink()
    build(site)
    build(site, "--out", tmp_path / "clean")

    after = index(site / "html")
    assert after == index(tmp_path / "clean")
    assert {name for name in after if after[name] != before.get(name)} > {"pagefind/pagefind-entry.json"}
    assert before["pagefind/pagefind.js"] == after["pagefind/pagefind.js"]
    assert not before.keys() <= after.keys()


def test_switched_off_nothing_is_left_of_it_but_what_others_wrote(site: Path, tmp_path: Path) -> None:
    (site / "html/pagefind/mine.txt").write_text("mine", "utf-8")
    settings(site, search=False)
    build(site)
    build(site, "--out", tmp_path / "clean")

    assert index(site / "html") == {"pagefind/mine.txt": b"mine"}
    assert not (site / "html/search").exists()
    assert 'role="search"' not in (site / "html/index.html").read_text("utf-8")
    (site / "html/pagefind/mine.txt").unlink()
    assert tree(site / "html") == tree(tmp_path / "clean")


def test_where_search_was_never_on_a_second_build_writes_nothing_down(tmp_path: Path) -> None:
    post(tmp_path, "one", "Herrings.")
    settings(tmp_path, search=False)
    build(tmp_path)
    (database,) = tmp_path.glob(".blogd/*/cache.db")
    before = database.stat().st_mtime_ns
    build(tmp_path)
    assert database.stat().st_mtime_ns == before


def test_an_altered_index_is_put_right(site: Path) -> None:
    before = tree(site / "html")
    (site / "html/pagefind/pagefind.js").write_text("broken", "utf-8")
    (site / "html/pagefind/wasm.de.pagefind").unlink()

    told = build(site)

    assert (told["rendered"], told["written"]) == (0, 2)
    assert tree(site / "html") == before


def test_an_index_whose_cache_was_lost_is_made_anew(site: Path) -> None:
    before = tree(site / "html")
    told = build(site, "--clean")

    assert told["removed"] == 0
    assert tree(site / "html") == before


def test_a_page_of_ones_own_takes_the_place_of_the_search_page(site: Path) -> None:
    post(site, "search", "My own way to search.", categories="[page]")

    build(site)

    assert "My own way to search." in (site / "html/search/index.html").read_text("utf-8")
    assert "My own way to search." in (site / "html/de/search/index.html").read_text("utf-8")


def use_pagefind(executable: object, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another program take the place of Pagefind."""
    package = folder / "packages" / "pagefind_bin"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"def get_executable():\n    return {str(executable)!r}\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{package.parent}:{os.environ.get('PYTHONPATH', '')}")


def test_a_pagefind_that_fails_is_a_warning(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = index(site / "html")
    use_pagefind("/bin/false", tmp_path, monkeypatch)
    post(site, "one", "Sprats.")

    command = [sys.executable, "-m", "blogd.daemon", "build", str(site), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    (finding,) = [event for event in told if event["event"] == "diagnostic"]

    assert done.returncode == 0
    assert finding["severity"] == "warning"
    assert "no search index" in finding["message"]
    assert '"search": false' in finding["hint"]
    assert index(site / "html") == before


def test_verify_sees_whether_an_index_is_as_it_was_left(site: Path) -> None:
    command = [sys.executable, "-m", "blogd.daemon", "verify", str(site), "--json"]
    right = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    (site / "html/pagefind/pagefind.js").write_text("", "utf-8")
    (site / "html/pagefind/pagefind-entry.json").unlink()
    wrong = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = [line for text in wrong.stdout.splitlines() if (line := json.loads(text))["event"] == "difference"]

    assert (right.returncode, right.stderr, wrong.returncode) == (0, "", 1), right.stdout
    assert {(line["path"], line["because"][0]) for line in found} == {
        ("pagefind/pagefind.js", "was altered after blogd wrote it"),
        ("pagefind/pagefind-entry.json", "was removed after blogd wrote it"),
    }


def heard(lines: Iterable[str], event: str) -> dict[str, object]:
    """Wait for an event of that name."""
    return next(told for line in lines if (told := json.loads(line))["event"] == event)


def test_a_watch_brings_the_index_up_to_date_when_it_is_quiet(site: Path, tmp_path: Path) -> None:
    before = index(site / "html")
    command = [sys.executable, "-m", "blogd.daemon", "watch", str(site), "--poll", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as watch:
        assert watch.stdout is not None
        heard(watch.stdout, "ready")
        post(site, "one", "Sprats.")
        heard(watch.stdout, "built")
        early = index(site / "html")
        indexed = heard(watch.stdout, "indexed")
        after = index(site / "html")
        build(site, "--out", tmp_path / "clean")
        post(site, "two", "Mackerels, and sprats.")
        built = heard(watch.stdout, "built")
        watch.send_signal(signal.SIGINT)
        watch.stdout.read()

    assert early == before
    assert after == index(tmp_path / "clean") != before
    assert indexed["written"] == sum(after[name] != before.get(name) for name in after)
    assert indexed["removed"] == len(before.keys() - after.keys())
    assert cast("int", built["written"]) <= cast("int", built["rendered"])  # what the index took is not counted again


def test_a_watch_of_a_site_without_search_says_nothing_of_it(tmp_path: Path) -> None:
    settings(tmp_path, search=False)
    kept = "select 1 from meta where name = 'search'"
    command = [sys.executable, "-m", "blogd.daemon", "watch", str(tmp_path), "--poll", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as watch:
        assert watch.stdout is not None
        heard(watch.stdout, "ready")
        with closing(sqlite3.connect(next(tmp_path.glob(".blogd/*/cache.db")))) as database:
            wait_until(lambda: bool(database.execute(kept).fetchone()))
        post(tmp_path, "one", "Herrings.")
        names = (json.loads(line)["event"] for line in watch.stdout)
        told = list(takewhile(lambda name: name != "built", names))
        watch.send_signal(signal.SIGINT)
        watch.stdout.read()

    assert "indexed" not in told


def test_a_change_overtakes_an_index_on_its_way(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, endless = tmp_path / "begun", tmp_path / "endless"
    os.mkfifo(begun)
    endless.write_text(f"#!/bin/sh\necho $$ >'{begun}'\nexec cat >/dev/null\n", "utf-8")
    endless.chmod(0o755)
    use_pagefind(endless, tmp_path, monkeypatch)
    command = [sys.executable, "-m", "blogd.daemon", "watch", str(site), "--poll", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as watch:
        assert watch.stdout is not None
        heard(watch.stdout, "ready")
        post(site, "one", "Sprats.")
        first = begun.read_text("ascii")
        post(site, "two", "Whelks.")
        second = begun.read_text("ascii")
        watch.send_signal(signal.SIGINT)
        watch.stdout.read()

    assert first
    assert second not in {"", first}
