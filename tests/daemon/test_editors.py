"""Real programs, each saving in its own way: one save is one batch, and then the file is whole.

Where a program is missing its tests are skipped; in CI, which installs them all, they fail.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from blogd.daemon.batch import Batch
from blogd.daemon.scan import FileStat, look
from blogd.daemon.watcher import Watcher
from tests.terminal import EDITORS, EMACS_LEAVE, VI_LEAVE, Terminal, need, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Hear = Callable[[Watcher], Batch]
HearUntil = Callable[[Watcher, Callable[[Batch], bool]], list[Batch]]

POST, MARK = "posts/2024/hello.md", "meta/mark.json"
TEXT = "hello there\n" + "one more line of text\n" * 10_000


@pytest.fixture
def site(ground: Path) -> Path:
    root = ground / "site"
    for path in (POST, "posts/2023/other.md", "meta/project.json"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(TEXT)
    (ground / "home").mkdir()
    return root


@pytest.fixture
def watcher(site: Path) -> Iterator[Watcher]:
    with Watcher(site) as watcher:
        yield watcher


def stat_of(path: Path) -> FileStat:
    details = path.stat()
    return FileStat(details.st_size, details.st_mtime_ns, details.st_ino)


def is_whole(site: Path, batch: Batch) -> bool:
    return look(site, batch.paths).files.get(POST) == stat_of(site / POST)


def told_until_mark(site: Path, watcher: Watcher, hear_until: HearUntil) -> list[Batch]:
    """Change something else, and return what is told of the post until that is."""
    (site / MARK).write_text(str(time.monotonic()))
    batches = hear_until(watcher, lambda batch: MARK in batch.paths)
    return [batch for batch in batches if POST in batch.paths or batch.rescan]


@pytest.mark.parametrize(("command", "save", "leave"), EDITORS)
def test_a_save_in_an_editor_is_one_batch(
    site: Path, watcher: Watcher, hear: Hear, hear_until: HearUntil, command: str, save: str, leave: str
) -> None:
    need("tmux", command.split(maxsplit=1)[0])
    with Terminal(f"{command} {POST}", site) as terminal:
        terminal.wait_for("hello there")
        for times in (1, 2):  # the first save of a session is often another
            terminal.press(save)
            batch = hear(watcher)
            assert batch.paths == {POST}
            assert is_whole(site, batch)
            assert (site / POST).read_text() == "N" * times + TEXT
        terminal.press(leave)
        terminal.wait_for_end()
    assert told_until_mark(site, watcher, hear_until) == []


def test_an_editor_that_only_looks_is_not_told(site: Path, watcher: Watcher, hear_until: HearUntil) -> None:
    need("tmux", "vim", "emacs", "micro")
    for command, leave in (("vim", VI_LEAVE), ("emacs -nw -q", EMACS_LEAVE), ("micro", "C-q")):
        with Terminal(f"{command} {POST}", site) as terminal:
            terminal.wait_for("hello there")
            terminal.press(leave)
            terminal.wait_for_end()
    assert told_until_mark(site, watcher, hear_until) == []


@pytest.mark.parametrize(
    ("programs", "command"),
    [
        (["ed"], "printf '1s/^/N/\\nw\\nq\\n' | ed -s $F"),
        (["sed"], "sed -i 1s/^/N/ $F"),
        (["perl"], "perl -i -pe '$_ = \"N$_\" if $. == 1' $F"),
        (
            ["python3"],
            "python3 -c 'from pathlib import Path; Path(\"'$F'\").write_text(Path(\"../new\").read_text())'",
        ),
        (["rsync"], "rsync ../new $F"),
        (["rsync"], "mkdir ../from && cp ../new ../from/hello.md && rsync -rt --delay-updates ../from/ posts/2024/"),
        (["rsync"], "rsync --inplace ../new $F"),
        (["gio"], "gio save $F < ../new"),
        (["cp"], "cp ../new $F"),
        (["cp"], "touch -d 2001-02-03 ../new && cp -p ../new $F"),
        (["cp"], "cp --remove-destination ../new $F"),
        (["mv"], "touch -d 2001-02-03 ../new && mv ../new $F"),
        (["install"], "install -m 644 ../new $F"),
        (
            ["tar"],
            "mkdir -p ../t/posts/2024 && cp ../new ../t/$F && tar -C ../t -cf - posts | tar -xf -",
        ),
    ],
)
def test_a_save_by_a_program_is_one_batch(
    site: Path, watcher: Watcher, hear: Hear, hear_until: HearUntil, programs: list[str], command: str
) -> None:
    need(*programs)
    (site.parent / "new").write_text("N" + TEXT)
    run(f"F={POST}; {command}", site)
    batch = hear(watcher)
    assert batch.paths == {POST}
    assert is_whole(site, batch)
    assert (site / POST).read_text() == "N" + TEXT
    assert told_until_mark(site, watcher, hear_until) == []


def test_an_edit_that_keeps_size_and_time_is_told(site: Path, watcher: Watcher, hear: Hear) -> None:
    before = (site / POST).stat()
    with (site / POST).open("r+") as file:
        file.write("j")
    os.utime(site / POST, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert hear(watcher).paths == {POST}


def test_a_touch_and_a_chmod_are_told(site: Path, watcher: Watcher, hear: Hear) -> None:
    for command in ("touch", "chmod 600", "touch", "chmod 644"):
        run(f"{command} {POST}", site)
        assert hear(watcher).paths == {POST}


def test_rapid_saves_end_with_the_last_one(site: Path, watcher: Watcher, hear_until: HearUntil) -> None:
    batches: list[Batch] = []
    last = f"{'x' * 200}\n"
    run(f"for i in $(seq 200); do echo ${{i//?/x}} > {POST}; sleep 0.005; done; printf %s '{last}' > {POST}", site)
    batches = hear_until(watcher, lambda batch: is_whole(site, batch))
    assert len(batches) == 1  # nobody listened in between
    assert (site / POST).read_text() == last


@pytest.mark.parametrize("command", ["checkout -q other", "reset -q --hard other", "merge -q other", "stash -q"])
def test_what_git_does_to_some_files_is_one_batch(site: Path, hear: Hear, hear_until: HearUntil, command: str) -> None:
    need("git")
    commit = "git add . && git commit -qm x"
    change = f"sed -i 1s/^/N/ {POST} && git rm -q posts/2023/other.md && echo new > posts/2024/new.md"
    run(
        f"git init -qb main && {commit} && git checkout -qb other && {change} && {commit} && git checkout -q main", site
    )
    if command.startswith("stash"):
        run(f"{change} && git add .", site)
    with Watcher(site) as watcher:
        run(f"git {command}", site)
        batch = hear(watcher)
        assert told_until_mark(site, watcher, hear_until) == []
    assert look(site, batch.paths).files.keys() >= {POST, "posts/2024/new.md", "posts/2023/other.md"}
    assert is_whole(site, batch)


def test_a_switch_between_large_branches_is_one_rescan(site: Path, hear_until: HearUntil) -> None:
    need("git")
    make = "for i in $(seq 1500); do echo $1 $i > posts/2024/$i.md; done; git add .; git commit -qm x"
    run(f"make() {{ {make}; }}; git init -qb main; make a; git checkout -qb other; make b", site)
    with Watcher(site) as watcher:
        for branch in ("main", "other"):
            run(f"git checkout -q {branch}", site)
            assert "changes at once" in hear_until(watcher, lambda batch: batch.rescan)[-1].reason


def test_folders_that_move_are_told_and_their_files_found(site: Path, watcher: Watcher, hear_until: HearUntil) -> None:
    def move(source: str, target: str, looked_for: str) -> None:
        run(f"mv {source} {target}", site)
        hear_until(watcher, lambda batch: look(site, batch.paths).files.get(looked_for) is not None)

    move("posts/2024", "posts/2025", "posts/2025/hello.md")
    run("mv posts/2025 ../away", site)
    hear_until(watcher, lambda batch: "posts/2025" in batch.paths)
    move("../away", "posts/2024", POST)
    move("posts/2023", "posts/2024/sub", "posts/2024/sub/other.md")


def test_an_archive_that_is_unpacked_is_found(site: Path, watcher: Watcher, hear_until: HearUntil) -> None:
    need("tar")
    folders = "t/posts/{2018..2022}/{01..12}"
    run(f"cd .. && mkdir -p {folders} && for d in {folders}; do echo x | tee $d/{{a,b,c}}.md > $d/d.md; done", site)
    months = [f"{year}/{month:02}" for year in range(2018, 2023) for month in range(1, 13)]
    wanted = {f"posts/{month}/{name}.md" for month in months for name in "abcd"}
    found: set[str] = set()

    def is_all(batch: Batch) -> bool:
        found.update(path for path, known in look(site, batch.paths).files.items() if known is not None)
        return wanted <= found or batch.rescan

    run("tar -C ../t -cf - posts | tar -xf -", site)
    hear_until(watcher, is_all)
