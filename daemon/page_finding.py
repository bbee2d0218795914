"""The output that somebody means: by its URL, absolute or root-relative, or by its file."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from blogd.daemon.exits import RefusalError
from blogd.render.urls import base_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blogd.cache.rows import PageRow
    from blogd.daemon.last_run import LastRun

INDEX: Final = "index.html"
NEAR_MOST: Final = 3


def page_url(path: str) -> str:
    """Give the root-relative URL of an output, as people write it: nothing is encoded."""
    return f"/{path.removesuffix(INDEX) if path == INDEX or path.endswith(f'/{INDEX}') else path}"


def find_page(run: LastRun, name: str) -> PageRow:
    """Find the output that a name means; RefusalError names near ones, or the pages of a post that was named."""
    for path in _paths(run, name):
        if path in run.manifest.ids:
            return run.manifest.pages[run.manifest.ids[path]]
    owned = _pages_of(run, name)
    near = owned or difflib.get_close_matches(_urls(run, name)[-1], map(page_url, run.manifest.ids), NEAR_MOST)
    hint = f"its pages are {', '.join(near)}" if owned else f"near ones are {', '.join(near)}"
    message = f"{name}: is a source, not a page" if owned else f"{name}: blogd makes no such page"
    raise RefusalError(message, hint if near else "give a URL of the site, or a file of its output")


def _paths(run: LastRun, name: str) -> Iterator[str]:
    """Give the paths in the output that a name can mean."""
    for wanted in (os.path.relpath(os.path.realpath(name), run.out), name, *_urls(run, name)):
        plain = wanted.strip("/")
        yield plain
        yield f"{plain}/{INDEX}" if plain else INDEX


def _urls(run: LastRun, name: str) -> list[str]:
    """Give the paths that a URL can mean: as it is written or decoded, below the site's root on its host or not."""
    path = urlsplit(name).path
    base = base_path(run.site.meta.project.public_url)
    urls = [path, unquote(path)]
    return urls + [url.removeprefix(base) for url in urls if base and f"{url}/".startswith(f"{base}/")]


def _pages_of(run: LastRun, name: str) -> list[str]:
    """Give the pages of a post, for those who name its file."""
    sources = {name, os.path.relpath(os.path.realpath(name), run.root)}
    rows = (row for row in run.manifest.pages.values() if row.key[0] in {"post", "page", "extra"})
    return sorted(page_url(row.path) for row in rows if row.key[2] in sources)
