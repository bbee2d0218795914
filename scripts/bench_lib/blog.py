"""A whole made-up blog in blogd's input format: posts, pages, media, metadata, menu.

`files` is the blog as a stream of (path, bytes), the same for the same spec, whatever the machine; `write` puts the
stream on disk. Nothing is held but the names of folders made, so the size of the blog doesn't matter.
"""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lib.posts import CATEGORIES, Spec, draws, identity, post_files, tag_names
from bench_lib.prose import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench_lib.posts import Identity

_PLAIN = Path(__file__).parent / "peers/templates/blogd"
_PAGES = ("about", "contact", "now", "imprint", "archive")
_BADGE = '''"""---
slug: badge
kind: macro
enabled: true
entrypoint: render
---"""


def render(context, post):
    params = context["params"]
    label, colour = params.get("label", ""), params.get("colour", "grey")
    return {"html": f'<span class="badge {colour}">{label}</span>'}
'''


def files(spec: Spec) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the blog as (path relative to the project, content), metadata first."""
    yield from _metadata(spec)
    for number, slug in enumerate(_PAGES):
        yield _page(spec, number, slug)
    for number in range(spec.posts):
        for path, text in post_files(spec, number):
            yield path, text.encode()
        who = identity(spec, number)
        if who.has_image:
            yield from _image(spec, who)


def write(spec: Spec, root: Path) -> int:
    """Write the blog below `root`, which is made; return the number of files."""
    made: set[str] = set()
    written = 0
    for path, content in files(spec):
        folder = path.rpartition("/")[0]
        if folder not in made:
            (root / folder).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        (root / path).write_bytes(content)
        written += 1
    return written


def write_plain_templates(root: Path) -> None:
    """Give a blog the templates that are compared with other generators' own."""
    shutil.copytree(_PLAIN, root / "templates")


def _metadata(spec: Spec) -> Iterator[tuple[str, bytes]]:
    yield "meta/project.json", _json(_project(spec))
    yield "meta/categories.json", _json([*CATEGORIES, "page"])
    yield "meta/category-meta.json", _json({"news": {"renderInLists": True, "showTitle": True, "title": "News"}})
    names = enumerate(tag_names(spec.tags))
    yield "meta/tags.json", _json([{"name": name, "color": f"#{rank * 70_001 % 0xFFFFFF:06x}"} for rank, name in names])
    yield "meta/menu.opml", _menu().encode()
    if spec.macros:
        yield "scripts/badge.py", _BADGE.encode()


def _project(spec: Spec) -> Mapping[str, object]:
    return {
        "name": f"{spec.posts:,} posts",
        "description": "A blog made to measure with",
        "publicUrl": "https://blog.example.org",
        "mainLanguage": spec.languages[0],
        "blogLanguages": list(spec.languages),
        "defaultAuthor": "Ada Brunner",
        "maxPostsPerPage": spec.per_page,
        "timezone": "UTC",
        "blogd": {"highlight": spec.highlight, "search": False},  # peers have no index either
    }


def _menu() -> str:
    pages = "".join(f'<outline text="{slug.title()}" type="page" pageSlug="{slug}"/>' for slug in _PAGES[:3])
    topics = "".join(
        f'<outline text="{name}" type="category-archive" categoryName="{name}"/>' for name in CATEGORIES[3:]
    )
    outlines = f'<outline text="Home" type="home"/>{pages}<outline text="Topics" type="submenu">{topics}</outline>'
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0"><head><title>Menu</title></head>'
    return f"{head}<body>{outlines}</body></opml>\n"


def _page(spec: Spec, number: int, slug: str) -> tuple[str, bytes]:
    fields = (
        f"id: page-{slug}",
        f"title: {slug.title()}",
        f"slug: {slug}",
        "categories: [page]",
        f"createdAt: {spec.first:%Y-%m}-0{number + 1}T12:00:00Z",
    )
    body = Writer(draws(spec, slug, "page"), spec.languages[0]).body(200)
    return f"posts/{spec.first:%Y/%m}/{slug}.md", "\n".join(("---", *fields, "---", "", body)).encode()


def _image(spec: Spec, who: Identity) -> Iterator[tuple[str, bytes]]:
    rng = draws(spec, who.number, "image")
    width, height = rng.randint(4, 24), rng.randint(4, 24)
    content = _png(width, height, rng.randbytes(3))
    stamp = f"{who.created:%Y-%m-%dT%H:%M:%S.000Z}"
    rows = {
        "id": f"media-{who.number}", "originalName": f"{who.slug}.png", "mimeType": "image/png", "size": len(content),
        "width": width, "height": height, "title": who.title, "alt": who.title, "createdAt": stamp, "updatedAt": stamp,
        "tags": [], "linkedPostIds": [who.id],
    }  # fmt: skip
    sidecar = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in rows.items())
    yield who.image, content
    yield f"{who.image}.meta", f"---\n{sidecar}---\n".encode()


def _png(width: int, height: int, colour: bytes) -> bytes:
    """Return an image of one colour; the format is that of W3C's PNG specification, chapters 5 and 11."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + colour * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
