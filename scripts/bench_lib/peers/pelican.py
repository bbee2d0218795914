"""A made-up blog as a Pelican site.

Pelican takes one category a post and doesn't divide archives by date into pages: it writes fewer pages than the others,
and larger ones.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lib import blog

if TYPE_CHECKING:
    from bench_lib.posts import Spec

_TEMPLATES = Path(__file__).parent / "templates/pelican"
_CONFIG = """\
SITENAME = "{posts} posts"
SITEURL = "https://blog.example.org"
TIMEZONE = "UTC"
PATH = "content"
THEME = "theme"
STATIC_PATHS = ["media"]
DEFAULT_PAGINATION = {per_page}
PAGINATED_TEMPLATES = {{"index": None, "tag": None, "category": None}}
DIRECT_TEMPLATES = ["index"]
PAGINATION_PATTERNS = ((1, "{{base_name}}/", "{{base_name}}/index.html"),
                       (2, "{{base_name}}/page/{{number}}/", "{{base_name}}/page/{{number}}/index.html"))
ARTICLE_URL = "{{date:%Y}}/{{date:%m}}/{{date:%d}}/{{slug}}/"
ARTICLE_SAVE_AS = ARTICLE_URL + "index.html"
PAGE_URL = "{{slug}}/"
PAGE_SAVE_AS = PAGE_URL + "index.html"
TAG_URL = "tag/{{slug}}/"
TAG_SAVE_AS = TAG_URL + "index.html"
CATEGORY_URL = "category/{{slug}}/"
CATEGORY_SAVE_AS = CATEGORY_URL + "index.html"
YEAR_ARCHIVE_SAVE_AS = "{{date:%Y}}/index.html"
MONTH_ARCHIVE_SAVE_AS = "{{date:%Y}}/{{date:%m}}/index.html"
DAY_ARCHIVE_SAVE_AS = "{{date:%Y}}/{{date:%m}}/{{date:%d}}/index.html"
AUTHOR_SAVE_AS = AUTHORS_SAVE_AS = TAGS_SAVE_AS = CATEGORIES_SAVE_AS = ARCHIVES_SAVE_AS = ""
FEED_ALL_ATOM = CATEGORY_FEED_ATOM = TRANSLATION_FEED_ATOM = AUTHOR_FEED_ATOM = AUTHOR_FEED_RSS = None
FEED_RSS = "rss.xml"
FEED_MAX_ITEMS = {per_page}
MARKDOWN = {{"extensions": {extensions}, "output_format": "html5"}}
"""


@dataclass(frozen=True, slots=True)
class Pelican:
    """Pelican with one site of its own."""

    program: Path
    folder: Path

    @property
    def out(self) -> Path:
        """Where the pages go."""
        return self.folder / "html"

    @property
    def command(self) -> list[str]:
        """The command that builds."""
        site = self.folder / "site"
        settings = ["--settings", str(site / "pelicanconf.py"), "--output", str(self.out), "--quiet"]
        return [str(self.program), str(site / "content"), *settings]

    def prepare(self, spec: Spec) -> None:
        """Write the site."""
        site = self.folder / "site"
        shutil.copytree(_TEMPLATES, site / "theme")
        (site / "theme/static").mkdir()
        extensions = [f"markdown.extensions.{name}" for name in ("extra", "meta", *("codehilite",) * spec.highlight)]
        config = _CONFIG.format(posts=spec.posts, per_page=spec.per_page, extensions=json.dumps(extensions))
        (site / "pelicanconf.py").write_text(config)
        for path, content in blog.files(spec):
            target, adapted = site / source(path, content), content
            if path.endswith(".md"):
                adapted = adapt(content.decode()).encode()
            elif not path.startswith("media/"):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(adapted)

    def forget(self) -> None:
        """Remove what earlier builds left."""
        shutil.rmtree(self.out, ignore_errors=True)


def source(path: str, content: bytes) -> str:
    """Return where Pelican wants a file of the blog."""
    if b"\ncategories: [page]\n" in content:
        return f"content/pages/{Path(path).name}"
    return f"content/{path}"


def adapt(text: str) -> str:
    """Turn the front matter into Pelican's own."""
    _, head, body = text.split("---\n", 2)
    fields = dict(row.split(": ", 1) for row in head.splitlines())
    rows = {
        "Title": _plain(fields["title"]),
        "Date": re.sub(r"T(.{8}).*", r" \1", fields["createdAt"]),
        "Slug": fields["slug"],
        "Category": _names(fields["categories"])[0],
        "Tags": ", ".join(_names(fields.get("tags", "[]"))),
        "Excerpt": _plain(fields.get("excerpt", '""')),
    }
    return "".join(f"{key}: {value}\n" for key, value in rows.items() if value) + body


def _plain(value: str) -> str:
    return str(json.loads(value)) if value.startswith('"') else value


def _names(value: str) -> list[str]:
    return [name.strip(' "').replace("\\", "") for name in value.strip("[]").split(", ")]
