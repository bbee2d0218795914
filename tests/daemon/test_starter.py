from __future__ import annotations

import json
import re
import struct
from collections import Counter
from typing import TYPE_CHECKING, cast
from xml.etree import ElementTree as ET

import msgspec.yaml
import pytest

from blogd.daemon.exits import RefusalError
from blogd.daemon.starter_blog import SOURCE, starter_files, write_starter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)")


class Matter(msgspec.Struct, rename="camel"):
    title: str = ""
    id: str = ""
    language: str = ""
    status: str = "published"
    translation_for: str = ""
    template_slug: str = ""
    categories: list[str] = []
    category: str = ""
    tags: list[str] | str = []


class Sidecar(msgspec.Struct, rename="camel"):
    alt: str
    size: int
    width: int
    height: int
    linked_post_ids: list[str]


def front_matter(path: Path) -> Matter:
    _, block, _ = path.read_text(encoding="utf-8").split("---\n", 2)
    return msgspec.yaml.decode(block, type=Matter)


def posts() -> Iterator[tuple[Path, Matter]]:
    for path in sorted((SOURCE / "posts").rglob("*.md")):
        yield path, front_matter(path)


def originals() -> dict[str, Matter]:
    pairs = ((path, matter) for path, matter in posts() if not matter.translation_for)
    return {re.sub(r"^\d{4}-\d\d-\d\d-", "", path.stem): matter for path, matter in pairs}


def sidecars() -> Iterator[tuple[Path, Sidecar]]:
    for path in sorted((SOURCE / "media").rglob("*.meta")):
        block = path.read_text(encoding="utf-8").split("---\n")[1]
        yield path.with_suffix(""), msgspec.yaml.decode(block, type=Sidecar)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_writes_a_project_into_a_new_folder(tmp_path: Path) -> None:
    written = write_starter(tmp_path / "deep" / "blog")
    assert written == sorted(tree(tmp_path / "deep" / "blog"))
    assert {"meta/project.json", "meta/menu.opml", "posts/2022/03/hello.md", "scripts/tide.py", ".gitignore"} <= {
        *written
    }


def test_writes_the_same_twice(tmp_path: Path) -> None:
    assert write_starter(tmp_path / "a") == write_starter(tmp_path / "b") == starter_files()
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_leaves_out_the_byte_code_that_installers_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    (source / "scripts" / "__pycache__").mkdir(parents=True)
    (source / "scripts" / "tide.py").touch()
    (source / "scripts" / "__pycache__" / "tide.cpython-311.pyc").touch()
    monkeypatch.setattr("blogd.daemon.starter_blog.SOURCE", source)
    assert write_starter(tmp_path / "blog") == ["scripts/tide.py"]


@pytest.mark.parametrize("name", ["", "folder/.git"])
def test_takes_an_empty_folder_and_a_fresh_repository(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    (tmp_path / (name or "folder")).mkdir(parents=True)
    assert write_starter(folder) == starter_files()


def test_refuses_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(RefusalError, match="not an empty folder") as refusal:
        write_starter(tmp_path)
    assert str(tmp_path) in refusal.value.message
    assert refusal.value.hint
    assert tree(tmp_path) == {"diary.txt": b"mine"}


def test_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "blog").write_text("a file")
    with pytest.raises(RefusalError, match="not a directory"):
        write_starter(tmp_path / "blog")


def test_has_the_promised_variety() -> None:
    listed = [matter for matter in originals().values() if "page" not in matter.categories]
    assert len(listed) >= 30
    assert {matter.status for matter in listed} == {"published", "draft"}
    assert Counter(matter.language for _, matter in posts() if matter.translation_for)["de"] >= 10
    assert {"article", "aside", "picture", "recipe"} <= {name for matter in listed for name in matter.categories}


def test_every_translation_has_an_original() -> None:
    ids = {matter.id for _, matter in posts()}
    for path, matter in posts():
        if matter.translation_for:
            assert matter.translation_for in ids
            assert matter.language
            assert path.stem.endswith(f".{matter.language}")
            assert path.with_name(f"{path.stem.rpartition('.')[0]}.md").exists()


def test_every_link_between_posts_has_a_target() -> None:
    slugs = {slug for slug, matter in originals().items() if matter.status == "published"}
    pages = {slug for slug in slugs if originals()[slug].categories == ["page"]}
    found = Counter[str]()
    for path, _ in posts():
        for url in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
            target = url.partition("#")[0]
            if target.endswith(".md"):
                found["file"] += 1
                assert (path.parent / target).resolve().is_file(), f"{path.name}: {url}"
            elif post := re.fullmatch(r"/posts/(?:\d+/\d+/)?([^/]+)", target):
                found["post"] += 1
                assert post[1] in slugs, f"{path.name}: {url}"
            elif target.startswith("/media/"):
                found["media"] += 1
                assert (SOURCE / target[1:]).is_file(), f"{path.name}: {url}"
            elif re.fullmatch(r"/[a-z]+/", target):
                found["page"] += 1
                assert target.strip("/") in {*pages, "category"}, f"{path.name}: {url}"
    assert min(found[kind] for kind in ("file", "post", "media", "page")) > 0


def test_no_link_leads_to_a_post_that_other_languages_lack() -> None:
    texts = [(path, path.read_text(encoding="utf-8")) for path, _ in posts()]
    alone = [path.stem for path, text in texts if "\ndoNotTranslate: true\n" in text.split("---\n")[1]]
    assert alone
    assert not [path for path, text in texts for slug in alone if f"{slug})" in text]


def test_tags_and_categories_are_described() -> None:
    tags = {tag["name"] for tag in json.loads((SOURCE / "meta/tags.json").read_text(encoding="utf-8"))}
    categories = json.loads((SOURCE / "meta/category-meta.json").read_text(encoding="utf-8"))
    for _, matter in posts():
        assert {*([matter.tags] if isinstance(matter.tags, str) else matter.tags)} <= tags
        assert {*matter.categories, matter.category} - {""} <= categories.keys()


def test_the_menu_is_nested_and_leads_somewhere() -> None:
    menu = ET.parse(SOURCE / "meta/menu.opml")
    assert menu.findall("./body/outline/outline/outline")
    found = originals()
    categories = {name for matter in found.values() for name in matter.categories}
    for outline in menu.iter("outline"):
        assert outline.get("pageSlug", "about") in found
        assert outline.get("categoryName", "article") in categories


def test_templates_that_posts_ask_for_are_there() -> None:
    wanted = {matter.template_slug for _, matter in posts()} - {""}
    wanted |= {"recipe"}
    assert all((SOURCE / "templates" / f"{name}.liquid").is_file() for name in wanted)


def test_sidecars_say_what_is_true() -> None:
    ids = {matter.id for _, matter in posts()}
    found = list(sidecars())
    assert {path.suffix for path, _ in found} == {".svg", ".jpg", ".png"}
    for path, sidecar in found:
        assert sidecar.alt
        assert sidecar.size == path.stat().st_size
        assert (sidecar.width, sidecar.height) == picture_size(path)
        assert {*sidecar.linked_post_ids} <= ids


def picture_size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    if path.suffix == ".svg":
        root = ET.fromstring(data)
        return int(root.attrib["width"]), int(root.attrib["height"])
    if path.suffix == ".png":
        width, height = struct.unpack_from(">II", data, 16)
        return width, height
    frame = re.search(rb"\xff[\xc0\xc2]..\x08(....)", data, re.DOTALL)
    assert frame is not None
    height, width = struct.unpack(">HH", frame[1])
    return width, height


@pytest.mark.parametrize(("prefix", "word"), [("", "high water 06:12, high water 18:37"), ("/de", "Hochwasser 06:12")])
def test_the_tide_macro_draws_a_curve(prefix: str, word: str) -> None:
    path = SOURCE / "scripts/tide.py"
    script: dict[str, object] = {}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), script)
    render = cast("Callable[[object, None], Mapping[str, str]]", script["render"])
    context = {"env": {"languagePrefix": prefix}, "params": {"high": "06:12", "top": "4.1", "bottom": "0.6"}}
    html = render(context, None)["html"]
    assert word in html
    svg = ET.fromstring(html).find("svg")
    assert svg is not None
    assert svg.get("role") == "img"
