"""The site as one value: all posts, and what they say together; updated by deltas, never rebuilt after a save.

What can be asked stands on the indexes of `record_index`, where the words are explained.

`apply` takes a delta in five steps: close the touched records under "is a translation of"; collect the posts that can
be affected (themselves, neighbours, targets of links, namesakes); note what can be asked about these; change the
indexes; compare. Its work grows with the delta, not with the site. What it answers is held by tests against a site
built anew from the same records.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import starmap
from operator import ne
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import astuple

from blogd.render.changes import Changes
from blogd.render.delta import Delta
from blogd.render.links import PostLink
from blogd.render.media_index import MediaIndex
from blogd.render.reads import ALL, ASPECT
from blogd.render.record_index import RecordIndex, is_listed
from blogd.render.records import Category, Project, Tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blogd.render.delta import Entry, MacroResults, Meta
    from blogd.render.record_index import Target
    from blogd.render.records import Post, TemplateSource

_MAPPED: Final = ASPECT["updated_at"] | ASPECT["categories"] | ASPECT["alternates"] | ASPECT["translations"]

Facts = tuple[object, ...]


class Site(RecordIndex):
    """All that pages are made of. Only `apply` changes it."""

    def __init__(self) -> None:
        super().__init__()
        self.templates: dict[str, TemplateSource] = {}
        self.media = MediaIndex()
        self.macros: dict[tuple[str, str], MacroResults] = {}
        self._is_loaded = False

    # What can be asked.

    def backlinks(self, path: str, tree: str) -> tuple[str, ...]:
        """Give the posts whose bodies, as this tree shows them, link to a post; newest first."""
        found: set[str] = set()
        for linker, targets in self.linkers(path):
            base = self.bases.get(linker, linker)
            is_shown = base != path and self.is_in(base, tree) and self.view(base, tree) is self.entries[linker]
            if is_shown and path in map(self.find, targets):
                found.add(base)
        return tuple(sorted(found, key=self.order.__getitem__)) if found else ()

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
            (base.template_slug, base.layout, self.meta.template_for(base)),
            self.alternates(path),
            self.backlinks(path, tree),
            *self.neighbours(path, tree),
            base.do_not_translate,
            post.status,
            sorted(self.translations.get(path, {}).items()),
            [(entry.post, entry.body.digest) for entry in map(self.entries.__getitem__, self.untreed(path))],
            (post.body_line, base.template_at),
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
        touched = set(delta.entries) | self.hide(delta.unshown)
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
        self.hide(delta.unshown)
        self.exchange(set(delta.entries), delta.entries)

    def snapshot(self) -> Delta:
        """Give the whole site as a delta to an empty one."""
        return Delta(
            meta=self.meta,
            entries=dict(self.entries),
            media=dict(self.media.files),
            templates=dict(self.templates),
            macros=dict(self.macros),
            unshown=dict(self.unshown),
        )

    def _is_new_frame(self, meta: Meta) -> bool:
        return (meta.trees, meta.timezone) != (self.meta.trees, self.meta.timezone)

    def _reframe(self, delta: Delta) -> Changes:
        """Languages or time zone differ: every URL may."""
        entries, unshown = {**self.entries, **delta.entries}, {**self.unshown, **delta.unshown}
        self.forget()
        self._load(msgspec.structs.replace(delta, entries=entries, unshown=unshown))
        return Changes(everything=True)

    def _apply_meta(self, meta: Meta, changes: Changes) -> set[str]:
        old, self.meta = self.meta, meta
        for field in Project.__struct_fields__:
            if getattr(old.project, field) != getattr(meta.project, field):
                changes.add(("project", field))
        if old.menu != meta.menu:
            changes.add(("menu",))
        for naming in old.namings.keys() | meta.namings.keys():
            changes.add(("naming", *naming), int(old.namings.get(naming) != meta.namings.get(naming)))
        for name in old.tags.keys() | meta.tags.keys():
            default = Tag(name=name)
            changes.add(("tag", name), _differing(old.tags.get(name, default), meta.tags.get(name, default)))
        for name in old.categories.keys() | meta.categories.keys():
            usual = Category(name=name, title=name)
            mask = _differing(old.categories.get(name, usual), meta.categories.get(name, usual))
            changes.add(("category", name), mask)
        changes.add(("tags",), int(old.tags != meta.tags))
        if (old.tags, old.categories) != (meta.tags, meta.categories):
            self._note_templates(old, changes)
        relisted = {
            name
            for name in old.categories.keys() | meta.categories.keys()
            if is_listed(old, name) != is_listed(meta, name)
        }
        return {path for path in self.order if relisted.intersection(self.entries[path].post.categories)}

    def _note_templates(self, old: Meta, changes: Changes) -> None:
        """Note for which posts tags and categories name another template than before."""
        for path in self.order:
            post = self.entries[path].post
            if old.template_for(post) != self.meta.template_for(post):
                for tree in self.meta.trees:
                    changes.add(("post", path, tree), ASPECT["template"])

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
        order = {path: self.order.get(path) for path in touched}
        counts = dict(self.tag_counts) if affected else {}
        changes.lists.update(self.exchange(touched, delta.entries))
        after = self._answers(affected, slugs, ids, touched)
        for entity in before.keys() | after.keys():
            changes.add(entity, _mask(before.get(entity), after.get(entity)))
        if counts != self.tag_counts:
            changes.add(("cloud",))
        if order != {path: self.order.get(path) for path in touched}:
            changes.add(("sitemap",))

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
                for target in self.targets(entry):
                    affected |= self._meant(target)
        return affected

    def _namesakes(self, path: str, post: Post) -> set[str]:
        """Give the posts with which a record shares a slug or an id, or which it translates."""
        found = {*self.ids.get(post.id, ()), *self.ids.get(post.translation_for or "", ())}
        found.update(self.slugs.get(post.slug, ()))
        found.update(base for base in (self.bases.get(path), post.sibling) if base is not None)
        return found

    def _meant(self, target: Target) -> set[str]:
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
            answers["file", path] = ((base, self.route(base)) if base in self.order else None,)
        return answers


def _differing(old: Category | Tag, new: Category | Tag) -> int:
    """Give the mask of the fields that differ."""
    return _mask(astuple(old), astuple(new))


def _mask(before: Facts | None, after: Facts | None) -> int:
    if before is None or after is None:
        return ALL
    return sum(1 << bit for bit, differs in enumerate(starmap(ne, zip(before, after, strict=True))) if differs)
