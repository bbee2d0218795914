"""What the oracle has found, each case as small as it got. A case says what went wrong once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from blogd.daemon.policy import Policy
from blogd.daemon.sources import MOST_TEXT_BYTES
from tests.oracle.edits import Body, Delete, Edit, Field, Touch, Write
from tests.oracle.oracle import Later, Oracle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Step = Callable[[Oracle], None]

ALPHA: Final = "posts/alpha.md"
BETA: Final = "posts/beta.md"
ALPHA_PAGE: Final = "2024/01/02/alpha/index.html"
WATCH: Final = Policy(keeps_last_good=True)
BUILD: Final = Policy()
PICTURE: Final = "media/2024/01/one.png"
MENU: Final = '<opml version="2.0"><body><outline text="N"><outline categoryName="note"/></outline></body></opml>'


def post(path: str, day: str, fields: str = "", body: str = "") -> Write:
    return Write(path, f"---\ncreatedAt: {day}\n{fields}---\n{body}\n")


def record(path: str, fields: str, body: str = "") -> Write:
    return Write(path, f"---\n{fields}---\n{body}\n")


def project(languages: Sequence[str] = ("en", "de")) -> Write:
    return Write("meta/project.json", json.dumps({"name": "Blog", "blogLanguages": languages, "timezone": "UTC"}))


def template(name: str, text: str) -> Write:
    return Write(f"templates/{name}.liquid", text)


def script(name: str, result: str) -> Write:
    return Write(f"scripts/{name}.py", f'def render(context, post):\n    return {{"html": {result}}}\n')


START: Final[tuple[Edit, ...]] = (
    project(),
    template("single-post", "{{ post.title }}|{{ post.content | markdown }}"),
    template("post-list", "{% for b in day_blocks %}{% for p in b.posts %}{{ p.title }};{% endfor %}{% endfor %}"),
    template("not-found", "-"),
    post(ALPHA, "2024-01-02T10:00:00Z"),
    post(BETA, "2024-01-01T10:00:00Z"),
)


def edit(*edits: Edit) -> Step:
    return lambda oracle: oracle.edit(edits)


def at(now: int) -> Step:
    return lambda oracle: oracle.set_clock(now)


def between_runs(*edits: Edit, policy: Policy | None = None) -> Step:
    return lambda oracle: oracle.edit_between_runs(edits, policy)


def killed(*edits: Edit, later: Sequence[Later], after: int) -> Step:
    return lambda oracle: oracle.edit_in_work(edits, later, after)


CASES: Final[dict[str, tuple[Step, ...]]] = {
    "a new run forgot which posts call macros": (
        edit(script("hello", '"hi"'), Body(BETA, "[[hello]]")),
        between_runs(post("posts/new.md", "2024-01-01T12:00:00Z")),
    ),
    "a warning kept its line when the front matter grew": (
        edit(Body(ALPHA, "[x](/posts/nowhere)")),
        edit(Field(ALPHA, "unknown", "1")),
    ),
    "a macro was not told of a translation into the post's own language": (
        edit(
            script("hello", 'str(context["env"]["translations"])'),
            post(ALPHA, "2024-01-02", "language: de\n", "[[hello]]"),
        ),
        edit(record("posts/other.md", "translationFor: alpha\nlanguage: de\ntitle: t\n")),
    ),
    "a macro was not told of a draft that was published": (
        edit(script("hello", 'post["status"]'), post(ALPHA, "2024-01-02", "status: draft\n", "[[hello]]")),
        between_runs(policy=Policy(drafts=True)),
        edit(Field(ALPHA, "status", "published")),
    ),
    "a macro's failure outlived the language that called it": (
        edit(Write("scripts/hello.py", "def"), Body(ALPHA, "[[hello]]")),
        edit(project(["en"])),
        edit(Delete(ALPHA)),
    ),
    "a macro's failure outlived the post whose translation called it": (
        edit(
            Write("scripts/hello.py", "def"),
            record("posts/other.md", "translationFor: alpha\nlanguage: de\ntitle: t\n", "[[hello]]"),
        ),
        edit(Delete(ALPHA)),
    ),
    "a new run forgot the sidecar of a picture to come": (
        edit(Write(f"{PICTURE}.meta", "---\ntitle: t\n---\n"), Body(ALPHA, "[[photo_archive]]")),
        between_runs(),
        edit(Write(PICTURE, "PNG")),
    ),
    "a new run forgot a sidecar that was touched": (
        edit(Write(PICTURE, "PNG"), Write(f"{PICTURE}.meta", "---\ntitle: t\n---\n"), Body(ALPHA, "[[photo_archive]]")),
        between_runs(Touch(f"{PICTURE}.meta")),
        between_runs(Body(ALPHA, "[[photo_archive]] more")),
    ),
    "a picture stayed when it went together with its sidecar": (
        edit(Write(PICTURE, "PNG"), Write(f"{PICTURE}.meta", "---\ntitle: t\n---\n"), Body(ALPHA, "[[photo_archive]]")),
        edit(Delete("media")),
    ),
    "a build went on with what a watch had kept of a broken file": (
        between_runs(
            Write("meta/menu.opml", '<opml><body><outline text="A" pageSlug="a"/></body></opml>'), policy=WATCH
        ),
        edit(template("not-found", "{{ menu_items.size }}"), Write("meta/menu.opml", "<opml")),
        between_runs(policy=BUILD),
        between_runs(policy=WATCH),
    ),
    "of two posts with one URL the older got it when their times were exchanged": (
        edit(post(ALPHA, "2024-01-01T10:00:00Z", "slug: x\n"), post(BETA, "2024-01-01T11:00:00Z", "slug: x\n")),
        edit(Field(ALPHA, "createdAt", "2024-01-01T12:00:00Z")),
        edit(Field(BETA, "createdAt", "2024-01-01T13:00:00Z")),
    ),
    "the URL of a translation without a tree kept its language": (
        edit(record("posts/alpha.it.md", "translationFor: alpha\nlanguage: it\ntitle: t\n")),
        edit(Field("posts/alpha.it.md", "language", "es")),
    ),
    "a missing template was told of a translation that is gone": (
        edit(Field(ALPHA, "templateSlug", "missing"), record("posts/alpha.de.md", "language: de\ntitle: t\n")),
        edit(Field("posts/alpha.de.md", "status", "draft")),
    ),
    "a run trusted the row of a page that a killed run had written": (
        killed(
            post("posts/new.md", "2024-01-03"),
            later=[Later([Delete("posts/new.md")], after=99, delay=0)],
            after=12,
        ),
    ),
    "a template was blamed for a text that can't be read any more": (
        between_runs(template("single-post", "{{ post.content | truncate: 9 }}"), policy=WATCH),
        edit(Write(ALPHA, "---\ntitle: [\n---\n")),
        edit(template("single-post", "{{ post.content | truncate: 8 }}")),
        edit(post(ALPHA, "2024-01-02T10:00:00Z")),
    ),
    "a page that warns was not made, for want of the line to show": (
        between_runs(Body(ALPHA, "[x](/posts/nowhere)"), policy=WATCH),
        edit(Write(ALPHA, "---\ntitle: [\n---\n")),
        edit(template("single-post", "{{ post.content | markdown }}")),
    ),
    "a list did not hear that a translation says its language by its name": (
        edit(
            template("not-found", "{% for p in site.posts %}{{ p.language }}{% endfor %}"),
            record("posts/alpha.de.md", "title: t\n"),
        ),
        edit(Delete("posts/alpha.de.md")),
    ),
    "a list of all media did not hear of names that differ in case": (
        edit(
            template("not-found", "{% for p in canonical_media_path_by_source_path %}{{ p[0] }}{% endfor %}"),
            Write("media/2024/01/ONE.png", "PNG"),
        ),
        edit(Write(PICTURE, "PNG")),
    ),
    "of two translations the first to come stayed, not the first by name": (
        edit(record("posts/gamma.md", "translationFor: alpha\nlanguage: de\ntitle: t\n")),
        edit(record("posts/alpha.de.md", "language: de\ntitle: u\n")),
    ),
    "a translation that became a post did not compete for its id": (
        edit(
            post("posts/alpha.de.md", "2024-01-05", "id: x\n"),
            post("posts/gamma.md", "2024-01-06", "id: x\n"),
            record("posts/delta.md", "translationFor: x\nlanguage: de\ntitle: t\n"),
        ),
        edit(Delete(ALPHA)),
    ),
    "a post that isn't published was known of though it could no longer be read": (
        edit(post(ALPHA, "2024-01-02", "status: archived\n"), record("posts/alpha.de.md", "title: t\n")),
        between_runs(policy=WATCH),
        edit(Write(ALPHA, "---\ntitle: [\n---\n")),
        between_runs(policy=BUILD),
    ),
    "the last good version of a menu was forgotten in a build that found the file touched": (
        between_runs(Write("meta/menu.opml", MENU), policy=WATCH),
        edit(Write("meta/menu.opml", "<opml")),
        between_runs(policy=BUILD),
        edit(Write("meta/menu.opml", "<opml")),
        between_runs(policy=WATCH),
    ),
    "a partial with a post's text showed it on the post's own page as other pages do": (
        edit(
            template("partials/latest", "{% for p in site.posts limit: 2 %}{{ p.content | markdown }}{% endfor %}"),
            template("single-post", "{% render 'partials/latest' %}"),
            template("post-list", "{% render 'partials/latest' %}"),
            Body(ALPHA, "# Alpha"),
            Body(BETA, "# Beta"),
        ),
        edit(Body(BETA, "# Changed")),
    ),
    "a card with a post's text showed it on the post's own page as other pages do": (
        edit(
            template("partials/card", "{{ post.content | markdown }}"),
            template("single-post", "{% for p in site.posts %}{% render 'partials/card', post: p %}{% endfor %}"),
            Body(ALPHA, "# Alpha"),
            Body(BETA, "# Beta"),
        ),
        edit(Body(BETA, "# Changed")),
    ),
    "a link to a translation did not hear that it is now of another post with the same address": (
        edit(
            post(ALPHA, "2024-01-02", "slug: x\nid: one\ndoNotTranslate: true\n"),
            post(BETA, "2024-01-02", "slug: x\nid: two\n"),
            record("posts/other.md", "translationFor: one\nlanguage: de\ntitle: t\n"),
            post("posts/linker.md", "2024-01-05", body="[x](/posts/other.md)"),
        ),
        edit(record("posts/other.md", "translationFor: two\nlanguage: de\ntitle: t\n")),
    ),
    "a feed did not hear that a page may now cost more": (
        edit(
            template("macros/tag-cloud", "{% for i in (1..9) %}{{ i }}{% endfor %}"),
            Body(ALPHA, "[[tag_cloud]]"),
            Write("meta/project.json", '{"timezone": "UTC", "blogd": {"limits": {"loopTurns": 8}}}'),
        ),
        edit(Write("meta/project.json", '{"timezone": "UTC"}')),
    ),
    "a list showed a body as another list does, whose title a macro in it says": (
        edit(
            template("post-list", "{% for b in day_blocks %}{{ b.posts[0].content | markdown }}{% endfor %}"),
            template("macros/tag-cloud", "{{ document_title }}"),
            post(ALPHA, "2024-01-02", "tags: [red, blue]\n", "[[tag_cloud]]"),
        ),
    ),
    "a template that had grown too large was shown in a build as it had been": (
        edit(template("not-found", "gone")),
        edit(template("not-found", " " * (MOST_TEXT_BYTES + 1))),
    ),
}


@pytest.mark.parametrize("steps", CASES.values(), ids=CASES.keys())
def test_a_failure_that_was_found_once(steps: tuple[Step, ...], oracle: Callable[[Sequence[Edit]], Oracle]) -> None:
    site = oracle(START)
    for step in steps:
        step(site)
        site.check()


def test_a_translation_without_a_tree_shows_its_own_text(oracle: Callable[[Sequence[Edit]], Oracle]) -> None:
    shown = template("single-post", "{{ post.content | truncate: 20 }}")
    translation = record("posts/alpha.it.md", "translationFor: alpha\nlanguage: it\ntitle: t\n", "uno")
    site = oracle((*START, shown, translation))
    assert site.outputs()["2024/01/02/alpha.it/index.html"].strip() == b"uno"


def test_the_page_of_a_translation_without_a_tree_shows_its_post_beside_it(
    oracle: Callable[[Sequence[Edit]], Oracle],
) -> None:
    shown = "{{ post.content | markdown }}{% for p in site.posts %}{{ p.title }}:{{ p.content | markdown }}{% endfor %}"
    posts = (post(ALPHA, "2024-01-02", "title: one\n", "one"), Delete(BETA))
    translation = record("posts/alpha.it.md", "translationFor: alpha\nlanguage: it\ntitle: uno\n", "uno")
    site = oracle((*START, template("single-post", shown), *posts, translation))
    assert site.outputs()["2024/01/02/alpha.it/index.html"].split() == [b"<p>uno</p>", b"one:<p>one</p>"]


def test_macros_of_a_post_that_can_not_be_read_keep_their_results(oracle: Callable[[Sequence[Edit]], Oracle]) -> None:
    """They are called again when it can be, though its text is what it was."""
    calls = script("hello", 'post["content"].strip() + context["env"]["mainLanguage"]')
    good = post(ALPHA, "2024-01-02T10:00:00Z", body="[[hello]]")
    site = oracle((*START, calls, good))
    site.edit_between_runs((), WATCH)
    site.check()
    site.edit((Write(ALPHA, "---\ntitle: [\n---\n"),))
    site.edit((script("hello", '"new " + post["content"].strip()'),))
    site.check()
    assert b"alpha|[[hello]]en" in site.outputs()["2024/01/02/alpha/index.html"]
    site.edit_between_runs(())
    site.edit((good,))
    site.check()
    assert b"alpha|new [[hello]]" in site.outputs()["2024/01/02/alpha/index.html"]


def test_a_dead_link_in_a_quote_before_a_list_costs_no_page(oracle: Callable[[Sequence[Edit]], Oracle]) -> None:
    site = oracle((*START, Body(ALPHA, "> one\n> two\n> three\n> [x](/posts/gone)\n- a\n\n  b")))
    assert ALPHA_PAGE in site.outputs()
    site.edit((Field(ALPHA, "title", "t"),))
    site.check()


def test_a_link_to_the_file_of_a_translation_is_a_link_to_the_post(oracle: Callable[[Sequence[Edit]], Oracle]) -> None:
    links = template("single-post", "{% for b in backlinks %}{{ b.slug }}{% endfor %}")
    site = oracle((*START, links, record("posts/alpha.de.md", "title: t\n"), Body(BETA, "[x](alpha.de.md)")))
    assert site.outputs()[ALPHA_PAGE] == b"beta"
    site.check()
    site.edit((Delete("posts/alpha.de.md"),))
    assert site.outputs()[ALPHA_PAGE] == b""
    site.check()


def test_no_field_brings_the_mark_of_the_main_tree_into_a_page(oracle: Callable[[Sequence[Edit]], Oracle]) -> None:
    """A NUL of one's own was left on pages of the main tree, and taken for the mark on others."""
    fields = {"description": "a\0b", "blogLanguages": ["en", "de"], "timezone": "UTC"}
    settings = Write("meta/project.json", json.dumps(fields))
    shown = template("single-post", "{{ post.title }}{{ page_title }}")
    site = oracle((*START, settings, Field(ALPHA, "title", '"a\\0/b"'), shown))
    assert {site.outputs()[path].decode() for path in (ALPHA_PAGE, f"de/{ALPHA_PAGE}")} == {"a\ufffd/ba\ufffdb"}
