"""Verifying: an output that is right is said to be; one that isn't, file by file, with what should have told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from blogd.daemon.comparison import Comparison
from blogd.daemon.events import Difference, Verified
from blogd.daemon.exits import ExitCode, RefusalError
from blogd.daemon.last_run import place_of
from blogd.daemon.lock import held
from blogd.daemon.options import Options
from blogd.daemon.verify import run_verify
from blogd.render.drops import MASKS
from blogd.render.site import Site
from tests.support import Ground, Silence, build, post, read_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from blogd.daemon.events import Event

PROJECT: Final = b'{"name": "Test", "publicUrl": "https://t.example", "timezone": "UTC", "maxPostsPerPage": 2}'
OLD, NEW = "2024/01/01/old/index.html", "2024/01/02/new/index.html"


class Ear(Silence):
    """Keeps what a verification says."""

    def __init__(self) -> None:
        super().__init__()
        self.differences: list[Difference] = []
        self.result: Verified | None = None

    def emit(self, event: Event, /) -> None:
        match event:
            case Difference():
                self.differences.append(event)
            case Verified():
                self.result = event
            case _:
                super().emit(event)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fix the time; render in this process."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setattr("blogd.daemon.verify.usable_cpus", lambda: 0)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """A site whose two posts are neighbours; it has been built."""
    ground = Ground(tmp_path / "site")
    ground.write("meta/project.json", PROJECT)
    ground.write("posts/old.md", post("Old", 1))
    ground.write("posts/new.md", post("New", 2))
    ground.write("assets/logo.svg", b"<svg/>")
    ground.write("templates/partials/footer.liquid", b"<footer>{{ 'now' | date: '%H:%M' }}</footer>")
    rebuild(ground)
    return ground


def options(ground: Ground) -> Options:
    return Options(mode="verify", site=ground.root)


def rebuild(ground: Ground, *, drafts: bool = False) -> None:
    build(ground.root, ground.root / "html", drafts=drafts)


def verify(ground: Ground) -> tuple[ExitCode, dict[str, Difference], Verified]:
    ear = Ear()
    code = run_verify(options(ground), ear)
    assert ear.result is not None
    assert ear.result.differences == len(ear.differences)
    return code, {found.path: found for found in ear.differences}, ear.result


def test_an_output_that_is_right_is_told_so_and_left_alone(ground: Ground) -> None:
    tree, folders = read_tree(ground.root / "html"), os.listdir(ground.root / ".blogd")
    code, differences, result = verify(ground)

    assert (code, differences, result.failed) == (ExitCode.DONE, {}, 0)
    assert result.files == len(tree)
    assert read_tree(ground.root / "html") == tree
    assert os.listdir(ground.root / ".blogd") == folders


def test_a_file_that_was_altered_is_named_with_its_line(ground: Ground) -> None:
    data = ground.read(f"html/{OLD}")
    ground.write(f"html/{OLD}", data.replace(b"Words.", b"Swords."))
    code, differences, _ = verify(ground)

    (found,) = differences.values()
    assert code == ExitCode.FAILED
    assert (found.path, found.kind, found.because) == (OLD, "differs", ("was altered after blogd wrote it",))
    assert b"Words." in data.split(b"\n")[found.line - 1]


def test_a_file_that_was_removed_is_missing(ground: Ground) -> None:
    ground.delete(f"html/{OLD}")
    code, differences, _ = verify(ground)
    assert code == ExitCode.FAILED
    assert differences == {
        OLD: Difference(path=OLD, kind="missing", line=0, because=("was removed after blogd wrote it",))
    }


def test_a_file_that_could_not_be_made_was_not_removed(ground: Ground) -> None:
    ground.write("templates/not-found.liquid", b"{% render 'none' %}")
    ground.delete("html/404.html")
    rebuild(ground)
    ground.delete("templates/not-found.liquid")
    differences = verify(ground)[1]
    assert (differences["404.html"].kind, differences["404.html"].because) == (
        "missing",
        ("could not be rendered when that was last tried",),
    )


def test_files_of_others_are_none_of_its_business(ground: Ground) -> None:
    ground.write("html/notes.txt", b"mine")
    assert verify(ground)[0] == ExitCode.DONE


def test_an_edit_that_was_not_built_is_named_with_what_it_changed(ground: Ground) -> None:
    ground.write("posts/new.md", post("Newer", 2))
    differences = verify(ground)[1]
    assert differences[OLD].because == ("title of posts/new.md (en) changed",)
    assert differences["index.html"].because == ("title of posts/new.md (en) changed",)


def test_posts_that_came_and_went_without_a_build_are_missing_and_too_much(ground: Ground) -> None:
    ground.delete("posts/new.md")
    ground.write("posts/x.md", post("X", 3))
    differences = verify(ground)[1]
    assert differences[NEW] == Difference(path=NEW, kind="extra", line=0, because=("posts/new.md has it no more",))
    made = differences["2024/01/03/x/index.html"]
    assert (made.kind, made.because) == ("missing", ("was never made for posts/x.md",))
    assert "posts/new.md (en) came or went" in differences[OLD].because


def test_a_copy_is_compared_too(ground: Ground) -> None:
    ground.write("assets/logo.svg", b"<svg></svg>")
    (found,) = verify(ground)[1].values()
    assert (found.path, found.line, found.because) == ("assets/logo.svg", 0, ("assets/logo.svg changed",))


EDITS: Final[dict[str, tuple[str, str, Callable[[Ground], object]]]] = {
    "setting": (OLD, "setting name changed", lambda g: g.write("meta/project.json", PROJECT.replace(b"Test", b"T"))),
    "template": (OLD, "template partials/footer changed", lambda g: g.write("templates/partials/footer.liquid", b"")),
    "list": ("rss.xml", "posts 1-2 of the blog changed", lambda g: g.write("posts/x.md", post("X", 3))),
    "frame": (
        OLD,
        "the site's languages or time zone changed",
        lambda g: g.write("meta/project.json", PROJECT.replace(b"UTC", b"Asia/Tokyo")),
    ),
}


@pytest.mark.parametrize(("path", "reason", "edit"), EDITS.values(), ids=EDITS)
def test_every_kind_of_answer_is_compared(
    path: str, reason: str, edit: Callable[[Ground], object], ground: Ground
) -> None:
    edit(ground)
    assert reason in verify(ground)[1][path].because


_facts = Site.facts


def _facts_without_titles(site: Site, path: str, tree: str) -> tuple[object, ...]:
    post_id, _, *others = _facts(site, path, tree)
    return post_id, "", *others


def test_a_read_that_went_unnoticed_is_named(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setitem(MASKS, "title", 0)
        ground.write("templates/partials/footer.liquid", b"")  # has all pages made anew
        rebuild(ground)
        ground.write("posts/new.md", post("Newer", 2))
        rebuild(ground)
    assert "not on record as read: title of posts/new.md (en)" in verify(ground)[1][OLD].because


def test_a_change_that_was_not_told_is_suspected(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Site, "facts", _facts_without_titles)
        ground.write("posts/new.md", post("Newer", 2))
        rebuild(ground)
    because = verify(ground)[1][OLD].because
    assert because == ("no answer on record differs: a change was not told, or the page varies by itself",)


def test_a_page_that_waits_says_for_what(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ground.write("posts/new.md", post("Newer", 2))
    with monkeypatch.context() as killed:
        killed.setattr("blogd.daemon.making.Making.next_task", _die)
        with pytest.raises(KeyboardInterrupt):
            rebuild(ground)
    assert verify(ground)[1][OLD].because == ("waits to be rendered: title of posts/new.md (en) changed",)


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_another_version_is_a_reason(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blogd.daemon.verify.versions", lambda: "blogd 99")
    assert verify(ground)[0] == ExitCode.DONE, "as long as all files are the same"
    ground.write("posts/new.md", post("Newer", 2))
    assert verify(ground)[1][OLD].because[0] == "another version of blogd or of a library made it"


def test_the_time_that_pages_show_is_no_difference(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000123")
    assert verify(ground)[0] == ExitCode.DONE


def test_drafts_that_were_built_are_expected(ground: Ground) -> None:
    ground.write("posts/draft.md", post("Draft", 5, status="draft"))
    rebuild(ground, drafts=True)
    assert "2024/01/05/draft/index.html" in read_tree(ground.root / "html")
    assert verify(ground)[0] == ExitCode.DONE


def test_what_cannot_be_rendered_keeps_its_last_good_version_and_is_left_out(ground: Ground) -> None:
    ground.write("posts/old.md", post("Old", 1, templateSlug="nowhere"))
    rebuild(ground)
    code, differences, result = verify(ground)
    assert OLD in read_tree(ground.root / "html")
    assert (code, differences, result.failed) == (ExitCode.DONE, {}, 1)


def test_a_stranger_in_the_place_of_a_page_is_a_difference(ground: Ground) -> None:
    ground.write("html/2024/01/03/x/index.html", b"mine")
    ground.write("posts/x.md", post("X", 3))
    assert verify(ground)[1]["2024/01/03/x/index.html"].because == ("blogd did not write it",)


def test_an_output_that_is_being_written_is_refused(ground: Ground) -> None:
    with (
        held(place_of(options(ground)).cache / "lock", ground.root / "html"),
        pytest.raises(RefusalError, match=f"by another blogd \\(process {os.getpid()}\\)"),
    ):
        run_verify(options(ground), Ear())


def test_an_output_that_was_not_built_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="not built yet"):
        run_verify(options(Ground(tmp_path / "site")), Ear())


def test_nothing_is_left_behind_when_it_is_stopped(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = os.listdir(ground.root / ".blogd")
    monkeypatch.setattr(Comparison, "differences", _die)
    with pytest.raises(KeyboardInterrupt):
        run_verify(options(ground), Ear())
    assert os.listdir(ground.root / ".blogd") == folders


def test_what_a_killed_verification_left_is_no_obstacle(ground: Ground) -> None:
    leftover = place_of(options(ground)).cache.name + ".verify"
    ground.write(f".blogd/{leftover}/html/{OLD}", b"old")
    ground.write(f".blogd/{leftover}/cache.db", b"old")
    assert verify(ground)[0] == ExitCode.DONE
    assert leftover not in os.listdir(ground.root / ".blogd")


def program(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "blogd.daemon", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_program_says_it_in_lines_and_exits_with_1(ground: Ground) -> None:
    right = program("verify", ground.root, "--workers", 2)
    ground.write("posts/new.md", post("Newer", 2))
    wrong = program("verify", ground.root)
    quiet = program("verify", ground.root, "--quiet")

    assert (right.returncode, wrong.returncode, quiet.returncode) == (0, 1, 1)
    assert right.stdout.splitlines()[-1].startswith("the output is that of a clean build: ")
    lines = wrong.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(f"{OLD}:"))
    assert lines[at].endswith(": differs")
    assert lines[at + 1] == "    title of posts/new.md (en) changed"
    assert " differences from a clean build of " in lines[-1]
    assert quiet.stdout == ""
    assert quiet.stderr.splitlines() == lines[1:-1]


def test_the_program_says_it_in_json(ground: Ground) -> None:
    ground.write(f"html/{OLD}", b"altered")
    done = program("verify", "--json", ground.root)
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    assert lines[0]["event"] == "started"
    because = ["was altered after blogd wrote it"]
    assert lines[-2] == {"event": "difference", "path": OLD, "kind": "differs", "line": 1, "because": because}
    assert (lines[-1]["event"], lines[-1]["differences"]) == ("verified", 1)
