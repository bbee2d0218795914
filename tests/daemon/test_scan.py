from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from blogd.daemon import scan as scan_module
from blogd.daemon.scan import FOLDERS, FileStat, is_hidden, is_input, look, scan, scan_folders


def write(root: Path, *paths: str) -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)


def link(root: Path, path: str, target: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).symlink_to(target)


def stat_of(path: Path) -> FileStat:
    details = path.stat()
    return FileStat(details.st_size, details.st_mtime_ns, details.st_ino)


def messages(root: Path, output: Path | None = None) -> list[tuple[str, str, str]]:
    return [(each.severity, each.path, each.message) for each in scan(root, output=output).diagnostics]


@pytest.mark.parametrize(
    "path",
    [
        "posts/2024/03/hello.md",
        "posts/hello.md",
        "posts/a/b/c/ü x.de.md",
        "posts/#1.md",
        "posts/4913.md",
        "meta/project.json",
        "meta/menu.opml",
        "templates/partials/menu.liquid",
        "scripts/macro.py",
        "media/2024/03/photo.jpg",
        "media/2024/03/photo.jpg.meta",
        "media/notes.md",
        "media/LICENSE",
        "assets/style.css.bak",
        "assets/sediments",
        "assets/4913",
        "images/tmp/a.tmp",
    ],
)
def test_what_a_user_could_mean_is_an_input(path: str) -> None:
    assert is_input(path)


@pytest.mark.parametrize(
    "path",
    [
        "posts/2024/03/.hello.md.swp",
        "posts/.#hello.md",
        "posts/#hello.md#",
        "posts/hello.md~",
        "posts/4913",
        "posts/sedAbCdEf",
        "posts/tmpA1b2",
        "posts/hello.md.AbCd123456",
        "posts/.~tmp~/hello.md",
        "posts/.hello.md.Xy12Zz",
        "posts/.hidden/hello.md",
        "posts/old~/hello.md",
        "posts/photo.jpg",
        "posts",
        "html/index.html",
        ".blogd/cache.md",
        "media/.DS_Store",
        "media/photo.jpg~",
        "assets/#style.css#",
        "templates/post.html",
        "scripts/readme.txt",
        "meta/notes.txt",
        "",
    ],
)
def test_what_editors_and_tools_leave_is_none(path: str) -> None:
    assert not is_input(path)


@pytest.mark.parametrize(("name", "hidden"), [("#1", False), ("#", True), ("a~b", False), ("..", True), ("a#", False)])
def test_a_name_is_hidden_by_its_ends(name: str, hidden: bool) -> None:  # noqa: FBT001
    assert is_hidden(name) == hidden


def test_a_scan_lists_inputs_with_their_stats(tmp_path: Path) -> None:
    wanted = ["meta/project.json", "posts/2024/a.md", "media/b.jpg", "assets/c/d/e.css"]
    write(tmp_path, *wanted, "posts/2024/a.md~", "posts/a.txt", "html/index.html", ".git/posts/x.md", "README.md")
    result = scan(tmp_path, FOLDERS)
    assert result.files == {path: stat_of(tmp_path / path) for path in wanted}
    assert set(result.folders) == {"meta", "posts", "posts/2024", "media", "assets", "assets/c", "assets/c/d"}
    assert result.diagnostics == ()


def test_only_the_named_folders_are_scanned(tmp_path: Path) -> None:
    write(tmp_path, "posts/a.md", "media/b.jpg")
    assert set(scan(tmp_path, ["media"]).files) == {"media/b.jpg"}


def test_a_scan_of_folders_lists_no_file(tmp_path: Path) -> None:
    write(tmp_path, "posts/2024/a.md", "media/b.jpg")
    result = scan_folders(tmp_path)
    assert (result.files, set(result.folders)) == ({}, {"posts", "posts/2024", "media"})


def test_hidden_ancestors_of_the_project_hide_nothing(tmp_path: Path) -> None:
    root = tmp_path / ".venv" / "node_modules~"
    write(root, "posts/a.md")
    assert set(scan(root).files) == {"posts/a.md"}


def test_the_project_may_be_a_link(tmp_path: Path) -> None:
    write(tmp_path, "site/posts/a.md")
    link(tmp_path, "current", "site")
    assert set(scan(tmp_path / "current").files) == {"posts/a.md"}


def test_a_project_that_is_not_there_is_empty(tmp_path: Path) -> None:
    result = scan(tmp_path / "nowhere")
    assert (result.files, result.folders, result.diagnostics) == ({}, {}, ())


def test_links_inside_the_project_are_followed(tmp_path: Path) -> None:
    write(tmp_path, "shared/a.md", "shared/deep/b.md")
    link(tmp_path, "posts/linked.md", "../shared/a.md")
    link(tmp_path, "posts/folder", "../shared")
    result = scan(tmp_path)
    assert set(result.files) == {"posts/linked.md", "posts/folder/a.md", "posts/folder/deep/b.md"}
    assert result.files["posts/linked.md"] == stat_of(tmp_path / "shared/a.md")
    assert result.links == {"posts/linked.md": "shared/a.md"}
    assert result.diagnostics == ()


@pytest.mark.parametrize("target", ["../../outside", "../../outside/a.md", "/etc/passwd"])
def test_a_link_out_of_the_project_is_left_out_and_told(tmp_path: Path, target: str) -> None:
    root = tmp_path / "site"
    write(tmp_path, "outside/a.md")
    link(root, "posts/x.md", target)
    assert scan(root).files == {}
    assert messages(root) == [("warning", "posts/x.md", "is a link that leads out of the site; it is left out")]


def test_a_link_that_is_no_input_is_nobodys_business(tmp_path: Path) -> None:
    write(tmp_path, "posts/a.md")
    link(tmp_path, "posts/users.txt", "/etc/passwd")
    link(tmp_path, "posts/notes.txt", "a.md")
    assert set(scan(tmp_path).files) == {"posts/a.md"}
    assert messages(tmp_path) == []


def test_an_input_folder_that_leads_out_of_the_project_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "outside/a.md")
    link(tmp_path / "site", "posts", str(tmp_path / "outside"))
    assert scan(tmp_path / "site").files == {}
    assert [path for _, path, _ in messages(tmp_path / "site")] == ["posts"]


def test_a_neighbour_whose_name_begins_like_the_project_is_outside(tmp_path: Path) -> None:
    write(tmp_path, "site-secret/a.md", "site/posts/b.md")
    link(tmp_path / "site", "posts/x", "../../site-secret")
    assert set(scan(tmp_path / "site").files) == {"posts/b.md"}


def test_a_link_into_a_hidden_folder_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, ".git/config", "assets/a.css")
    link(tmp_path, "assets/git", "../.git")
    assert set(scan(tmp_path).files) == {"assets/a.css"}
    assert len(messages(tmp_path)) == 1


def test_the_output_is_no_input_wherever_it_lies(tmp_path: Path) -> None:
    write(tmp_path, "html/index.html", "assets/a.css", "media/out/b.jpg")
    link(tmp_path, "assets/html", "../html")
    assert set(scan(tmp_path, output=tmp_path / "html").files) == {"assets/a.css", "media/out/b.jpg"}
    assert len(messages(tmp_path, tmp_path / "html")) == 1
    assert "media/out/b.jpg" not in scan(tmp_path, output=tmp_path / "media/out").files


def test_a_neighbour_whose_name_begins_like_the_output_is_an_input(tmp_path: Path) -> None:
    write(tmp_path, "media/out/a.jpg", "media/outer/b.jpg")
    assert set(scan(tmp_path, output=tmp_path / "media/out").files) == {"media/outer/b.jpg"}


def test_a_link_to_a_folder_whose_name_begins_like_its_own_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "posts/a/x.md")
    link(tmp_path, "posts/ab/a", "../a")
    assert set(scan(tmp_path).files) == {"posts/a/x.md", "posts/ab/a/x.md"}


def test_a_link_above_the_output_does_not_lead_into_it(tmp_path: Path) -> None:
    write(tmp_path, "build/html/index.html", "build/a.css")
    link(tmp_path, "assets/build", "../build")
    assert set(scan(tmp_path, output=tmp_path / "build/html").files) == {"assets/build/a.css"}


@pytest.mark.parametrize(("path", "target"), [("posts/a/up", ".."), ("posts/a/self", "."), ("posts/a/all", "../..")])
def test_a_link_to_a_folder_that_it_lies_in_ends_there(tmp_path: Path, path: str, target: str) -> None:
    write(tmp_path, "posts/a/x.md")
    link(tmp_path, path, target)
    assert set(scan(tmp_path).files) == {"posts/a/x.md"}
    assert [(each.path, each.severity) for each in scan(tmp_path).diagnostics] == [(path, "warning")]


def test_links_that_lead_to_each_other_end(tmp_path: Path) -> None:
    write(tmp_path, "posts/a/x.md", "posts/b/y.md")
    link(tmp_path, "posts/a/b", "../b")
    link(tmp_path, "posts/b/a", "../a")
    assert set(scan(tmp_path).files) == {"posts/a/x.md", "posts/a/b/y.md", "posts/b/y.md", "posts/b/a/x.md"}


def test_links_to_folders_of_links_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for level in range(8):
        write(tmp_path, f"posts/{level}/x.md")
        for name in "ab":
            link(tmp_path, f"posts/{level}/{name}", f"../{level + 1}")
    write(tmp_path, "posts/8/x.md")
    monkeypatch.setattr(scan_module, "_LINKED_FOLDERS_MOST", 20)
    result = scan(tmp_path)
    assert len(result.files) <= 9 + 20
    assert any("more than 20 folders" in each.message for each in result.diagnostics)


@pytest.mark.parametrize("target", ["nowhere", "x.md"])
def test_a_link_that_leads_nowhere_is_told(tmp_path: Path, target: str) -> None:
    link(tmp_path, "posts/x.md", target)
    assert messages(tmp_path) == [("warning", "posts/x.md", "is a link that leads nowhere")]


def test_the_lock_that_emacs_makes_is_not_told(tmp_path: Path) -> None:
    link(tmp_path, "posts/.#hello.md", "user@host.1234:5678")
    assert (scan(tmp_path).files, messages(tmp_path)) == ({}, [])


def test_names_that_are_not_utf8_are_told_and_left_out(tmp_path: Path) -> None:
    write(tmp_path, "posts/ok.md")
    folder = os.fsencode(tmp_path / "posts")
    Path(os.fsdecode(folder + b"/caf\xe9.md")).write_text("x")
    Path(os.fsdecode(folder + b"/caf\xe9.txt")).write_text("x")
    Path(os.fsdecode(folder + b"/d\xe9j\xe0")).mkdir()
    assert set(scan(tmp_path).files) == {"posts/ok.md"}
    told = "has a name that is not UTF-8; it is left out"
    assert messages(tmp_path) == [("warning", r"posts/caf\xe9.md", told), ("warning", r"posts/d\xe9j\xe0", told)]


def test_what_would_block_a_reader_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "media/a.jpg")
    os.mkfifo(tmp_path / "media/pipe")
    assert set(scan(tmp_path).files) == {"media/a.jpg"}
    assert messages(tmp_path) == [("warning", "media/pipe", "is neither a file nor a folder; it is left out")]


def test_a_file_in_a_folders_place_is_told(tmp_path: Path) -> None:
    write(tmp_path, "posts")
    assert messages(tmp_path) == [("error", "posts", "is not a folder")]


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "posts/a.md", "posts/2024/b.md")
    really = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("2024"):
            raise PermissionError(13, "Permission denied", path)
        return really(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert set(scan(tmp_path).files) == {"posts/a.md"}
    assert messages(tmp_path) == [("error", "posts/2024", "can't be read: permission denied")]


def test_any_depth_is_walked(ground: Path) -> None:
    deep = "/".join(["posts", *["d"] * 1500])
    subprocess.run(["mkdir", "-p", deep], cwd=ground, check=True)
    (ground / deep / "x.md").write_text("x")
    assert set(scan(ground).files) == {f"{deep}/x.md"}


def test_a_look_tells_what_a_path_is_now(tmp_path: Path) -> None:
    write(tmp_path, "posts/a.md", "posts/2024/b.md", "posts/2024/03/c.md", "posts/2023/d.md")
    result = look(tmp_path, ["posts/a.md", "posts/gone.md", "posts/2024", "posts/2022"])
    assert result.files == {
        "posts/a.md": stat_of(tmp_path / "posts/a.md"),
        "posts/gone.md": None,
        "posts/2022": None,
        "posts/2024": None,
        "posts/2024/b.md": stat_of(tmp_path / "posts/2024/b.md"),
        "posts/2024/03/c.md": stat_of(tmp_path / "posts/2024/03/c.md"),
    }


def test_a_file_below_a_looked_at_folder_is_never_none(tmp_path: Path) -> None:
    write(tmp_path, "posts/2024/b.md")
    files = look(tmp_path, ["posts/2024/b.md", "posts/2024"]).files
    assert files == {"posts/2024": None, "posts/2024/b.md": stat_of(tmp_path / "posts/2024/b.md")}


def test_looking_at_the_top_folders_is_a_scan(tmp_path: Path) -> None:
    write(tmp_path, "shared/s.md", "posts/2024/b.md", "meta/project.json", "media/x.jpg", "posts/a.md")
    link(tmp_path, "posts/s", "../shared")
    link(tmp_path, "posts/x", "/etc")
    looked = look(tmp_path, FOLDERS)
    scanned = scan(tmp_path)
    assert {path: known for path, known in looked.files.items() if known is not None} == scanned.files
    assert looked.diagnostics == scanned.diagnostics


@pytest.mark.parametrize(
    "path",
    [
        "posts/a.md~",
        "posts/.git/x.md",
        "posts/.git",
        "posts/.git/deep",
        "posts/a.md/b.md",
        "posts/../secret.md",
        "posts/..",
        "posts/",
        "html/x.md",
        "html",
        "README.md",
        "/etc",
        "",
    ],
)
def test_a_look_sees_nothing_that_a_scan_would_not(tmp_path: Path, path: str) -> None:
    write(tmp_path, "posts/a.md", "posts/a.md~", "posts/.git/deep/x.md", "html/x.md", "README.md", "secret.md")
    assert look(tmp_path, [path]).files == {path: None}


def test_a_look_does_not_go_through_a_link_that_leads_out(tmp_path: Path) -> None:
    write(tmp_path, "outside/a.md")
    link(tmp_path / "site", "posts/x", "../../outside")
    assert look(tmp_path / "site", ["posts/x/a.md", "posts/x"]).files == {"posts/x/a.md": None, "posts/x": None}


def test_a_look_through_a_link_knows_where_it_came_from(tmp_path: Path) -> None:
    write(tmp_path, "posts/a/x.md", "posts/b/sub/y.md")
    link(tmp_path, "posts/a/b", "../b")
    link(tmp_path, "posts/b/sub/a", "../../a")
    below = "posts/a/b/sub/"
    wanted = {path for path in scan(tmp_path).files if path.startswith(below)}
    assert look(tmp_path, ["posts/a/b/sub"]).files.keys() - {"posts/a/b/sub"} == wanted == {f"{below}y.md"}


def test_a_look_tells_about_the_paths_it_was_given(tmp_path: Path) -> None:
    link(tmp_path, "posts/bad.md", "nowhere")
    link(tmp_path, "posts/other.md", "nowhere")
    assert [each.path for each in look(tmp_path, ["posts/bad.md"]).diagnostics] == ["posts/bad.md"]
