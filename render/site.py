"""The site as one value: all posts, and what they say together; updated by deltas, never rebuilt after a save.

Words. A *post* has a page of its own; a *translation* is a record that shows a post in another language. A *tree* is
a language's subtree of the output, the main language's first. A post's *view* in a tree is the record shown there.
A *list* holds the paths of posts, newest first; lists come in two scopes, "main" for the main tree and "other" for all
others, which lack the posts that are not to be translated.

`apply` takes a delta in five steps: close the touched records under "is a translation of"; collect the posts that can
be affected (themselves, neighbours, targets of links, namesakes); note what can be asked about these; change the
indexes; compare. Its work grows with the delta, not with the site. What it answers is held by tests against a site
built anew from the same records.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from datetime import UTC, datetime
from itertools import starmap
from operator import ne
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from blogd.render.body import Macro
from blogd.render.changes import Changes
from blogd.render.diagnostic import Diagnostic
from blogd.render.links import FileLink, PostLink, link_target, url_segment
from blogd.render.media_index import MediaIndex
from blogd.render.reads import ALL, ASPECT
from blogd.render.records import Category, Media, MenuItem, Post, Project, Tag, TemplateSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blogd.render.reads import ListKey

FEW: Final = 16  # members added to a list one by one; more are added together and sorted
PAGE_CATEGORY: Final = "page"

_MAPPED: Final = ASPECT["path"] | ASPECT["updated_at"] | ASPECT["categories"] | ASPECT["alternates"] | ASPECT["untreed"]

Order = tuple[int, str, str]
MacroResults = tuple[str | None, ...]
Facts = tuple[object, ...]


class BodyRef(msgspec.Struct, frozen=True, gc=False):
    """Where a rendered body lies, and what it needs: `digest` is that of its pieces, `links` its internal `href`s."""

    segment: str
    offset: int
    length: int
    digest: bytes
    links: tuple[str, ...] = ()
    macros: tuple[Macro, ...] = ()


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A post or translation with its rendered body."""

    post: Post
    body: BodyRef


class Meta(msgspec.Struct, frozen=True):
    """The site's settings. `trees` are its language codes, the main one first; `timezone` is an IANA name."""

    project: Project = Project()
    trees: tuple[str, ...] = ("en",)
    timezone: str = "UTC"
    categories: dict[str, Category] = {}
    tags: dict[str, Tag] = {}
    menu: tuple[MenuItem, ...] = ()


class Delta(msgspec.Struct, frozen=True):
    """What is new: records by path, None for those that are gone.

    `macros` are the results of a record's Python macros by tree.
    """

    meta: Meta | None = None
    entries: dict[str, Entry | None] = {}
    media: dict[str, Media | None] = {}
    templates: dict[str, TemplateSource | None] = {}
    macros: dict[tuple[str, str], MacroResults | None] = {}


class Site:
    """All that pages are made of. Only `apply` changes it."""

    def __init__(self) -> None:
        self.meta = Meta()
        self.zone: ZoneInfo = ZoneInfo("UTC")
        self.entries: dict[str, Entry] = {}
        self.templates: dict[str, TemplateSource] = {}
        self.media = MediaIndex()
        self.macros: dict[tuple[str, str], MacroResults] = {}
        self.problems: dict[str, tuple[Diagnostic, ...]] = {}
        self.tag_counts: dict[str, int] = {}
        self._is_loaded = False
        self._forget()

    def _forget(self) -> None:
        self.lists: dict[ListKey, list[str]] = {}
        self.names: dict[tuple[str, str], set[str]] = {}
        self.ids: dict[str, list[str]] = {}
        self.slugs: dict[str, list[str]] = {}
        self.order: dict[str, Order] = {}
        self.dates: dict[str, tuple[str, str, str]] = {}
        self._routes: dict[str, str] = {}
        self.translations: dict[str, dict[str, str]] = {}
        self.bases: dict[str, str] = {}
        self._wanted: dict[str, set[str]] = {}
        self._siblings: dict[str, set[str]] = {}
        self._linkers: dict[str, set[str]] = {}
        self._membership: dict[str, tuple[ListKey, ...]] = {}
        self._keys: dict[ListKey, ListKey] = {}
        self.tag_counts.clear()
        self.problems.clear()

    # What can be asked.

    @property
    def main(self) -> str:
        """The main language."""
        return self.meta.trees[0]

    def scope(self, tree: str) -> str:
        """Name the set of lists that a tree shows."""
        return "main" if tree == self.main else "other"

    def prefix(self, tree: str) -> str:
        """Give the URL prefix of a tree."""
        return "" if tree == self.main else f"/{tree}"

    def view(self, path: str, tree: str) -> Entry:
        """Give the record that shows a post in a tree."""
        entry = self.entries[path]
        if (entry.post.language or self.main) == tree:
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
        return f"/{url_segment(self.entries[path].post.slug)}/" if self.is_page(path) else self.route(path)

    def members(self, key: ListKey) -> list[str]:
        """Give the posts of a list, newest first."""
        return self.lists.get(key, [])

    def is_page(self, path: str) -> bool:
        """Tell whether a post is a page."""
        return PAGE_CATEGORY in self.entries[path].post.categories

    def find(self, target: PostLink | FileLink) -> str | None:
        """Find the post that a link means; of several with one slug, the newest that has the link's date, if any."""
        if isinstance(target, FileLink):
            base = self.bases.get(target.path, target.path)
            return base if base in self.order else None
        candidates = self.slugs.get(target.slug, ())
        for path in candidates:
            if target.date and tuple(map(int, self.dates[path]))[: len(target.date)] == target.date:
                return path
        return candidates[0] if candidates else None

    def backlinks(self, path: str, tree: str) -> tuple[str, ...]:
        """Give the posts whose bodies, as this tree shows them, link to a post; newest first."""
        linkers = self._linkers.get(self.entries[path].post.slug, set()) | self._linkers.get(f"/{path}", set())
        found: set[str] = set()
        for linker in linkers:
            base = self.bases.get(linker, linker)
            if base != path and self.is_in(base, tree) and self.view(base, tree).post.path == linker:
                targets = self._targets(self.entries[linker])
                if any(self.find(target) == path for target in targets):
                    found.add(base)
        return tuple(sorted(found, key=self.order.__getitem__))

    def neighbours(self, path: str, tree: str) -> tuple[str | None, str | None]:
        """Give the older and the newer post of one in the tree's list set."""
        posts = self.members((self.scope(tree), "root", ""))
        at = bisect_left(posts, self.order[path], key=self.order.__getitem__)
        if at >= len(posts) or posts[at] != path:
            return None, None
        return posts[at + 1] if at + 1 < len(posts) else None, posts[at - 1] if at else None

    def alternates(self, path: str) -> tuple[str, ...]:
        """Give the trees that show a post in their own language."""
        shown = (tree for tree in self.meta.trees if self.is_in(path, tree))
        return tuple(tree for tree in shown if (self.view(path, tree).post.language or self.main) == tree)

    def untreed(self, path: str) -> list[str]:
        """Give a post's translations into languages that have no tree, as paths of records."""
        found = self.translations.get(path, {}).items()
        return sorted(record for language, record in found if language not in self.meta.trees)

    def facts(self, path: str, tree: str) -> Facts:
        """Give all that can be asked about a post in a tree, in the order of `reads.POST_ASPECTS`."""
        base = self.entries[path].post
        entry = self.view(path, tree)
        post, body = entry.post, entry.body
        created = base.created_at if post.created_at is None else post.created_at
        updated = base.updated_at if post.updated_at is None else post.updated_at
        published = base.published_at if post.published_at is None else post.published_at
        return (
            base.id,
            post.title,
            (post.excerpt if post.excerpt is not None else base.excerpt, post.excerpt),
            (body.digest, post.path),
            post.source_digest,
            base.slug,
            post.language or post.sibling_language or self.main,
            post.author or base.author,
            created,
            created if updated is None else updated,
            created if published is None else published,
            base.tags,
            base.categories,
            self.route(path),
            self.dates[path],
            (base.template_slug, base.layout),
            self.alternates(path),
            self.backlinks(path, tree),
            *self.neighbours(path, tree),
            base.do_not_translate,
            self.untreed(path),
            [self.entries[record] for record in self.untreed(path)],
        )

    # How it changes.

    def apply(self, delta: Delta) -> Changes:
        """Take in what is new and say which answers changed."""
        if not self._is_loaded:
            self._load(delta)
            return Changes(everything=True)
        if delta.meta is not None and self._is_new_frame(delta.meta):
            return self._reframe(delta)
        changes = Changes()
        touched = set(delta.entries)
        if delta.meta is not None:
            touched |= self._apply_meta(delta.meta, changes)
        self._apply_files(delta, changes)
        if touched:
            self._apply_entries(delta, touched, changes)
        self._apply_macros(delta, changes)
        self._derive(changes)
        return changes

    def _load(self, delta: Delta) -> None:
        """Take in a whole site, where nobody has asked anything yet."""
        self._is_loaded = True
        if delta.meta is not None:
            self.meta = delta.meta
            self.zone = ZoneInfo(delta.meta.timezone)
        self._apply_files(delta, Changes())
        self._apply_macros(delta, Changes())
        self._reindex(set(delta.entries), delta.entries)

    def snapshot(self) -> Delta:
        """Give the whole site as a delta to an empty one."""
        return Delta(
            meta=self.meta,
            entries=dict(self.entries),
            media=dict(self.media.files),
            templates=dict(self.templates),
            macros=dict(self.macros),
        )

    def _is_new_frame(self, meta: Meta) -> bool:
        return (meta.trees, meta.timezone) != (self.meta.trees, self.meta.timezone)

    def _reframe(self, delta: Delta) -> Changes:
        """Languages or time zone differ: every URL may."""
        entries = {**self.entries, **delta.entries}
        self._forget()
        self.entries = {}
        self._load(msgspec.structs.replace(delta, entries=entries))
        return Changes(everything=True)

    def _apply_meta(self, meta: Meta, changes: Changes) -> set[str]:
        old, self.meta = self.meta, meta
        for field in Project.__struct_fields__:
            if getattr(old.project, field) != getattr(meta.project, field):
                changes.add(("project", field))
        if old.menu != meta.menu:
            changes.add(("menu",))
        _compare("tag", old.tags, meta.tags, changes)
        _compare("category", old.categories, meta.categories, changes)
        relisted = {
            name
            for name in old.categories.keys() | meta.categories.keys()
            if _is_listed(old, name) != _is_listed(meta, name)
        }
        return {path for path in self.order if relisted.intersection(self.entries[path].post.categories)}

    def _apply_files(self, delta: Delta, changes: Changes) -> None:
        for name, source in delta.templates.items():
            if self.templates.get(name) != source:
                changes.add(("template", name))
            if source is None:
                self.templates.pop(name, None)
            else:
                self.templates[name] = source
        if delta.media:
            self.media.apply(delta.media, changes)

    def _apply_entries(self, delta: Delta, touched: set[str], changes: Changes) -> None:
        touched = self._close(touched, delta.entries)
        affected = self._affected(touched, delta.entries)
        slugs = {entry.post.slug for path in touched for entry in self._versions(path, delta.entries)}
        ids = {entry.post.id for path in touched for entry in self._versions(path, delta.entries)}
        before = self._answers(affected, slugs, ids, touched)
        counts = dict(self.tag_counts) if affected else {}
        changes.lists.update(self._reindex(touched, delta.entries))
        after = self._answers(affected, slugs, ids, touched)
        for entity in before.keys() | after.keys():
            changes.add(entity, _mask(before.get(entity), after.get(entity)))
        if counts != self.tag_counts:
            changes.add(("cloud",))

    def _apply_macros(self, delta: Delta, changes: Changes) -> None:
        for (record, tree), results in delta.macros.items():
            if self.macros.get((record, tree)) != results:
                changes.add(("post", self.bases.get(record, record), tree), ASPECT["macros"])
            if results is None:
                self.macros.pop((record, tree), None)
            else:
                self.macros[record, tree] = results

    def _derive(self, changes: Changes) -> None:
        """Add the questions about many posts at once."""
        kinds = {entity[0] for entity in changes.masks}
        for kind, everything in (("slug", "slugs"), ("id", "ids")):
            if kind in kinds:
                changes.add((everything,))
        if changes.lists or any(mask & _MAPPED for entity, mask in changes.masks.items() if entity[0] == "post"):
            changes.add(("sitemap",))
        for (scope, kind, _), (old, new) in changes.lists.items():
            if kind in {"tag", "category"} and len(old) != len(new):
                changes.add(("taxonomy", scope, kind))
            if kind == "day" and len(old) != len(new):
                changes.add(("calendar", scope))

    def _versions(self, path: str, entries: dict[str, Entry | None]) -> Iterator[Entry]:
        """Give a record as it is and as it is to be."""
        old, new = self.entries.get(path), entries.get(path)
        if old is not None:
            yield old
        if new is not None and new is not old:
            yield new

    def _close(self, touched: set[str], entries: dict[str, Entry | None]) -> set[str]:
        """Add the records whose being a translation, or of what, hangs on those touched."""
        closed, pending = set(touched), list(touched)
        while pending:
            found = set(self._relatives(pending.pop(), entries)) - closed
            closed |= found
            pending.extend(found)
        return closed

    def _relatives(self, path: str, entries: dict[str, Entry | None]) -> Iterator[str]:
        """Give the records that have a record's id, translate it, or translate the same post."""
        yield from self._siblings.get(path, ())
        for post in (entry.post for entry in self._versions(path, entries)):
            yield from self._wanted.get(post.id, ())
            yield from self.ids.get(post.id, ())
            if post.translation_for is not None:
                yield from self._wanted.get(post.translation_for, ())
                for base in self.ids.get(post.translation_for, ()):
                    yield from self._siblings.get(base, ())
            if post.sibling is not None:
                yield from self._siblings.get(post.sibling, ())
                for entry in self._versions(post.sibling, entries):
                    yield from self._wanted.get(entry.post.id, ())

    def _affected(self, touched: set[str], entries: dict[str, Entry | None]) -> set[str]:
        """Give the posts about which an answer can change."""
        affected = set(touched)
        for path in touched:
            for entry in self._versions(path, entries):
                affected |= self._namesakes(path, entry.post)
                affected.update(self._around(path, entry))
        shown = affected | {record for path in affected for record in self.translations.get(path, {}).values()}
        for path in shown:
            for entry in self._versions(path, entries):
                for target in self._targets(entry):
                    affected |= self._meant(target)
        return affected

    def _namesakes(self, path: str, post: Post) -> set[str]:
        """Give the posts with which a record shares a slug or an id, or which it translates."""
        found = {*self.ids.get(post.id, ()), *self.ids.get(post.translation_for or "", ())}
        found.update(self.slugs.get(post.slug, ()))
        found.update(base for base in (self.bases.get(path), post.sibling) if base is not None)
        return found

    def _meant(self, target: PostLink | FileLink) -> set[str]:
        """Give the posts that a link can mean."""
        if isinstance(target, PostLink):
            return set(self.slugs.get(target.slug, ()))
        return {self.bases.get(target.path, target.path)}

    def _around(self, path: str, entry: Entry) -> Iterator[str]:
        """Give the posts beside which one stands, or would stand, in the list set."""
        place = (-(entry.post.created_at or 0), entry.post.slug, path)
        for scope in ("main", "other"):
            posts = self.members((scope, "root", ""))
            at = bisect_left(posts, place, key=self.order.__getitem__)
            yield from posts[max(0, at - 1) : at + 2]

    def _answers(
        self, affected: set[str], slugs: set[str], ids: set[str], touched: set[str]
    ) -> dict[tuple[str, ...], Facts]:
        answers: dict[tuple[str, ...], Facts] = {}
        for path in affected:
            for tree in self.meta.trees:
                if self.is_in(path, tree):
                    answers["post", path, tree] = self.facts(path, tree)
        for slug in slugs:
            answers["slug", slug] = (tuple((path, self.route(path)) for path in self.slugs.get(slug, ())),)
        for name in ids:
            answers["id", name] = (tuple(self.ids.get(name, ())),)
        for path in affected | touched:
            base = self.bases.get(path, path)
            answers["file", path] = (self.route(base) if base in self.order else None,)
        return answers

    def _targets(self, entry: Entry) -> list[PostLink | FileLink]:
        found = (link_target(url, entry.post.path) for url in entry.body.links)
        return [target for target in found if isinstance(target, PostLink | FileLink)]

    # The indexes.

    def _reindex(
        self, touched: set[str], entries: dict[str, Entry | None]
    ) -> dict[ListKey, tuple[list[str], list[str]]]:
        """Take records out of all indexes, exchange them, and put them in again; give the lists that differ."""
        leaving = {path: (self.order[path], self._membership[path]) for path in touched if path in self.order}
        for path in touched:
            if path in self.entries:
                self._remove(path, self.entries[path])
        for path, entry in entries.items():
            if entry is None:
                self.entries.pop(path, None)
            else:
                self.entries[path] = entry
        present = sorted(path for path in touched if path in self.entries)
        translations = {path for path in present if self._translates(path) is not None}
        for path in present:
            if path not in translations:
                self._add_dated(path, self.entries[path].post)
        for path in present:
            self._add_links(path, self.entries[path])
            if path in translations:
                self._add_translation(path, self.entries[path].post)
        arriving = {path: (self.order[path], self._membership[path]) for path in present if path in self.order}
        return self._relist(leaving, arriving)

    def _remove(self, path: str, entry: Entry) -> None:
        post = entry.post
        self.problems.pop(path, None)
        _discard(self._wanted, post.translation_for, path)
        _discard(self._siblings, post.sibling, path)
        for key in self._link_keys(entry):
            _discard(self._linkers, key, path)
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
            del self.order[path], self.dates[path], self._routes[path], self._membership[path]

    def _translates(self, path: str) -> str | None:
        """Say what a record is a translation of (an id or, after `/`, a path), None if it is a post."""
        post = self.entries[path].post
        if post.translation_for is not None:
            return post.translation_for
        if post.sibling in self.entries and (post.sibling_language in self.meta.trees):
            return f"/{post.sibling}"
        return None

    def _add_dated(self, path: str, post: Post) -> None:
        if post.created_at is not None:
            self._add_post(path, post, post.created_at)
            return
        message = f"has no date: there is no {post.sibling} that it would be a translation of"
        hint = "give it a line `createdAt: 2025-01-31`, or add the post"
        self.problems[path] = (Diagnostic(severity="error", path=path, line=1, message=message, hint=hint),)

    def _add_post(self, path: str, post: Post, created: int) -> None:
        self.order[path] = (-created, post.slug, path)
        local = datetime.fromtimestamp(created / 1_000_000, tz=UTC).astimezone(self.zone)
        self.dates[path] = (f"{local.year:04}", f"{local.month:02}", f"{local.day:02}")
        self._routes[path] = f"/{'/'.join(self.dates[path])}/{url_segment(post.slug)}/"
        insort(self.ids.setdefault(post.id, []), path)
        insort(self.slugs.setdefault(post.slug, []), path, key=self.order.__getitem__)
        for tag in post.tags:
            self.tag_counts[tag] = self.tag_counts.get(tag, 0) + 1
        self._membership[path] = tuple(self._lists_of(path, post))
        first = self.ids[post.id][0]
        if first != path:
            self._report(
                path, f"the id {post.id!r} is also that of {first}", "give each post an id of its own, or none"
            )

    def _add_translation(self, path: str, post: Post) -> None:
        named = self._translates(path) or ""
        base = named[1:] if named.startswith("/") else next(iter(self.ids.get(named, ())), None)
        if base is None or base not in self.order:
            self._report(
                path,
                f"this translates {named.removeprefix('/')!r}, but there is no such post",
                "set translationFor to the id of a published post",
            )
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
        self.problems[path] = (Diagnostic(severity="warning", path=path, line=1, message=message, hint=hint),)

    def _add_links(self, path: str, entry: Entry) -> None:
        for index, key in ((self._wanted, entry.post.translation_for), (self._siblings, entry.post.sibling)):
            if key is not None:
                index.setdefault(key, set()).add(path)
        for key in self._link_keys(entry):
            self._linkers.setdefault(key, set()).add(path)

    def _link_keys(self, entry: Entry) -> Iterator[str]:
        for target in self._targets(entry):
            yield target.slug if isinstance(target, PostLink) else f"/{target.path}"

    def _lists_of(self, path: str, post: Post) -> Iterator[ListKey]:
        hidden = any(not _is_listed(self.meta, name) for name in post.categories)
        if hidden or PAGE_CATEGORY in post.categories:
            return
        scopes = ("main",) if post.do_not_translate or len(self.meta.trees) == 1 else ("main", "other")
        year, month, day = self.dates[path]
        names = [("root", ""), ("year", year), ("month", f"{year}/{month}"), ("day", f"{year}/{month}/{day}")]
        names += [("category", name) for name in post.categories] + [("tag", name) for name in post.tags]
        for scope in scopes:
            for kind, name in names:
                key = (scope, kind, name)
                yield self._keys.setdefault(key, key)

    def _relist(
        self,
        leaving: dict[str, tuple[Order, tuple[ListKey, ...]]],
        arriving: dict[str, tuple[Order, tuple[ListKey, ...]]],
    ) -> dict[ListKey, tuple[list[str], list[str]]]:
        removed: dict[ListKey, set[str]] = {}
        added: dict[ListKey, list[str]] = {}
        for path, (order, keys) in leaving.items():
            stays = arriving.get(path)
            for key in keys:
                if stays is None or stays[0] != order or key not in stays[1]:
                    removed.setdefault(key, set()).add(path)
        for path, (order, keys) in arriving.items():
            was = leaving.get(path)
            for key in keys:
                if was is None or was[0] != order or key not in was[1]:
                    added.setdefault(key, []).append(path)
        return {
            key: self._replace(key, removed.get(key, set()), added.get(key, []))
            for key in removed.keys() | added.keys()
        }

    def _replace(self, key: ListKey, removed: set[str], added: list[str]) -> tuple[list[str], list[str]]:
        old = self.lists.get(key, [])
        new = [path for path in old if path not in removed] if removed else old.copy()
        if len(added) < FEW:
            for path in added:
                insort(new, path, key=self.order.__getitem__)
        else:
            new = sorted(new + added, key=self.order.__getitem__)
        names = self.names.setdefault(key[:2], set())
        if new:
            self.lists[key] = new
            names.add(key[2])
        else:
            self.lists.pop(key, None)
            names.discard(key[2])
        return old, new


def _is_listed(meta: Meta, category: str) -> bool:
    found = meta.categories.get(category)
    return found is None or found.render_in_lists


def _compare(
    kind: str, old: dict[str, Category] | dict[str, Tag], new: dict[str, Category] | dict[str, Tag], changes: Changes
) -> None:
    for name in old.keys() | new.keys():
        if old.get(name) != new.get(name):
            changes.add((kind, name))
    if old != new:
        changes.add((f"{kind}s",))


def _mask(before: Facts | None, after: Facts | None) -> int:
    if before is None or after is None:
        return ALL
    return sum(1 << bit for bit, differs in enumerate(starmap(ne, zip(before, after, strict=True))) if differs)


def _discard(index: dict[str, set[str]], key: str | None, path: str) -> None:
    if key is not None and key in index:
        index[key].discard(path)
        if not index[key]:
            del index[key]
