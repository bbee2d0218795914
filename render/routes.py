"""Which files the site has: the outputs of a post, of a list and of the site as a whole, by path.

An output is named by a *page key*, a tuple of plain values that says what is to be rendered:

    ("post", tree, path)               a post's dated page         ("page", tree, path)   a page's short URL
    ("extra", tree, record)            a translation that has no tree
    ("list", tree, kind, name, n)      page n of a list, from 1
    ("text", tree, name)               404.html, rss.xml, atom.xml, calendar.json
    ("sitemap", "", name)              sitemap.xml, and its parts past 50,000 URLs
    ("search", tree, "")               the search page of a language
    ("style", "", "")                  the stylesheet
    ("copy", "", source)               a file of assets/, images/ or media/, as it is
    ("copy", "", source, digest)       a file of the search index, with these contents

Paths of outputs are relative to the output folder. Several keys may claim one path; `rank` says who gets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from blogd.render.links import disk_segment, url_segment
from blogd.render.sitemap import MAX_URLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blogd.render.list_index import Order
    from blogd.render.reads import ListKey
    from blogd.render.site import Site

PageKey = tuple[str | int, ...]
Outputs = dict[str, PageKey]

SECTIONS: Final = ("single", "core", "category", "tag", "date", "copy")
STYLESHEET: Final = "assets/blogd.css"
SEARCH: Final = "/search/"
INDEX: Final = "index.html"
CORE_FILES: Final = ("404.html", "rss.xml", "atom.xml", "calendar.json")
SITE_FILES: Final = frozenset({*CORE_FILES, "sitemap.xml"})  # where no page can have a folder, nor where an INDEX is
NAME_MAX: Final = 255  # bytes in a file name, on every file system in use
_MOST_BYTES: Final = 4  # of a character in UTF-8
FIRST: Final[Order] = (-(1 << 63), "", "")  # before all posts
_LIST_FOLDERS: Final = {"category": "category/", "tag": "tag/"}


def section(key: PageKey) -> str:
    """Name the section of a page."""
    match key[0]:
        case "post" | "extra":
            return "single"
        case "list" if key[2] in {"category", "tag"}:
            return str(key[2])
        case "list" if key[2] != "root":
            return "date"
        case "copy":
            return "copy"
        case _:
            return "core"


def is_of_index(key: PageKey) -> bool:
    """Tell whether an output is a file of the search index."""
    return key[0] == "copy" and len(key) == 4


def core_outputs(site: Site) -> Outputs:
    """Give the outputs that every site has."""
    outputs: Outputs = {STYLESHEET: ("style", "", ""), "sitemap.xml": ("sitemap", "", "sitemap.xml")}
    for tree in site.meta.trees:
        for name in CORE_FILES:
            outputs[_folder(site, tree) + name] = ("text", tree, name)
        outputs[_folder(site, tree) + "index.html"] = ("list", tree, "root", "", 1)
        if site.meta.project.search:
            outputs[_folder(site, tree) + "search/index.html"] = ("search", tree, "")
    return outputs


def sitemap_outputs(url_count: int) -> Outputs:
    """Give the parts of the sitemap, none if one file holds it."""
    parts = -(-url_count // MAX_URLS) if url_count > MAX_URLS else 0
    names = (f"sitemap-{part}.xml" for part in range(1, parts + 1))
    return {name: ("sitemap", "", name) for name in names}


def post_outputs(site: Site, path: str) -> Outputs:
    """Give the outputs of one post, in all trees."""
    outputs: Outputs = {}
    slug = disk_segment(site.entries[path].post.slug)
    dated = "/".join((*site.dates[path], slug))
    for tree in site.meta.trees:
        if site.is_in(path, tree):
            folder = _folder(site, tree)
            outputs[f"{folder}{dated}/index.html"] = ("post", tree, path)
            if site.is_page(path):
                outputs[f"{folder}{slug}/index.html"] = ("page", tree, path)
    for record in site.untreed(path):
        post = site.entries[record].post
        outputs[f"{dated}.{post.language or post.sibling_language}/index.html"] = ("extra", site.main, record)
    return outputs


def list_outputs(site: Site, key: ListKey, members: Sequence[str]) -> Outputs:
    """Give the outputs of one list, in all trees of its scope."""
    scope, kind, name = key
    outputs: Outputs = {}
    for tree in site.meta.trees:
        if site.scope(tree) == scope:
            base = _folder(site, tree) + list_folder(kind, name)
            for number in range(1, page_count(site, len(members)) + 1):
                middle = f"page/{number}/" if number > 1 else ""
                outputs[f"{base}{middle}index.html"] = ("list", tree, kind, name, number)
    return outputs


def page_count(site: Site, length: int) -> int:
    """Give the number of pages of a list."""
    return -(-length // site.meta.project.max_posts_per_page)


def list_folder(kind: str, name: str) -> str:
    """Give the folder of a list's first page on disk, '' or ending in `/`."""
    if kind in _LIST_FOLDERS:
        return f"{_LIST_FOLDERS[kind]}{disk_segment(name)}/"
    return f"{name}/" if name else ""


def list_href(kind: str, name: str, number: int) -> str:
    """Give the root-relative URL of a list's page, without language prefix."""
    named = f"{_LIST_FOLDERS[kind]}{url_segment(name)}" if kind in _LIST_FOLDERS else name
    base = f"/{named}/" if named else "/"
    return f"{base}page/{number}/" if number > 1 else base


def unwritable(output: str) -> str | None:
    """Give the component of a path that no file system takes, if there is one."""
    if len(output) <= NAME_MAX // _MOST_BYTES:
        return None
    return next((component for component in output.split("/") if not _fits(component)), None)


def is_writable(name: str) -> bool:
    """Tell whether a file system takes the folder of a name."""
    return _fits(disk_segment(name))


def _fits(component: str) -> bool:
    return len(component.encode("utf-8", "surrogatepass")) <= NAME_MAX


def claim_source(key: PageKey) -> str:
    """Name what claims a path, for messages: a source's path, or the list."""
    match key[0]:
        case "post" | "page" | "extra" | "copy":
            return str(key[2])
        case "list":
            return f"the list {list_href(str(key[2]), str(key[3]), cast('int', key[4]))}"
        case "search":
            return "blogd's search page"
        case _:
            return f"blogd's {key[2]}" if key[2] else "blogd's stylesheet"


def rank(site: Site, key: PageKey) -> tuple[int | str, ...]:
    """Order the claims on one path: homes and feeds, then posts, the newest first, then lists, then copies."""
    match key[0]:
        case "post" | "page" | "extra":
            path = site.bases.get(str(key[2]), str(key[2]))
            return (1, *site.order[path], *key)
        case "list":
            return (0 if key[2] == "root" and key[4] == 1 else 2, *key)
        case "copy":
            return (3, *key)
        case "style" | "search":
            return (4, *key)
        case _:
            return (0, *key)


def when(site: Site, key: PageKey) -> Order:
    """Give the place of a page in the order of posts: that of the newest post that is on it; others are before all."""
    match key:
        case ("post" | "page" | "extra", _, str(record), *_):
            return site.order.get(site.bases.get(record, record), FIRST)
        case ("list", str(tree), str(kind), str(name), int(number)):
            posts = site.members((site.scope(tree), kind, name))
            start = (number - 1) * site.meta.project.max_posts_per_page
            return site.order[posts[start]] if start < len(posts) else FIRST
        case _:
            return FIRST


def _folder(site: Site, tree: str) -> str:
    return "" if tree == site.main else f"{disk_segment(tree)}/"
