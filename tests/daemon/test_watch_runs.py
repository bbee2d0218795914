"""`blogd watch`, while real editors and tools are at work on the site: what it builds, and how often."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from typing import TYPE_CHECKING, Final, cast

import pytest

from blogd.daemon.ledger import read_ledger
from tests.running import Running, wait_until
from tests.support import build, read_tree
from tests.terminal import EDITORS, Terminal, need, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POST: Final = "posts/2024-01-01-hello.md"
PAGE: Final = "2024/01/01/hello/index.html"
BRANCH_POSTS: Final = int(os.environ.get("BLOGD_BRANCH_POSTS", "100"))  # of which two branches differ
SWITCHES: Final = 10
STOPPED_S: Final = 3.5  # what a watcher notices by its clock


@pytest.fixture
def site(ground: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A blog beside a home; posts without front matter, so that an editor may type at their beginning."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    folder = ground / "site"
    for number in range(1, 10):
        (folder / "posts/2023").mkdir(parents=True, exist_ok=True)
        (folder / f"posts/2023/2023-01-0{number}-post.md").write_text("words\n" * number)
    (folder / POST).write_text("hello there\n\n" + "one more line of text\n" * 2000)
    (folder / "meta").mkdir()
    settings = {"timezone": "UTC", "blogd": {"search": False}}
    (folder / "meta/project.json").write_text(json.dumps(settings))
    (ground / "home").mkdir()
    return folder


class Watch(Running):
    """A watch of a site whose output lies beside it."""

    def __init__(self, site: Path, *options: str) -> None:
        self.site = site
        self.out = site.parent / "out"
        super().__init__("watch", site, "--out", self.out, *options)
        self.wait_for("ready")

    def built(self) -> list[str]:
        """Wait for a rebuild, and give what it said had changed."""
        return cast("list[str]", self.wait_for("built")["changed"])

    def follow(self, clean: dict[str, bytes] | None = None) -> None:
        """Wait until the output is that of a clean build."""
        wanted = clean or clean_build(self.site)
        wait_until(lambda: self._tree() == wanted)

    def _tree(self) -> dict[str, bytes] | None:
        try:
            return read_tree(self.out)
        except FileNotFoundError:  # it is being written
            return None


def clean_build(site: Path) -> dict[str, bytes]:
    """Give what a build makes from nothing."""
    shutil.rmtree(site.parent / "clean", ignore_errors=True)
    return build(site, site.parent / "clean").files


@pytest.fixture
def watch(site: Path) -> Iterator[Watch]:
    started = Watch(site)
    yield started
    started.close()


def test_a_save_in_an_editor_is_one_rebuild(watch: Watch) -> None:
    for count, (command, save, leave) in enumerate(EDITORS):
        need("tmux", command.split(maxsplit=1)[0])
        with Terminal(f"{command} {POST}", watch.site) as terminal:
            terminal.wait_for("hello there")
            terminal.press(save)
            assert watch.built() == [POST], command
            terminal.press(leave)
            terminal.wait_for_end()
        assert f"<p>{'N' * (count + 1)}hello there</p>" in (watch.out / PAGE).read_text(), command
        mark = f"posts/2024-02-02-mark-{count}.md"
        (watch.site / mark).write_text("words")
        assert watch.built() == [mark], command
    watch.follow()
    assert not [path for path in read_tree(watch.out) if "hello" in path and path != PAGE]


MOVES: Final = (
    "mv site/posts/2023 site/posts/2022",
    "mv site/posts/2022 away",
    "mv away site/posts/2023",
    "echo other > new; touch -d 2001-02-03 new; cp -p new site/posts/2023/2023-01-01-post.md",
    "mkdir -p pack/posts/2021/0{1..9}; for d in pack/posts/2021/*; do echo x > $d/2021-01-01-${d##*/}.md; done",
    "tar -C pack -cf - posts | tar -C site -xf -",
    "ln -s 2021 site/posts/linked",
    "rm site/posts/linked",
    "echo x > $'site/posts/2021/2021-01-01-\\xff.md'; echo x > site/posts/2021/2021-02-02-beside.md",
    "mv site gone; mv gone site; rm site/posts/2021/2021-02-02-beside.md",
    "mv site gone; sleep 0.5; echo x > gone/posts/2021-03-03-meanwhile.md; mv gone site",
    "cp -r site other; echo x > other/posts/2021-04-04-other.md; mv site gone; mv other site; rm -r gone",
    "echo x > site/posts/2021-04-05-after.md",
    "cp -r site fresh; rm -r fresh/.blogd fresh/posts/2023; rm -r site; mv fresh site",
    "echo x > site/posts/2021-04-06-after.md",
    "rm -r site/.blogd; echo x > site/posts/2021-04-07-after.md",
    "rm -r out/2021; mv site gone; sleep 0.5; mv gone site",
    "rm -r out",
    "mv site/posts away; ln -s $PWD/away site/posts",
    "rm site/posts; mv away site/posts",
)


def test_what_happens_to_folders_is_followed(watch: Watch, ground: Path) -> None:
    for command in MOVES:
        run(command, ground)
        watch.follow()
    (ground / "site/posts/2021-04-04-other.md").unlink()
    watch.follow()
    wait_until(lambda: read_ledger(str(watch.out)) == read_tree(watch.out).keys())


def test_polling_follows_as_well(site: Path) -> None:
    watch = Watch(site, "--poll")
    try:
        for command in (MOVES[0], f"sed -i s/hello/Hello/ site/{POST}", "rm site/posts/2022/2023-01-03-post.md"):
            run(command, site.parent)
            watch.follow()
    finally:
        watch.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the queue is Linux's")
def test_what_a_full_queue_has_lost_is_found(watch: Watch) -> None:
    one, other = (watch.site / f"posts/2023/2023-01-0{number}-post.md" for number in (1, 2))
    watch.process.send_signal(signal.SIGSTOP)
    until_s = time.monotonic() + STOPPED_S
    while time.monotonic() < until_s:  # in turn, since equal events are one
        os.utime(one)
        os.utime(other)
    (watch.site / POST).write_text("lost")
    watch.process.send_signal(signal.SIGCONT)
    watch.follow()
    assert "lost" in (watch.out / PAGE).read_text()


def test_what_git_does_is_followed(site: Path) -> None:
    need("git")
    commit = "git add . && git commit -qm x"
    change = "sed -i 1s/^/N/ posts/*/*.md && git rm -qr --force posts/2023/*5* && echo new > posts/2024-01-09-new.md"
    run(
        f"git init -qb main && {commit} && git checkout -qb other && {change} && {commit} && git checkout -q main", site
    )
    run(f"echo main > posts/2024-01-08-main.md && {commit}", site)
    watch = Watch(site)
    try:
        for command in (
            "git checkout -q other",
            "git rebase -q main",
            "git checkout -q main",
            "echo more >> posts/2023/2023-01-01-post.md; git stash -q",
            "git stash pop -q",
            "git checkout -q .",
            "git merge -q other",
        ):
            run(command, site)
            watch.follow()
    finally:
        watch.close()


def test_switching_between_large_branches_is_one_or_two_rebuilds(site: Path) -> None:
    need("git")
    make = f"for i in $(seq {BRANCH_POSTS}); do echo $1 $i > posts/2022-01-01-$i.md; done; git add .; git commit -qm x"
    run(f"make() {{ {make}; }}; git init -qb one; make one; git checkout -qb two; make two", site)
    trees = {"two": clean_build(site)}
    run("git checkout -q one", site)
    trees["one"] = clean_build(site)
    watch = Watch(site)
    try:
        for branch in ("two", "one") * (SWITCHES // 2):
            run(f"git checkout -q {branch}", site)
            watch.follow(trees[branch])
        (site / POST).write_text("the end")
        rebuilds = 0
        while POST not in watch.built():
            rebuilds += 1
    finally:
        watch.close()
    assert SWITCHES <= rebuilds <= 2 * SWITCHES
