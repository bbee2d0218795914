"""A made-up blog as a Hugo site.

Hugo reads blogd's front matter as it is (`createdAt` by its `frontmatter` setting). It has no archives by date: three
more taxonomies (years, months, days) make the same pages of the same posts. Taxonomy overviews and the section's
own list, which blogd doesn't have, are off.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lib import blog
from bench_lib.edits import NAVIGATION

if TYPE_CHECKING:
    from bench_lib.posts import Spec

_TEMPLATES = Path(__file__).parent / "templates/hugo"
_CONFIG = """\
baseURL = "https://blog.example.org/"
title = "{posts} posts"
disableKinds = ["taxonomy", "section"]
timeZone = "UTC"
[outputs]
home = ["html", "rss"]
term = ["html"]
[taxonomies]
tag = "tags"
category = "categories"
year = "years"
month = "months"
day = "days"
[permalinks.page]
posts = "/:year/:month/:day/:slug/"
[frontmatter]
date = ["createdAt"]
[pagination]
disableAliases = true
pagerSize = {per_page}
[services.rss]
limit = {per_page}
[markup.goldmark.renderer]
unsafe = true
[markup.highlight]
codeFences = {highlight}
noClasses = false
"""


@dataclass(frozen=True, slots=True)
class Hugo:
    """Hugo with one site of its own."""

    program: Path
    folder: Path

    @property
    def out(self) -> Path:
        """Where the pages go."""
        return self.folder / "html"

    @property
    def command(self) -> list[str]:
        """The command that builds."""
        return [str(self.program), "--source", str(self.folder / "site"), "--destination", str(self.out)]

    def prepare(self, spec: Spec) -> None:
        """Write the site."""
        site = self.folder / "site"
        shutil.copytree(_TEMPLATES, site / "layouts")
        config = _CONFIG.format(posts=spec.posts, per_page=spec.per_page, highlight=json.dumps(spec.highlight))
        (site / "hugo.toml").write_text(config)
        for path, content in blog.files(spec):
            target, adapted = site / source(path), content
            if path.endswith(".md"):
                adapted = adapt(content.decode()).encode()
            elif not path.startswith("media/"):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(adapted)

    def forget(self) -> None:
        """Remove what earlier builds left."""
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.rmtree(self.folder / "site/resources", ignore_errors=True)


def source(path: str) -> str:
    """Return where Hugo wants a file of the blog."""
    if path == NAVIGATION:
        return "layouts/partials/nav.html"
    return f"content/{path}" if path.endswith(".md") else f"static/{path}"


def adapt(text: str) -> str:
    """Add the dates as taxonomies; a page becomes Hugo's kind of page, and the partial one of Hugo's."""
    head, found, rest = text.partition("\ncreatedAt: ")
    if not found:
        assert "{{ site.name }}" in text
        return text.replace("{{ site.name }}", "{{ .Site.Title }}")
    day = rest[:10]
    if "\ncategories: [page]" in head:
        slug = head.partition("\nslug: ")[2].partition("\n")[0]
        return f"{head.replace('categories: [page]', f'url: /{slug}/')}\ntype: page{found}{rest}"
    return f'{head}\nyears: ["{day[:4]}"]\nmonths: ["{day[:7]}"]\ndays: ["{day}"]{found}{rest}'
