"""Sites that mean harm: nothing outside the site, the output and the cache is read or changed, and every run ends.

An audit hook hears all that Python is asked to do with files; see `guard`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blogd.daemon.exits import RefusalError
from tests.faults.guard import guarded
from tests.support import Ground, build

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.support import Outcome

SECRET: Final = "a secret of others"
NAMES: Final = (
    "..",
    ".",
    "../../outside/secret",
    "../../../../../../../../etc/passwd",
    "/etc/passwd",
    "..\\..\\outside",
    "a/../../../outside/secret",
    "....//....//outside",
    "%2e%2e%2foutside",
    "a\0b",
    "a\nb\r\tc",
    "\x1b[31mred\x07\x7f",
    "x" * 5000,
    "é" * 200,
    "\uff0e\uff0e\uff0fetc",  # full-width look-alikes of ../etc
    "\u2024\u2024/etc",
    "\u202egpj.exe",
    "\ufeff",
    "e\u0301",
    "\u00e9",
    "раураl",  # noqa: RUF001 - a look-alike
    "con",
    "-rf",
    "~root",
    "$(touch x)",
    "<script>alert(1)</script>",
    '"onload="x',
    ".blogd-files",
    ".blogd-tmp",
    ".git",
    "index.html",
    "assets",
    "{{ 'x' }}{% raw %}",
)
BOMB: Final = "\n".join(
    ["a: &a [x, x]", *(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]" for n in range(24))]
)
LAUGHS: Final = "".join(f'<!ENTITY l{n + 1} "&l{n};&l{n};&l{n};&l{n};&l{n};&l{n};">' for n in range(30))


class World:
    """A site beside a folder that is none of its business."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outside = folder / "outside"
        self.outside.mkdir()
        for name in ("secret", "secret.liquid", "secret.md", "secret.py"):
            (self.outside / name).write_text(SECRET)
        self.before = _stats(self.outside)
        self.ground = Ground(folder / "site")
        self.out = folder / "site/html"

    def build(self) -> Outcome:
        """Build, and see that nothing outside was read or changed."""
        cache = self.ground.root / ".blogd"
        with guarded(self.folder, [self.ground.root], [self.out, cache]) as trespasses:
            outcome = build(self.ground.root, self.out)
        assert trespasses == []
        assert _stats(self.outside) == self.before
        assert not [path for path, data in outcome.files.items() if SECRET.encode() in data]
        assert not [finding for finding in outcome.findings if "internal error" in finding]
        return outcome


def _stats(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = {path: path.lstat() for path in [folder, *folder.rglob("*")]}
    return {str(path): (stat.st_size, stat.st_mtime_ns, stat.st_ino) for path, stat in found.items()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def matter(**fields: object) -> str:
    """Write front matter: JSON is YAML."""
    return "".join(["---\n", *(f"{key}: {json.dumps(value)}\n" for key, value in fields.items()), "---\n"])


def hostile_files(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give files of a site that has hostile names wherever a name can stand."""
    names = tuple(names)
    common = {"createdAt": "2024-01-01"}
    outlines: list[str] = []
    for number, name in enumerate(names):
        body = "\n\n".join(
            [
                f"[x]({name}) [y](<{name}>) ![z]({name}) [w](/{name}) <{name}> <a href={quoteattr(name)}>raw</a>",
                f"[[{name}]] [[gallery name='{name}']] [[youtube id=\"{name}\"]] [[photo_archive year='{name}']]",
                f"[[tag_cloud limit={name}]] `{name}` # {name} {{#{name}}}",
                f"![i](/media/{name}) [j](../../outside/secret) ![k](file:///etc/passwd)",
            ]
        )
        fields = {"slug": name, "title": name, "tags": [name], "categories": [name], "author": name, "id": name}
        yield f"posts/{number}.md", matter(**common, **fields) + body
        yield f"posts/page-{number}.md", matter(**common, slug=name, categories=["page"]) + body
        yield f"posts/template-{number}.md", matter(**common, templateSlug=name) + body
        yield f"posts/translation-{number}.md", matter(translationFor=name, language=name, title=name) + body
        yield f"media/{number}.png", "no picture"
        yield f"media/{number}.png.meta", matter(originalName=name, title=name, linkedPostIds=[name], language=name)
        if name.isprintable():  # XML has no other characters
            outlines += [f"<outline {key}={quoteattr(name)}/>" for key in ("pageSlug", "categoryName", "text", "type")]
        with_name = name.replace("/", "_")
        if "\0" not in name and len(os.fsencode(with_name)) < 200 and with_name not in {"", ".", ".."}:
            yield f"posts/{with_name}.md", matter(**common) + body
            yield f"assets/{with_name}", "copied"
            yield f"media/{with_name}.png", "no picture"
    yield "meta/menu.opml", f"<opml><body>{''.join(outlines)}</body></opml>"
    yield "meta/category-meta.json", json.dumps({name: {"postTemplateSlug": name, "title": name} for name in names})
    yield "meta/tags.json", json.dumps([{"name": name, "postTemplateSlug": name, "color": name} for name in names])
    yield (
        "templates/single-post.liquid",
        "".join(f"{{% render {json.dumps(name)} %}}" for name in names if "\n" not in name and '"' not in name)
        + "{{ post.title }}{{ post.content | markdown }}",
    )


def test_hostile_names_lead_nowhere(world: World) -> None:
    for path, text in hostile_files(NAMES):
        world.ground.write(path, text.encode("utf-8", "surrogatepass"))
    world.ground.write(
        "meta/project.json", json.dumps({"name": NAMES[2], "mainLanguage": NAMES[2], "blogLanguages": NAMES}).encode()
    )
    outcome = world.build()

    assert len(outcome.files) > 100
    assert all(not path.startswith(("/", "../")) for path in outcome.files)
    shutil.rmtree(world.ground.root / "posts")
    (world.ground.root / "posts").mkdir()
    assert not [path for path in world.build().files if path.startswith("2024/")]


PIECES: Final = [*NAMES, "/", " ", ":", "[[", "]]", "&", "#", "](", "---\n", "\n", "*", "`", "<", '"']


@settings(max_examples=20)
@given(st.lists(st.lists(st.sampled_from(PIECES) | st.text(max_size=5)).map("".join), max_size=4))
def test_any_names_lead_nowhere(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for path, text in hostile_files(names):
            with suppress(FileExistsError, IsADirectoryError, NotADirectoryError):
                world.ground.write(path, text.encode("utf-8", "replace"))
        world.build()


def test_the_guard_hears_what_is_done(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    with guarded(tmp_path, [inside], [inside]) as trespasses:
        (inside / "file").write_text("fine")
        (inside / "link/file").write_text("not so")
        (inside / "link/file").read_text()
        list(os.scandir(inside / "link"))
        (outside / "file").unlink()
        (inside / "link").unlink()

    done = ("open", "open", "os.scandir", "os.remove")
    assert trespasses == [f"{call} {outside}{'' if call == 'os.scandir' else '/file'}" for call in done]


LINKED_INPUTS: Final = (
    "posts/secret.md",
    "posts/folder",
    "media/secret.png",
    "media/folder",
    "assets/secret",
    "templates",
)
LINKED_OUTPUTS: Final = (
    "index.html",
    "2024",
    "2024/01/01",
    "media",
    "media/i.png",
    ".blogd-files",
    ".blogd-tmp",
    "tag/t",
)
LINKED_CACHE: Final = ("cache.db", "cache.db-wal", "bodies", "lock", "search", "code")


@pytest.mark.parametrize("path", LINKED_INPUTS)
def test_links_in_the_site_lead_nowhere(world: World, path: str) -> None:
    _plain_site(world)
    link = world.ground.root / path
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(world.outside if "." not in path and path != "assets/secret" else world.outside / "secret.md")
    outcome = world.build()

    assert any(finding.startswith(f"{path}: ") and "leads out of the site" in finding for finding in outcome.findings)


@pytest.mark.parametrize("path", LINKED_OUTPUTS)
@pytest.mark.parametrize("when", ["before", "between"])
def test_links_in_the_output_lead_nowhere(world: World, path: str, when: str) -> None:
    _plain_site(world)
    if when == "between":
        world.build()
    link = world.out / path
    _clear(link)
    link.parent.mkdir(parents=True, exist_ok=True)
    (world.outside / "01/01").mkdir(parents=True)
    for name in ("index.html", "i.png", "01/01/index.html", "1.x"):
        (world.outside / name).write_text(SECRET)
    world.before = _stats(world.outside)
    link.symlink_to(world.outside if "." not in path or path == ".blogd-tmp" else world.outside / "secret")
    world.build()
    shutil.rmtree(world.ground.root / "posts")
    shutil.rmtree(world.ground.root / "media")
    (world.ground.root / "posts").mkdir()
    world.build()


@pytest.mark.parametrize("path", LINKED_CACHE)
def test_links_in_the_cache_lead_nowhere(world: World, path: str) -> None:
    _plain_site(world)
    world.build()
    (cache,) = (entry for entry in (world.ground.root / ".blogd").iterdir() if entry.is_dir())
    found = next(iter(cache.glob(f"{path}-*")), cache / path) if path == "code" else cache / path
    _clear(found)
    found.symlink_to(world.outside if path in {"bodies", "search", "code"} else world.outside / "secret")
    with suppress(RefusalError):
        world.build()


def _plain_site(world: World) -> None:
    world.ground.write("posts/a.md", (matter(createdAt="2024-01-01", tags=["t"]) + "words").encode())
    world.ground.write("media/i.png", b"no picture")


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


FILL: Final = "x" * (1 << 20)
BOMBS: Final[Mapping[str, Mapping[str, str]]] = {
    "yaml aliases": {"posts/b.md": f"---\n{BOMB}\ntags: *z\n---\n"},
    "yaml depth": {"posts/b.md": f"---\na: {'[' * 50_000}\n---\n"},
    "yaml size": {"posts/b.md": f"---\na: {FILL}\n---\n"},
    "yaml objects": {"posts/b.md": '---\ncreatedAt: !!python/object/apply:os.system ["touch html/owned"]\n---\n'},
    "xml entities": {"meta/menu.opml": f'<!DOCTYPE o [<!ENTITY l0 "l">{LAUGHS}]><opml>&l30;</opml>'},
    "xml depth": {"meta/menu.opml": "<outline>" * 100_000},
    "json depth": {"meta/project.json": '{"a":' * 100_000},
    "json numbers": {"meta/project.json": f'{{"maxPostsPerPage": {"9" * 100_000}}}'},
    "endless loops": {
        "templates/post-list.liquid": "{% for a in (1..99999999) %}{% for b in (1..99999999) %}{% endfor %}{% endfor %}"
    },
    "endless text": {
        "templates/post-list.liquid": "{% assign a = 'xx' %}"
        "{% for i in (1..99) %}{% assign a = a | append: a %}{% endfor %}{{ a }}"
    },
    "endless partials": {
        "templates/post-list.liquid": "{% render 'a' %}",
        "templates/a.liquid": "{% render 'a' %}{% render 'a' %}",
    },
    "deep template": {"templates/post-list.liquid": "{% if true %}" * 20_000 + "{% endif %}" * 20_000},
    "deep markdown": {"posts/b.md": f"---\ncreatedAt: 2024-01-01\n---\n{'> ' * 50_000}a\n\n{'- ' * 50_000}a"},
    "brackets": {"posts/b.md": f"---\ncreatedAt: 2024-01-01\n---\n{'[' * 50_000}{'![](' * 20_000}{'*_`<' * 20_000}"},
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_do_not_go_off(world: World, bomb: str) -> None:
    _plain_site(world)
    for path, text in BOMBS[bomb].items():
        world.ground.write(path, text.encode())
    ended = bounded_build(world.ground.root)

    assert ended.code in {0, 1}, ended.told
    assert "internal error" not in ended.told
    assert "died" not in ended.told
    assert (world.out / "2024/01/01/a/index.html").exists()
    assert not (world.ground.root / "html/owned").exists()
    assert ended.seconds < 30
    assert ended.peak_bytes < 400 << 20


def test_a_post_of_200_mb_is_told_and_not_read(world: World) -> None:
    _plain_site(world)
    world.ground.write("posts/b.md", (matter(createdAt="2024-01-01") + "words").encode())
    os.truncate(world.ground.root / "posts/b.md", 200 << 20)
    ended = bounded_build(world.ground.root)

    assert ended.code == 1
    assert "posts/b.md: error: is larger than 32 MB" in ended.told
    assert (world.out / "2024/01/01/a/index.html").exists()
    assert ended.peak_bytes < 200 << 20


class Ended(NamedTuple):
    """How a run ended, and what its largest process had of memory."""

    code: int
    told: str
    seconds: float
    peak_bytes: int


MEASURED: Final = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], check=False).returncode
print(f"\\n{code} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}", end="")
"""


def bounded_build(site: Path) -> Ended:
    """Build as users do. A small process starts it: a child's peak begins at its parent's size."""
    started = time.monotonic()
    blogd = [sys.executable, "-m", "blogd.daemon", "build", str(site), "--workers", "2"]
    command = [sys.executable, "-c", MEASURED, *blogd]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    seconds = time.monotonic() - started
    told, _, measured = done.stdout.rpartition("\n")
    code, peak = map(int, measured.split())
    return Ended(code, told + done.stderr, seconds, peak * 1024)
