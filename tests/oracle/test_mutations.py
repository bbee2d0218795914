"""Every kind of read is there for a reason: leave it out, and a page goes stale.

A kind is an entity's first word or, for posts, an aspect. For each there is a page that reads that kind and little
else, and an edit that it has to hear of. With the kind left out of what is recorded, the oracle must notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from blogd.daemon.wire import ReadsWriter
from blogd.render.reads import ASPECT, POST_ASPECTS, mask_names
from tests.oracle.edits import Body, Edit, Field, Write
from tests.oracle.test_regressions import ALPHA, BETA, PICTURE, START, at, edit, post, record, script, template

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from blogd.render.reads import Reads
    from tests.oracle.oracle import Oracle
    from tests.oracle.test_regressions import Step

    Make = Callable[[Sequence[Edit]], Oracle]

NOT_OF_PAGES: Final = {"status", "translations"}  # aspects that only routes and macros hear of
NEWEST: Final = "posts/newest.md"
LATER: Final = "posts/later.md"
EXTRA: Final = "posts/alpha.it.md"
PAGED: Final = Write("meta/project.json", '{"blogLanguages": ["en", "de"], "timezone": "UTC", "maxPostsPerPage": 2}')
MISNAMED: Final = '{"x": {"listTemplateSlug": "missing"}}'
SIDECAR: Final = f"{PICTURE}.meta"


class Witness(NamedTuple):
    """A site with a page that reads one kind, and an edit that changes what it shows."""

    start: tuple[Edit, ...]
    step: Step


def not_found(text: str, *step: Edit, start: tuple[Edit, ...] = ()) -> Witness:
    return Witness((*start, template("not-found", text)), edit(*step))


def single(text: str, *step: Edit, start: tuple[Edit, ...] = ()) -> Witness:
    return Witness((*start, template("single-post", text)), edit(*step))


def body(text: str, *step: Edit, start: tuple[Edit, ...] = ()) -> Witness:
    return single("{{ post.content | markdown }}", *step, start=(*start, Body(BETA, text)))


def each(item: str) -> str:
    return f"{{% for p in site.posts %}}{item}{{% endfor %}}"


def every(variable: str) -> str:
    return f"{{% for p in {variable} %}}{{{{ p[0] }}}}{{% endfor %}}"


def field(name: str, value: str) -> Field:
    return Field(ALPHA, name, value)


ASPECTS: Final[dict[str, Witness]] = {
    "id": not_found(each("{{ p.id }}"), field("id", "x")),
    "title": not_found(each("{{ p.title }}"), field("title", "x")),
    "excerpt": not_found(each("{{ p.excerpt }}"), field("excerpt", "x")),
    "body": not_found(each("{{ p.content | markdown }}"), Body(ALPHA, "x")),
    "source": not_found(each("{{ p.content | truncate: 9 }}"), Body(ALPHA, "x")),
    "slug": not_found(each("{{ p.slug }}"), field("slug", "x")),
    "language": not_found(each("{{ p.language }}"), field("language", "fr")),
    "author": not_found(each("{{ p.author }}"), field("author", "x")),
    "created_at": not_found(each("{{ p.created_at | date: '%R' }}"), field("createdAt", "2024-01-02T11:00:00Z")),
    "updated_at": not_found(each("{{ p.updated_at | date: '%F' }}"), field("updatedAt", "2024-05-01")),
    "published_at": not_found(each("{{ p.published_at | date: '%F' }}"), field("publishedAt", "2024-05-01")),
    "tags": not_found(each("{{ p.tags | join: ' ' }}"), field("tags", "[x]")),
    "categories": not_found(each("{{ p.categories | join: ' ' }}"), field("categories", "[x]")),
    "path": not_found(each("{{ p.path }}"), field("createdAt", "2024-01-03T10:00:00Z")),
    "day": Witness(
        (template("post-list", "{{ max_date.day }}"),),
        edit(field("createdAt", "2024-01-03T10:00:00Z")),
    ),
    "template": Witness((template("other", "other"),), edit(field("templateSlug", "other"))),
    "alternates": single(
        "{% for link in alternate_links %}{{ link.href }}{% endfor %}",
        record("posts/alpha.de.md", "language: de\ntitle: x\n"),
    ),
    "backlinks": single("{{ backlinks.size }}", Body(BETA, "[x](/posts/alpha)")),
    "older": single("{{ previous_post.title }}", post("posts/between.md", "2024-01-01T12:00:00Z")),
    "newer": single("{{ next_post.title }}", post("posts/between.md", "2024-01-01T12:00:00Z")),
    "trees": single("{% for l in blog_languages %}{{ l.href }}{% endfor %}", field("doNotTranslate", "true")),
    "extra": single(
        "{{ post.title }}",
        Field(EXTRA, "title", "y"),
        start=(record(EXTRA, "translationFor: alpha\nlanguage: it\ntitle: x\n"),),
    ),
    "lines": body("[x](/posts/nowhere)", Field(BETA, "unknown", "x")),
    "macros": body("[[hello]]", script("hello", '"x"'), start=(script("hello", '"y"'),)),
}

KINDS: Final[dict[str, Witness]] = {
    "slice": not_found("{% for p in site.posts limit: 1 %}{{ p.path }}{% endfor %}", post(NEWEST, "2024-02-01")),
    "length": not_found("{{ site.posts.size }}", post(NEWEST, "2024-02-01")),
    "beyond": Witness((template("post-list", "{{ has_next_page }}"), PAGED), edit(post(NEWEST, "2024-02-01"))),
    "slug": not_found("{{ canonical_post_path_by_slug.later }}", post(LATER, "2024-02-01")),
    "slugs": not_found(every("canonical_post_path_by_slug"), post(LATER, "2024-02-01")),
    "file": body("[x](later.md)", post(LATER, "2024-02-01")),
    "id": not_found("{{ post_data_json_by_id.later }}", post(LATER, "2024-02-01")),
    "ids": not_found(every("post_data_json_by_id"), post(LATER, "2024-02-01")),
    "media": body(f"![x](/{PICTURE})", Write(SIDECAR, "---\noriginalName: x.png\n---\n"), Write(PICTURE, "PNG")),
    "media-names": not_found(every("canonical_media_path_by_source_path"), Write(PICTURE, "PNG")),
    "linked-media": body(
        "[[gallery]]", Write(SIDECAR, "---\nlinkedPostIds: [beta]\n---\n"), start=(Write(PICTURE, "PNG"),)
    ),
    "photos": body(
        '[[photo_archive year="2024" month="1"]]',
        Write(SIDECAR, "---\ntitle: x\n---\n"),
        start=(Write(PICTURE, "PNG"),),
    ),
    "photo-months": body("[[photo_archive]]", Write(PICTURE, "PNG")),
    "cloud": body(
        "[[tag_cloud]]",
        post(NEWEST, "2024-02-01", "categories: [page]\ntags: [x]\n"),
        start=(post(ALPHA, "2024-01-02", "tags: [x]\n"),),
    ),
    "tag": not_found("{{ tag_color_by_name.x }}", Write("meta/tags.json", '[{"name": "x", "color": "red"}]')),
    "tags": not_found(every("tag_color_by_name"), Write("meta/tags.json", '[{"name": "x", "color": "red"}]')),
    "category": not_found(
        each("{{ p.show_title }}"),
        Write("meta/category-meta.json", '{"x": {"showTitle": false}}'),
        start=(post(ALPHA, "2024-01-02", "categories: [x]\n"),),
    ),
    "naming": Witness(
        (Write("meta/category-meta.json", MISNAMED), post(ALPHA, "2024-01-02", "categories: [x]\n")),
        edit(Write("meta/category-meta.json", f"\n{MISNAMED}")),
    ),
    "taxonomy": not_found("{% for t in site.tags %}{{ t.name }}{% endfor %}", field("tags", "[x]")),
    "calendar": Witness((), edit(post(NEWEST, "2024-02-01"))),
    "sitemap": Witness((), edit(post(NEWEST, "2024-02-01"))),
    "project": not_found(
        "{{ site.name }}", Write("meta/project.json", '{"blogLanguages": ["en", "de"], "timezone": "UTC"}')
    ),
    "menu": not_found(
        "{{ menu_items.size }}", Write("meta/menu.opml", '<opml><outline text="x" pageSlug="x"/></opml>')
    ),
    "template": not_found("{% render 'partials/x' %}", template("partials/x", "x")),
    "now": Witness((template("not-found", "{{ 'now' | date: '%Y' }}"),), at(1_800_000_000)),
    "asset": Witness((Write("assets/a.txt", "x"),), edit(Write("assets/a.txt", "y"))),
}

WITNESSES: Final = {f"post: {name}": found for name, found in ASPECTS.items()} | KINDS


@pytest.mark.parametrize("kind", WITNESSES)
def test_an_edit_reaches_the_page_that_reads_what_it_changes(kind: str, oracle: Make) -> None:
    _play(WITNESSES[kind], oracle)


@pytest.mark.parametrize("kind", WITNESSES)
def test_a_kind_of_read_that_is_left_out_leaves_a_page_stale(
    kind: str, oracle: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReadsWriter, "write", _without(kind))
    with pytest.raises(AssertionError, match=r"differs|a finding"):
        _play(WITNESSES[kind], oracle)


def test_every_kind_has_its_witness(oracle: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    write = ReadsWriter.write

    def note(writer: ReadsWriter, reads: Reads) -> tuple[bytes, int]:
        for entity, mask in reads.items():
            aspects = [f"post: {name}" for name in mask_names(entity, mask)] if entity[0] == "post" else []
            seen.update(aspects or [str(entity[0])])
        return write(writer, reads)

    monkeypatch.setattr(ReadsWriter, "write", note)
    site = oracle(START)
    for witness in WITNESSES.values():
        site.edit(witness.start)
        witness.step(site)
    assert seen == WITNESSES.keys()
    assert ASPECTS.keys() == set(POST_ASPECTS) - NOT_OF_PAGES


def _play(witness: Witness, oracle: Make) -> None:
    site = oracle((*START, *witness.start))
    site.check()
    witness.step(site)
    site.check()


def _without(kind: str) -> Callable[[ReadsWriter, Reads], tuple[bytes, int]]:
    """Make a `ReadsWriter.write` that leaves out a kind."""
    aspect = ASPECT.get(kind.removeprefix("post: "), 0) if kind.startswith("post: ") else 0
    write = ReadsWriter.write

    def written(writer: ReadsWriter, reads: Reads) -> tuple[bytes, int]:
        left = {entity: mask & ~aspect if entity[0] == "post" else mask for entity, mask in reads.items()}
        return write(writer, {entity: mask for entity, mask in left.items() if mask and entity[0] != kind})

    return written
