"""Whole runs of the program, as a user starts them: what they write, what they say, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from blogd.daemon.staff import MANY
from tests.running import LIMIT_S, Running, gone, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def blogd(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "blogd.daemon", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", **environment},
        timeout=LIMIT_S,
        check=False,
    )


def built(result: subprocess.CompletedProcess[str]) -> dict[str, object]:
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return next(line for line in reversed(lines) if line["event"] == "built")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def post(site: Path, number: int, body: str = "Words.", **fields: str) -> Path:
    day = number % 28 + 1
    matter = {"title": f"Post {number}", "createdAt": f"2024-{number % 12 + 1:02}-{day:02}T10:00:00Z", **fields}
    path = site / "posts" / f"post-{number}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{name}: {value}\n" for name, value in matter.items())
    path.write_text(f"---\n{text}---\n{body}\n", "utf-8")
    return path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    for number in range(30):
        post(folder, number, tags=f"[tag-{number % 3}]")
    (folder / "meta").mkdir()
    project = {"name": "Test", "publicUrl": "https://t.example", "timezone": "UTC", "maxPostsPerPage": 4}
    project |= {"blogLanguages": ["en", "de"], "blogd": {"search": False}}
    (folder / "meta/project.json").write_text(json.dumps(project), "utf-8")
    return folder


def test_a_second_build_renders_and_writes_nothing(site: Path) -> None:
    first, second = (built(blogd("build", site, "--json")) for _ in range(2))

    assert first["rendered"] == first["written"] == first["pages"]
    assert (second["rendered"], second["written"], second["pages"]) == (0, 0, first["pages"])


def test_output_is_the_same_for_any_number_of_workers_however_started(site: Path, tmp_path: Path) -> None:
    for number, method, seed in ((1, "fork", "0"), (2, "fork", "1"), (3, "spawn", "2")):
        out = tmp_path / f"out-{number}"
        result = blogd(
            "build", site, "--out", out, "--workers", number, BLOGD_START_METHOD=method, PYTHONHASHSEED=seed, LC_ALL="C"
        )
        assert result.returncode == 0, result.stderr

    trees = [tree(tmp_path / f"out-{number}") for number in (1, 2, 3)]
    assert trees[0] == trees[1] == trees[2]
    assert len(trees[0]) > 100


def test_many_posts_come_to_the_same_however_workers_have_got_them(site: Path, tmp_path: Path) -> None:
    for number in range(100, MANY + 100):
        post(site, number)
    for method in ("fork", "spawn"):
        result = blogd("build", site, "--out", tmp_path / method, "--workers", 2, BLOGD_START_METHOD=method)
        assert (result.returncode, result.stderr) == (0, "")
    assert tree(tmp_path / "fork") == tree(tmp_path / "spawn")


def test_names_are_utf_8_whatever_the_locale(site: Path) -> None:
    post(site, 1, tags="[día]")
    result = blogd("build", site, LC_ALL="C", PYTHONUTF8="0")

    assert (result.returncode, result.stderr) == (0, "")
    assert (site / "html/tag/día/index.html").exists()
    assert built(blogd("build", site, "--json"))["rendered"] == 0


def test_two_outputs_of_one_site_do_not_disturb_each_other(site: Path, tmp_path: Path) -> None:
    blogd("build", site)
    blogd("build", site, "--out", tmp_path / "other", "--drafts")
    before = tree(site / "html")

    assert built(blogd("build", site, "--json"))["rendered"] == 0
    assert tree(site / "html") == before


def test_what_is_broken_is_named_and_the_rest_is_built(site: Path) -> None:
    post(site, 1).write_text("---\ntitle: a: b\ncreatedAt: 2024-01-01\n---\n", "utf-8")
    post(site, 2, slug="same", createdAt="2024-05-05")
    post(site, 3, slug="same", createdAt="2024-05-05T12:00:00Z")
    post(site, 4, templateSlug="broken")
    post(site, 5, templateSlug="partless")
    post(site, 6, templateSlug="absent")
    (site / "templates").mkdir()
    (site / "templates/broken.liquid").write_text("one\n{% if x %}\n", "utf-8")
    (site / "templates/partless.liquid").write_text("{% render 'nowhere' %}", "utf-8")

    result = blogd("build", site, "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    errors = {line["path"]: line for line in lines if line["event"] == "diagnostic" and line["severity"] == "error"}

    assert result.returncode == 1
    assert (errors["posts/post-1.md"]["line"], errors["posts/post-1.md"]["column"]) == (2, 9)
    assert "posts/post-3.md" in errors["posts/post-2.md"]["message"]
    assert errors["templates/broken.liquid"]["line"] == 2
    assert "nowhere" in errors["templates/partless.liquid"]["message"]
    assert "absent" in errors["posts/post-6.md"]["message"]
    assert [path for path, line in errors.items() if not line["hint"]] == []
    assert (site / "html/2024/08/08/post-7/index.html").exists()
    assert not (site / "html/2024/05/05/post-4/index.html").exists()


def test_an_error_is_told_again_by_a_build_that_has_nothing_to_do(site: Path) -> None:
    post(site, 1).write_text("---\ntitle: a: b\n---\n", "utf-8")
    first, second = blogd("build", site), blogd("build", site)

    assert first.returncode == second.returncode == 1
    assert "posts/post-1.md:2:9: error:" in second.stdout


def test_what_was_mended_between_two_builds_is_told_no_more(site: Path) -> None:
    post(site, 0, "A [link](/posts/post-30).")
    first = blogd("build", site)
    post(site, 30)
    second = blogd("build", site)

    assert "leads nowhere" in first.stdout
    assert "leads nowhere" not in second.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(site: Path) -> None:
    path = post(site, 1)
    path.chmod(0)

    result = blogd("build", site)

    assert result.returncode == 1
    assert "posts/post-1.md: error: can't be read" in result.stdout


def test_foreign_files_are_left_alone_and_stale_ones_removed(site: Path) -> None:
    blogd("build", site)
    foreign = site / "html/2024/notes.txt"
    foreign.write_text("mine", "utf-8")
    (site / "posts/post-3.md").unlink()

    blogd("build", site)

    assert foreign.read_text("utf-8") == "mine"
    assert not (site / "html/2024/04/04").exists()


def test_without_its_cache_blogd_still_knows_its_files(site: Path, tmp_path: Path) -> None:
    blogd("build", site)
    for path in sorted((site / ".blogd").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (site / "posts/post-3.md").unlink()
    post(site, 4, body="Other words.")

    assert blogd("build", site).returncode == 0

    blogd("build", site, "--out", tmp_path / "clean")
    assert tree(site / "html") == tree(tmp_path / "clean")


def test_a_file_in_the_way_is_not_overwritten(site: Path) -> None:
    mine = site / "html/2024/04/04/post-3/index.html"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", "utf-8")

    result = blogd("build", site)

    assert result.returncode == 1
    assert "blogd did not write it" in result.stdout
    assert mine.read_text("utf-8") == "mine"


def test_a_damaged_cache_is_set_aside(site: Path) -> None:
    blogd("build", site)
    before = tree(site / "html")
    (cache,) = (site / ".blogd").glob("*/cache.db")
    cache.write_bytes(b"no database" * 1000)

    result = blogd("build", site)

    assert result.returncode == 0
    assert "the cache was set aside" in result.stdout + result.stderr
    assert tree(site / "html") == before


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def run(*arguments: object) -> Running:
        running.append(Running(*arguments))
        return running[-1]

    yield run
    for each in running:
        each.close()


def test_watch_follows_posts_templates_and_media(site: Path, start: Callable[..., Running], tmp_path: Path) -> None:
    watch = start("watch", site)
    watch.wait_for("ready")

    def rebuilt(path: str) -> dict[str, object]:
        return watch.wait_for("built", lambda line: path in line["changed"])  # type: ignore[operator]

    post(site, 3, body="Changed.")
    body = rebuilt("posts/post-3.md")
    (site / "templates/partials").mkdir(parents=True)
    (site / "templates/partials/footer.liquid").write_text("FOOT", "utf-8")
    template = rebuilt("templates/partials/footer.liquid")
    (site / "posts/post-4.md").rename(site / "posts/renamed.md")
    rebuilt("posts/renamed.md")
    (site / "posts/post-5.md").unlink()
    rebuilt("posts/post-5.md")
    (site / "media/2024/01").mkdir(parents=True)
    (site / "media/2024/01/a.png").write_bytes(b"png")
    rebuilt("media/2024/01/a.png")

    assert 0 < int(str(body["rendered"])) < 40
    assert int(str(template["rendered"])) > 100
    blogd("build", site, "--out", tmp_path / "clean")
    watch.close()
    assert tree(site / "html") == tree(tmp_path / "clean")


def test_watch_keeps_the_last_good_page_and_says_what_is_mended(site: Path, start: Callable[..., Running]) -> None:
    watch = start("watch", site)
    watch.wait_for("ready")
    page = site / "html/2024/04/04/post-3/index.html"
    good = page.read_bytes()

    (site / "posts/post-3.md").write_text("---\ntitle: a: b\n---\n", "utf-8")
    finding = watch.wait_for("diagnostic")
    failed = watch.wait_for("built")
    kept = page.read_bytes()
    post(site, 3, tags="[tag-0]")
    mended = watch.wait_for("built")

    assert (finding["path"], finding["line"], failed["failed"]) == ("posts/post-3.md", 2, 1)
    assert kept == good
    assert mended["mended"] == ["posts/post-3.md"]
    assert mended["failed"] == 0


def test_a_second_blogd_is_told_who_holds_the_output(site: Path, start: Callable[..., Running]) -> None:
    watch = start("watch", site)
    watch.wait_for("ready")

    second = blogd("build", site)

    assert second.returncode == 2
    assert f"process {watch.process.pid}" in second.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_and_all_its_workers(
    site: Path, start: Callable[..., Running], number: signal.Signals, code: int
) -> None:
    watch = start("watch", site, "--workers", 2)
    watch.wait_for("ready")
    workers = watch.workers()

    watch.process.send_signal(number)

    assert watch.process.wait(LIMIT_S) == code
    assert len(workers) == 2
    wait_until(lambda: all(map(gone, workers)))


def test_a_build_that_is_killed_is_completed_by_the_next(
    site: Path, start: Callable[..., Running], tmp_path: Path
) -> None:
    build = start("build", site, "--workers", 2)
    build.wait_for("progress", lambda line: int(str(line["done"])) > 30)
    workers = build.workers()
    build.process.kill()
    wait_until(lambda: all(map(gone, workers)))

    assert blogd("build", site).returncode == 0

    blogd("build", site, "--out", tmp_path / "clean")
    assert tree(site / "html") == tree(tmp_path / "clean")


def test_a_worker_that_is_killed_is_replaced(site: Path, start: Callable[..., Running], tmp_path: Path) -> None:
    watch = start("watch", site, "--workers", 2)
    watch.wait_for("ready")
    killed = watch.workers()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)

    post(site, 3, body="Changed.")
    result = watch.wait_for("built")

    assert result["failed"] == 0
    assert len(killed) == 2 <= len(set(watch.workers()) - set(killed))
    watch.close()
    blogd("build", site, "--out", tmp_path / "clean")
    assert tree(site / "html") == tree(tmp_path / "clean")


def test_an_edit_that_leaves_size_and_time_as_they_were_is_seen(site: Path, start: Callable[..., Running]) -> None:
    path = post(site, 3, body="First words.")
    watch = start("watch", site)
    watch.wait_for("ready")
    before = path.stat()

    with path.open("r+b") as file:
        file.seek(path.read_bytes().index(b"First"))
        file.write(b"Other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    watch.wait_for("built", lambda line: line["rendered"] != 0)

    assert "Other words." in (site / "html/2024/04/04/post-3/index.html").read_text("utf-8")


@pytest.mark.parametrize("given", ["tomorrow", "99999999999999999", "-1"])
def test_a_time_that_is_none_is_refused(site: Path, given: str) -> None:
    told = blogd("build", site, SOURCE_DATE_EPOCH=given)
    assert (told.returncode, told.stderr.splitlines()[0]) == (
        2,
        f"blogd: SOURCE_DATE_EPOCH is '{given}', which is no number of seconds since 1970",
    )
    assert not (site / "html").exists()
