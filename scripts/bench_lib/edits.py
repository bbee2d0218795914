"""The edits that a writer makes, each as data: what to do, which page shows it, and how to tell that it does.

An `Editor` makes edits of a made-up blog, one after the other, each of another post, the same for the same seed.
`body` changes a body that lists show; `body behind excerpt` one that they don't.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bench_lib.posts import LAST, draws, identity, tag_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench_lib.posts import Identity, Spec


NAVIGATION = "templates/partials/nav.liquid"


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit: files to write and to remove (paths relative to the site), and the page that tells of it.

    `page` is relative to the output; with `gone` the edit is done when it is absent.
    """

    writes: dict[str, str]
    page: str
    removes: tuple[str, ...] = ()
    gone: bool = False

    @property
    def paths(self) -> frozenset[str]:
        """All sources that it touches."""
        return frozenset((*self.writes, *self.removes))

    def apply(self, site: Path) -> None:
        """Write in place, as most editors do, then remove."""
        for path, text in self.writes.items():
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_text(text, encoding="utf-8")
        for path in self.removes:
            (site / path).unlink()


class Editor:
    """Makes edits of the blog that `spec` describes and `site` holds; no post is edited twice."""

    def __init__(self, spec: Spec, site: Path) -> None:
        self._spec = spec
        self.site = site
        self._rng = draws(spec, "edits")
        self._numbers = iter(self._rng.sample(range(spec.posts), spec.posts))
        self._new = 0

    def edit(self, kind: str) -> Edit:
        """Return the next edit of `kind`, one of KINDS or `partial`."""
        return Editor.partial(self) if kind == "partial" else KINDS[kind](self)

    def body(self) -> Edit:
        """Change a word of a body that lists show whole."""
        who, text = self._post(with_excerpt=False)
        return Edit({who.source: f"{text}\nPostscript {self._rng.getrandbits(32)}.\n"}, _page(who))

    def hidden_body(self) -> Edit:
        """Change a word of a body that stands behind an excerpt in lists."""
        who, text = self._post(with_excerpt=True)
        return Edit({who.source: f"{text}\nPostscript {self._rng.getrandbits(32)}.\n"}, _page(who))

    def title(self) -> Edit:
        """Change a title."""
        who, text = self._post()
        return Edit({who.source: _replaced(text, "title", f'"{who.title} {self._rng.getrandbits(16)}"')}, _page(who))

    def excerpt(self) -> Edit:
        """Change an excerpt."""
        who, text = self._post(with_excerpt=True)
        return Edit({who.source: _replaced(text, "excerpt", f'"In short, {who.title} {who.number}."')}, _page(who))

    def date(self) -> Edit:
        """Move a post to another day, and so to another URL."""
        who, text = self._post()
        moved = who.created + timedelta(days=40 if who.created < LAST - timedelta(days=50) else -40)
        changed = _replaced(text, "createdAt", f"{moved:%Y-%m-%dT%H:%M:%S.000Z}")
        return Edit({who.source: changed}, f"{moved:%Y/%m/%d}/{who.slug}/index.html")

    def tags(self) -> Edit:
        """Give a post two other tags."""
        who, text = self._post()
        one, two = self._rng.sample(tag_names()[:40], 2)
        return Edit({who.source: _replaced(text, "tags", f'["{one}", "{two}"]')}, _page(who))

    def new(self) -> Edit:
        """Publish a post today: it shifts every list it is in by one."""
        self._new += 1
        _, text = self._post()
        when, slug = LAST + timedelta(days=1, minutes=self._new), f"brand-new-{self._new}"
        fields = {
            "id": slug,
            "slug": slug,
            "title": f'"Brand new {self._new}"',
            "createdAt": f"{when:%Y-%m-%dT%H:%M:%SZ}",
        }
        for key, value in fields.items():
            text = _replaced(text, key, value)
        return Edit({f"posts/{when:%Y/%m}/{slug}.md": text}, f"{when:%Y/%m/%d}/{slug}/index.html")

    def delete(self) -> Edit:
        """Remove a post."""
        who, _ = self._post()
        return Edit({}, _page(who), removes=(who.source,), gone=True)

    def rename(self) -> Edit:
        """Rename a post's file together with its slug."""
        who, text = self._post()
        slug = f"{who.slug}-renamed"
        path = f"posts/{who.folder}/{slug}.md"
        return Edit({path: _replaced(text, "slug", slug)}, f"{who.created:%Y/%m/%d}/{slug}/index.html", (who.source,))

    def partial(self) -> Edit:
        """Change the partial that is on every page, where the blog has the plain templates."""
        text = (self.site / NAVIGATION).read_text(encoding="utf-8")
        return Edit({NAVIGATION: f"{text}<!-- {self._rng.getrandbits(32)} -->\n"}, "index.html")

    def _post(self, *, with_excerpt: bool | None = None) -> tuple[Identity, str]:
        for who, text in self._posts():
            if with_excerpt is None or ("\nexcerpt: " in text) is with_excerpt:
                return who, text
        raise LookupError("every post has been edited: take a larger blog or fewer rounds")

    def _posts(self) -> Iterator[tuple[Identity, str]]:
        for number in self._numbers:
            who = identity(self._spec, number)
            yield who, (self.site / who.source).read_text(encoding="utf-8")


KINDS: dict[str, Callable[[Editor], Edit]] = {
    "body": Editor.body,
    "body behind excerpt": Editor.hidden_body,
    "title": Editor.title,
    "excerpt": Editor.excerpt,
    "date": Editor.date,
    "tags": Editor.tags,
    "new post": Editor.new,
    "delete": Editor.delete,
    "rename": Editor.rename,
}


def _page(who: Identity) -> str:
    return f"{who.route}/index.html"


def _replaced(text: str, key: str, value: str) -> str:
    changed, found = re.subn(rf"(?m)^{key}: .*$", lambda _: f"{key}: {value}", text, count=1)
    assert found, key
    return changed
