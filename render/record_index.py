"""All records of a site with what they say together: which are translations of which, lists, slugs, links.

Words. A *post* has a page of its own; a *translation* is a record that shows a post in another language. A *tree* is
a language's subtree of the output, the main language's first. A post's *view* in a tree is the record shown there.

Records are exchanged all at once: those touched are taken out of every index, replaced, and put in again, posts before
the translations that look for them. Touched must be all whose being a post or a translation can change
(`Site` sees to that).
"""

from __future__ import annotations

from bisect import insort
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from blogd.render.delta import Meta
from blogd.render.diagnostic import Diagnostic
from blogd.render.links import FileLink, MediaLink, PostLink, link_target, url_segment
from blogd.render.list_index import ListIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blogd.render.delta import Entry
    from blogd.render.diagnostic import Severity
    from blogd.render.list_index import ListChanges, Place
    from blogd.render.reads import ListKey
    from blogd.render.records import Post

PAGE_CATEGORY: Final = "page"
Target = PostLink | FileLink


class RecordIndex:
    """Records by path, and their indexes; `order` has the posts, without translations."""

    def __init__(self) -> None:
        self.meta = Meta()
        self.zone: ZoneInfo = ZoneInfo("UTC")
        self.forget()

    def forget(self) -> None:
        """Have no records."""
        self.entries: dict[str, Entry] = {}
        self.unshown: dict[str, str] = {}
        self._unshown_ids: dict[str, set[str]] = {}
        self.lists = ListIndex()
        self.order = self.lists.order
        self.ids: dict[str, list[str]] = {}
        self.slugs: dict[str, list[str]] = {}
        self.dates: dict[str, tuple[str, str, str]] = {}
        self.translations: dict[str, dict[str, str]] = {}
        self.bases: dict[str, str] = {}
        self.tag_counts: dict[str, int] = {}
        self.problems: dict[str, tuple[Diagnostic, ...]] = {}
        self._routes: dict[str, str] = {}
        self._wanted: dict[str, set[str]] = {}
        self._siblings: dict[str, set[str]] = {}
        self._linkers: dict[str, dict[str, list[Target]]] = {}

    @property
    def main(self) -> str:
        """The main language."""
        return self.meta.trees[0]

    def scope(self, tree: str) -> str:
        """Name the set of lists that a tree shows."""
        return "main" if tree == self.meta.trees[0] else "other"

    def prefix(self, tree: str) -> str:
        """Give the URL prefix of a tree."""
        return "" if tree == self.meta.trees[0] else f"/{tree}"

    def prefixes(self) -> tuple[str, ...]:
        """Give the URL prefixes of all trees but the main one."""
        return tuple(map(self.prefix, self.meta.trees[1:]))

    def view(self, path: str, tree: str) -> Entry:
        """Give the record that shows a post in a tree."""
        entry = self.entries[path]
        if (entry.post.language or self.meta.trees[0]) == tree:
            return entry
        translation = self.translations.get(path, {}).get(tree)
        return self.entries[translation] if translation else entry

    def is_in(self, path: str, tree: str) -> bool:
        """Tell whether a tree has a post."""
        return path in self.order and (tree == self.main or not self.entries[path].post.do_not_translate)

    def route(self, path: str) -> str:
        """Give a post's canonical path, without language prefix."""
        return self._routes[path]

    def home_of(self, path: str) -> str:
        """Give the URL that stands for a post: a page's short one, else the canonical path."""
        post = self.entries[path].post
        return f"/{url_segment(post.slug)}/" if PAGE_CATEGORY in post.categories else self._routes[path]

    def members(self, key: ListKey) -> list[str]:
        """Give the posts of a list, newest first."""
        return self.lists.members.get(key, [])

    def is_page(self, path: str) -> bool:
        """Tell whether a post is a page."""
        return PAGE_CATEGORY in self.entries[path].post.categories

    def find(self, target: Target) -> str | None:
        """Find the post that a link means; of several with one slug, the newest that has the link's date, if any."""
        if isinstance(target, FileLink):
            base = self.bases.get(target.path, target.path)
            return base if base in self.order else None
        candidates = self.slugs.get(target.slug, ())
        for path in candidates if target.date and len(candidates) > 1 else ():
            if tuple(map(int, self.dates[path]))[: len(target.date)] == target.date:
                return path
        return candidates[0] if candidates else None

    def linkers(self, path: str) -> Iterator[tuple[str, list[Target]]]:
        """Give the records whose bodies may link to a post, with the links by which they may."""
        yield from self._linkers.get(self.entries[path].post.slug, {}).items()
        for file in (path, *self.translations.get(path, {}).values()):
            yield from self._linkers.get(f"/{file}", {}).items()

    def targets(self, entry: Entry) -> Iterator[Target]:
        """Give what a record's internal links name."""
        for url in entry.body.links:
            target = link_target(url, entry.post.path)
            if target is not None and not isinstance(target, MediaLink):
                yield target

    def hide(self, unshown: Mapping[str, str | None]) -> set[str]:
        """Note which posts are there but not shown, by path; give the records that may be translations of them."""
        hanging: set[str] = set()
        for path, post_id in unshown.items():
            old = self.unshown.pop(path, None)
            _discard(self._unshown_ids, old, path)
            if post_id is not None:
                self.unshown[path] = post_id
                self._unshown_ids.setdefault(post_id, set()).add(path)
            hanging.update(
                self._siblings.get(path, ()), self._wanted.get(old or "", ()), self._wanted.get(post_id or "", ())
            )
        return hanging

    def exchange(self, touched: set[str], entries: Mapping[str, Entry | None]) -> ListChanges:
        """Take records out of all indexes, replace some, and put them in again; give the lists that differ."""
        left: dict[str, Place] = {}
        for path in touched:
            place = self.lists.place(path)
            if place is not None:
                left[path] = place
            if path in self.entries:
                self._remove(path, self.entries[path])
        for path, entry in entries.items():
            if entry is None:
                self.entries.pop(path, None)
            else:
                self.entries[path] = entry
        present = sorted(path for path in touched if path in self.entries)
        translations = [path for path in present if self._translates(path) is not None]
        for path in sorted(set(present).difference(translations)):
            self._add_dated(path, self.entries[path].post)
        for path in present:
            self._add_links(path, self.entries[path])
        for path in translations:
            self._add_translation(path, self.entries[path].post)
        arrived = sorted((path for path in present if path in self.order), key=self.order.__getitem__)
        return self.lists.change(left, arrived)

    def _remove(self, path: str, entry: Entry) -> None:
        post = entry.post
        self.problems.pop(path, None)
        self._remove_links(path, entry)
        base = self.bases.pop(path, None)
        if base is not None:
            shown = self.translations.get(base, {})
            for language in [language for language, record in shown.items() if record == path]:
                del shown[language]
            if not shown:
                self.translations.pop(base, None)
        if path in self.order:
            for index, key in ((self.ids, post.id), (self.slugs, post.slug)):
                index[key].remove(path)
                if not index[key]:
                    del index[key]
            for tag in post.tags:
                self.tag_counts[tag] -= 1
                if not self.tag_counts[tag]:
                    del self.tag_counts[tag]
            del self.dates[path], self._routes[path]
            self.lists.leave(path)

    def _remove_links(self, path: str, entry: Entry) -> None:
        _discard(self._wanted, entry.post.translation_for, path)
        _discard(self._siblings, entry.post.sibling, path)
        for target in self.targets(entry):
            linkers = self._linkers.get(_link_key(target), {})
            linkers.pop(path, None)
            if not linkers:
                self._linkers.pop(_link_key(target), None)

    def _translates(self, path: str) -> str | None:
        """Say what a record is a translation of (an id or, after `/`, a path), None if it is a post."""
        post = self.entries[path].post
        if post.translation_for is not None:
            return post.translation_for
        is_there = post.sibling in self.entries or post.sibling in self.unshown
        if is_there and post.sibling_language in self.meta.trees:
            return f"/{post.sibling}"
        return None

    def _add_dated(self, path: str, post: Post) -> None:
        if post.created_at is not None:
            self._add_post(path, post, post.created_at)
            return
        self.problems[path] = (_undated(post, is_there=post.sibling in self.entries),)

    def _add_post(self, path: str, post: Post, created: int) -> None:
        local = datetime.fromtimestamp(created / 1_000_000, self.zone)
        self.dates[path] = _date(local.year, local.month, local.day)
        self._routes[path] = f"/{'/'.join(self.dates[path])}/{url_segment(post.slug)}/"
        self.lists.arrive(path, (-created, post.slug, path), self._lists_of(path, post))
        insort(self.ids.setdefault(post.id, []), path)
        insort(self.slugs.setdefault(post.slug, []), path, key=self.order.__getitem__)
        for tag in post.tags:
            self.tag_counts[tag] = self.tag_counts.get(tag, 0) + 1
        first = self.ids[post.id][0]
        if first != path:
            self._report(
                path, f"the id {post.id!r} is also that of {first}", "give each post an id of its own, or none"
            )

    def _add_translation(self, path: str, post: Post) -> None:
        named = self._translates(path) or ""
        base = named[1:] if named.startswith("/") else next(iter(self.ids.get(named, ())), None)
        if base is None or base not in self.order:
            if named[1:] not in self.unshown and named not in self._unshown_ids:
                message = f"this translates {named.removeprefix('/')!r}, but there is no such post"
                self._report(path, message, "set translationFor to the id of a post")
            return
        language = post.language or post.sibling_language or self.main
        shown = self.translations.setdefault(base, {})
        if language in shown:
            self._report(
                path, f"{base} has a translation into {language!r} already: {shown[language]}", "keep one of the two"
            )
            return
        shown[language] = path
        self.bases[path] = base

    def _report(self, path: str, message: str, hint: str) -> None:
        self.problems[path] = (Diagnostic(severity="warning", path=path, line=1, column=1, message=message, hint=hint),)

    def _add_links(self, path: str, entry: Entry) -> None:
        for index, key in ((self._wanted, entry.post.translation_for), (self._siblings, entry.post.sibling)):
            if key is not None:
                index.setdefault(key, set()).add(path)
        for target in self.targets(entry):
            self._linkers.setdefault(_link_key(target), {}).setdefault(path, []).append(target)

    def _lists_of(self, path: str, post: Post) -> Iterator[ListKey]:
        hidden = any(not is_listed(self.meta, name) for name in post.categories)
        if hidden or PAGE_CATEGORY in post.categories:
            return
        scopes = ("main",) if post.do_not_translate or len(self.meta.trees) == 1 else ("main", "other")
        for scope in scopes:
            yield from _lists_of_day(scope, self.dates[path])
            for name in post.categories:
                yield _list(scope, "category", name)
            for name in post.tags:
                yield _list(scope, "tag", name)


# Posts share their dates and the keys of their lists: what is cached here is one value for all of them.


@lru_cache(maxsize=1 << 14)
def _date(year: int, month: int, day: int) -> tuple[str, str, str]:
    return f"{year:04}", f"{month:02}", f"{day:02}"


@lru_cache(maxsize=1 << 14)
def _lists_of_day(scope: str, date: tuple[str, str, str]) -> tuple[ListKey, ...]:
    year, month, day = date
    names = (("root", ""), ("year", year), ("month", f"{year}/{month}"), ("day", f"{year}/{month}/{day}"))
    return tuple(_list(scope, kind, name) for kind, name in names)


@lru_cache(maxsize=1 << 14)
def _list(scope: str, kind: str, name: str) -> ListKey:
    return scope, kind, name


def _link_key(target: Target) -> str:
    return target.slug if isinstance(target, PostLink) else f"/{target.path}"


def is_listed(meta: Meta, category: str) -> bool:
    """Tell whether posts of a category are on lists."""
    found = meta.categories.get(category)
    return found is None or found.render_in_lists


def _discard(index: dict[str, set[str]], key: str | None, path: str) -> None:
    if key is not None and key in index:
        index[key].discard(path)
        if not index[key]:
            del index[key]


def _undated(post: Post, *, is_there: bool) -> Diagnostic:
    """Say why a post without a date is no translation of the post beside it; that may be a draft, which is no error."""
    dated = "give it a line `createdAt: 2025-01-31`"
    if is_there:
        message = f"has no date: it would be a translation of {post.sibling}, but the blog has no such language"
        hint = f"add {post.sibling_language!r} to `blogLanguages` in meta/project.json, or {dated}"
    else:
        message = f"is left out: no post {post.sibling} is published that it would be a translation of"
        hint = f"publish the post, or {dated}"
    severity: Severity = "error" if is_there else "warning"
    return Diagnostic(severity=severity, path=post.path, line=1, column=1, message=message, hint=hint)
