"""A site that is changed by deltas answers as one built anew, and says of every answer that differs that it does.

No page is rendered here, so many more edits are tried than the oracle can. Two kinds of questions are put to a site:
those that are recorded (`reads`), and those that templates ask, the variables of all pages. If a variable has another
value after an edit, one of the answers that were read for it must be among those that the site says have changed.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from blogd.render.answers import answer, difference
from blogd.render.drops import Content, ListedPost, Lookup, PostDrop, Posts, SiteDrop
from blogd.render.pages import ListPage, NotFoundPage, Page, PostPage, Stage
from blogd.render.reads import ASPECT, mask_names
from blogd.render.records import Project
from blogd.render.site import Site
from tests.oracle.edits import do_all
from tests.oracle.memory import Memory, delta, whole
from tests.oracle.strategy import IDS, MEDIA, START, edits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from blogd.render.changes import Changes
    from blogd.render.reads import Entity, Reads
    from blogd.render.site import Delta

STEPS: Final = int(os.environ.get("BLOGD_ORACLE_STEPS", "2000"))
STEPS_OF_A_SITE: Final = 40
P = TypeVar("P", bound=Page)
ANY: Final = sum(ASPECT.values()) & ~ASPECT["macros"]  # there are no scripts
NOW: Final = datetime(2024, 6, 1, tzinfo=UTC)


class Machine(RuleBasedStateMachine):
    """A site under edits, changed by deltas; `_fresh` is built anew each time."""

    def __init__(self) -> None:
        super().__init__()
        self._place = Memory()
        do_all(START, self._place)
        self._whole = whole(self._place.files)
        self._site, self._fresh = _built(self._whole), _built(self._whole)

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        do_all(data.draw(st.lists(edits(sorted(self._place.files)), min_size=1, max_size=3)), self._place)
        old, before = self._whole, self._fresh
        self._whole = whole(self._place.files)
        self._fresh = _built(self._whole)
        changes = self._site.apply(delta(old, self._whole))
        _check_state(self._site, self._fresh)
        _check_changes(before, self._fresh, changes)
        _check_variables(before, self._fresh, changes)


TestSite = Machine.TestCase
TestSite.settings = hypothesis.settings(
    max_examples=max(1, STEPS // STEPS_OF_A_SITE),
    stateful_step_count=STEPS_OF_A_SITE,
    suppress_health_check=list(hypothesis.HealthCheck),
    deadline=None,
)


def _built(delta: Delta) -> Site:
    site = Site()
    site.apply(delta)
    return site


def _check_state(site: Site, fresh: Site) -> None:
    for entity in _entities(site, fresh):
        assert answer(site, entity) == answer(fresh, entity), f"{entity} is not as in a site built anew"
    assert site.problems == fresh.problems
    assert site.order == fresh.order
    assert site.bases == fresh.bases


def _check_changes(before: Site, after: Site, changes: Changes) -> None:
    """Whatever differs is told; and nothing else is, but for what everybody is told when the frame is another."""
    if changes.everything:
        return
    for entity in _entities(before, after):
        if answer(before, entity) is not None or entity[0] != "post":  # else nobody can have asked
            missing = difference(before, after, entity) & ~changes.mask(entity) & (ANY if entity[0] == "post" else 1)
            assert not missing, f"{entity} has changed {mask_names(entity, missing)}, and nobody is told"


def _entities(*sites: Site) -> list[Entity]:
    """Give all questions that make sense to one of some sites."""
    return list(dict.fromkeys(entity for site in sites for entity in _entities_of(site)))


def _entities_of(site: Site) -> Iterator[Entity]:
    yield from (("post", path, tree) for path in site.order for tree in site.meta.trees)
    for key in site.lists:
        yield from (("slice", *key, start, stop) for start, stop in ((0, 1), (0, 2), (1, 3), (2, 4), (0, 1 << 31)))
        yield "length", *key
    yield from (("slug", slug) for slug in (*site.slugs, "nowhere"))
    yield from (("id", name) for name in (*site.ids, "nowhere"))
    yield from (("file", path) for path in site.entries)
    yield from (("media", path.removeprefix("media/").lower()) for path in (*MEDIA, *site.media.files))
    yield from (("linked-media", name) for name in IDS)
    yield from (("photos", month) for month in ("2023-12", "2024-01", "2024-02"))
    yield from (("tag", name) for name in site.meta.tags)
    yield from (("category", name) for name in site.meta.categories)
    yield from (("project", field) for field in Project.__struct_fields__)
    yield from (("template", name) for name in site.templates)
    yield from (("taxonomy", scope, kind) for scope in ("main", "other") for kind in ("tag", "category"))
    yield from (("calendar", scope) for scope in ("main", "other"))
    yield from ((kind,) for kind in ("slugs", "ids", "media-names", "photo-months", "cloud", "tags", "menu", "sitemap"))


# Variables.


def _check_variables(before: Site, after: Site, changes: Changes) -> None:
    if changes.everything:
        return
    old, new = dict(_variables(before)), dict(_variables(after))
    for name in old.keys() & new.keys():
        (was, reads), (now, _) = old[name], new[name]
        told = any(changes.mask(entity) & mask for entity, mask in reads.items())
        assert was == now or told, f"{name} was {was} and is {now}, but it read {reads}"


Answer = tuple[str, tuple[object, "Reads"]]


def _variables(site: Site) -> Iterator[Answer]:
    """Give all that the pages of a site can ask, with the answer and what was read for it."""
    for tree in site.meta.trees:
        stage = Stage(site, tree, NOW, lambda record: site.entries[record].post.source_digest.hex())
        yield from _items(f"{tree} 404", lambda: NotFoundPage(stage), NotFoundPage.getters)
        yield from _items(f"{tree} site", lambda: NotFoundPage(stage), SiteDrop.getters, SiteDrop)
        for key in (key for key in site.lists if key[0] == site.scope(tree)):
            yield from _items(f"{tree} {key}", lambda: ListPage(stage, *key[1:], 1), ListPage.getters)
        for path in (path for path in site.order if site.is_in(path, tree)):
            yield from _post_variables(f"{tree} {path}", stage, path)
    for path in site.order:
        for record in site.untreed(path):
            stage = Stage(site, site.main, NOW, lambda record: site.entries[record].post.source_digest.hex())
            page = partial(PostPage, stage, path, record)
            yield from _items(f"extra {record}", page, PostPage.getters.keys() - {"post"})
            yield from _items(f"extra {record} post", page, PostDrop.getters, lambda page: page.post)


def _post_variables(title: str, stage: Stage, path: str) -> Iterator[Answer]:
    page = partial(PostPage, stage, path)
    yield from _items(title, page, PostPage.getters)
    for kind in (PostDrop, ListedPost):
        yield from _items(f"{title} {kind.__name__}", page, kind.getters, partial(kind, path=path))


def _items(
    title: str,
    make: Callable[[], P],
    names: Iterable[str],
    part: Callable[[P], Mapping[str, object]] = lambda page: page,
) -> Iterator[Answer]:
    """Ask a page of its own for each item of a part of it."""
    for name in names:
        page = make()
        value = _plain(part(page)[name])
        yield f"{title}: {name}", (value, page.recorder.reads)


def _plain(value: object) -> object:
    """Give a value as it can be kept and compared: posts as what they are, not what they say."""
    match value:
        case PostDrop():
            return value.path
        case SiteDrop():
            return None
        case Content():
            return str(value)
        case Posts():
            return [_plain(post) for post in value], len(value)
        case Lookup():
            return dict(cast("Iterable[tuple[str, object]]", value.items()))
        case dict():
            return {name: _plain(item) for name, item in cast("dict[str, object]", value).items()}
        case list():
            return [_plain(item) for item in cast("list[object]", value)]
        case _:
            return value
