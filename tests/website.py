"""A finished output folder as a browser meets it: pages, what they link to, and which of that is not there.

`Website` reads every HTML file below a folder that is served at `url`. A URL leads somewhere if it is another site's,
or names a file of the folder, and if its `#fragment` is the id of an element there. Nothing is taken for granted that
a plain file server doesn't do: `/a/` is `a/index.html`, and `/a` is no page.
"""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

ELSEWHERE: Final = frozenset({"data", "javascript", "mailto", "tel"})
_LINKS: Final = frozenset({"action", "data", "href", "poster", "src", "xlink:href"})
_LINKS_IN_META: Final = frozenset({"og:url", "og:image"})


class DeadLink(NamedTuple):
    """A URL as a page has it, and why it leads nowhere."""

    page: str
    url: str
    reason: str


class Document(HTMLParser):
    """What one page, or a piece of one, links to and can be linked to by."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids = Counter[str]()
        self._names = set[str]()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag's URLs and ids."""
        given = {name: value or "" for name, value in attrs}
        self.links += [given[name].strip() for name in given.keys() & _LINKS]
        self.links += _candidates(given.get("srcset", ""))
        if tag == "meta" and given.get("property") in _LINKS_IN_META:
            self.links.append(given.get("content", ""))
        if "id" in given:
            self.ids[given["id"]] += 1
        if tag == "a" and "name" in given:
            self._names.add(given["name"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag's URLs and ids."""
        self.handle_starttag(tag, attrs)

    def has(self, fragment: str) -> bool:
        """Tell whether there is an element of that name."""
        return fragment in {"", "top"} or fragment in self.ids or fragment in self._names

    def repeated(self) -> list[str]:
        """Give the ids that more than one element has."""
        return sorted(name for name, count in self.ids.items() if count > 1)


class Website:
    """The files of an output folder, served at `url`, which ends in no slash."""

    def __init__(self, folder: Path, url: str) -> None:
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        self.url = url
        self.files = files.keys()
        self.pages: Mapping[str, Document] = {
            name: Document(path.read_text("utf-8")) for name, path in sorted(files.items()) if name.endswith(".html")
        }
        self._base = urlsplit(url).path + "/"

    def url_of(self, name: str) -> str:
        """Give the URL of a file."""
        return f"{self.url}/{quote(name.removesuffix('index.html'))}"

    def dead_links(self) -> list[DeadLink]:
        """Give the links that lead nowhere, of all pages."""
        return [dead for name, page in self.pages.items() for dead in self.dead_among(page.links, name)]

    def dead_among(self, links: Iterable[str], name: str) -> Iterator[DeadLink]:
        """Give those of a file's links that lead nowhere."""
        for link in links:
            reason = self._trouble(link, name)
            if reason:
                yield DeadLink(name, link, reason)

    def targets(self, name: str) -> list[str]:
        """Give the files that a page links to."""
        absolute = (urljoin(self.url_of(name), link) for link in self.pages[name].links)
        return [self.file_of(url) for url in absolute if url.startswith(f"{self.url}/")]

    def file_of(self, url: str) -> str:
        """Give the file that an absolute URL of this site names."""
        file = unquote(urlsplit(url).path.removeprefix(self._base))
        return f"{file}index.html" if not file or file.endswith("/") else file

    def _trouble(self, link: str, name: str) -> str:
        """Say what is wrong with a link, '' if nothing is."""
        try:
            url = urljoin(self.url_of(name), link)
            target = urlsplit(url)
        except ValueError:
            return "no URL"
        if target.scheme in ELSEWHERE or target.netloc != urlsplit(self.url).netloc:
            return ""
        if not target.path.startswith(self._base):
            return f"outside {self._base}"
        file = self.file_of(url)
        if file not in self.files:
            return "no such file"
        page = self.pages.get(file)
        return "" if page is None or page.has(unquote(target.fragment)) else "no such id"


def _candidates(srcset: str) -> list[str]:
    return [candidate.split()[0] for candidate in srcset.split(",") if candidate.strip()]
