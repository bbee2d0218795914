"""The one pass over a finished page that completes its root-relative URLs.

Contexts give paths without the language's prefix and without the path prefix of `publicUrl`. This pass adds both:

- the language prefix to internal `href`s, but not to `/media/`, `/assets/`, `/images/`, nor where that of any language
  stands already, nor to what is marked as the main tree's, nor in a tag that says it leads to, or is in, another
  language (`hreflang`, `lang`);
- the path prefix of `publicUrl` to every root-relative URL in `href`, `src`, `srcset`, `poster`, `action` and `data`.

Pages of the main tree of a site at the root of its host are not touched at all.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

SHARED: Final = ("/media/", "/assets/", "/images/")
MAIN_TREE: Final = "\0"  # in front of a path of the main tree, on pages of other ones

_TAG = re.compile(
    r"""<(?![!/?])[a-zA-Z][^\s<>/]*+(?:\s++[^<>"']*+(?:"[^"]*+"[^<>"']*+|'[^']*+'[^<>"']*+)*+)>""",
)
_ATTRIBUTE = re.compile(
    r"""(\s)(href|src|srcset|poster|action|data)(\s*=\s*)("/(?!/)[^"]*"|'/(?!/)[^']*')""", re.IGNORECASE
)
_LANGUAGE = re.compile(r"""\s(?:hreflang|lang)\s*=""", re.IGNORECASE)
_SRCSET_URL = re.compile(r"(?:(?<=^)|(?<=,)|(?<=\s))/(?!/)")


def base_path(public_url: str) -> str:
    """Give the path of the site's root on its host, '' or `/…` without a trailing slash."""
    return urlsplit(public_url).path.rstrip("/")


def complete_urls(html: str, prefix: str, base: str, prefixes: tuple[str, ...]) -> str:
    """Add a language prefix and a base path, each '' or `/…`, to the root-relative URLs of a page.

    `prefixes` are those of all trees but the main one.
    """
    if not prefix and not base:
        return html

    def attribute(match: re.Match[str], leads_home: bool) -> str:  # noqa: FBT001 - passed by a closure only
        space, name, equals, value = match.groups()
        quote, url = value[0], value[1:-1]
        if name.lower() == "srcset":
            return f"{space}{name}{equals}{quote}{_SRCSET_URL.sub(base + '/', url)}{quote}"
        if name.lower() == "href" and leads_home:
            url = localize(url, prefix, prefixes)
        return f"{space}{name}{equals}{quote}{rebase(url, base)}{quote}"

    def tag(match: re.Match[str]) -> str:
        text = match[0]
        leads_home = not _LANGUAGE.search(text) or text[1:5].lower() == "html"
        return _ATTRIBUTE.sub(lambda found: attribute(found, leads_home), text)

    return _TAG.sub(tag, html).replace(f"{MAIN_TREE}/", f"{base}/").replace(MAIN_TREE, "")


def localize(url: str, prefix: str, prefixes: tuple[str, ...]) -> str:
    """Add a language prefix to a root-relative URL, unless it is a file that all languages share or has one already."""
    return url if not prefix or url in prefixes or url.startswith(_settled(prefixes)) else prefix + url


@lru_cache(maxsize=8)
def _settled(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """Give the beginnings of URLs that get no prefix."""
    return *SHARED, *(prefix + end for prefix in prefixes for end in "/?#")


def rebase(url: str, base: str) -> str:
    """Add the base path to a root-relative URL, unless it has it already."""
    return url if not base or url == base or url.startswith(f"{base}/") else base + url


def absolute_urls(html: str, prefix: str, public_url: str, prefixes: tuple[str, ...]) -> str:
    """Make the root-relative URLs of a piece of HTML absolute, for feeds."""
    base = base_path(public_url)
    host = public_url[: len(public_url) - len(base)] if base else public_url
    completed = complete_urls(html, prefix, base, prefixes) if prefix or base else html
    if not host:
        return completed
    return _TAG.sub(
        lambda tag: _ATTRIBUTE.sub(
            lambda found: f"{found[1]}{found[2]}{found[3]}{found[4][0]}{host}{found[4][1:]}", tag[0]
        ),
        completed,
    )
