"""A small blog in several languages, and edits of every kind that blogd knows, as Hypothesis draws them.

There are few names and many meetings: posts share slugs, days and ids, translations claim one place, pages claim the
URLs of lists, and files of one kind become files of another. The user's templates read one thing each, since a page
that reads everything is right by accident.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.oracle.edits import Body, Delete, Edit, Field, Rename, Resave, Touch, Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

POSTS: Final = (
    "posts/2024/01/alpha.md",
    "posts/2024/01/beta.md",
    "posts/2024/01/gamma.md",
    "posts/2024/02/alpha.md",
    "posts/2024/02/beta.md",
    "posts/2024/02/delta.md",
    "posts/2024-02-01-epsilon.md",
    "posts/Ä b.md",
)
LANGUAGES: Final = ("de", "fr", "en", "it", "es")
NAMES: Final = ("alpha", "beta", "gamma", "delta")
SLUGS: Final = (*NAMES, "epsilon", "page", "2024", "tag", "de", "x.de", "a/b", "ü", "index.html")
IDS: Final = (*NAMES, "2024/01/alpha", "2024/01/beta", "2024/02/alpha")
DATES: Final = (
    "2024-01-01T10:00:00Z",
    "2024-01-01T11:00:00Z",
    "2024-01-01T23:30:00Z",
    "2024-01-02T10:00:00Z",
    "2024-02-01",
    "2024-02-01 08:00:00",
    "2023-12-31T23:59:59-05:00",
)
TAGS: Final = ("[red]", "[blue]", "[red, blue]", "[blue, red]", "[a/b]", "[Red]")
CATEGORIES: Final = ("[article]", "[aside]", "[page]", "[note]", "[note, page]", "[article, note]")
WORDS: Final = ("one", "two", "three words here")

FIELDS: Final[dict[str, tuple[str | None, ...]]] = {
    "title": (*WORDS, "alpha", '"<b>&"', None),
    "slug": (*SLUGS, None, None, None),
    "createdAt": (*DATES, None),
    "updatedAt": ("2024-05-01", "2024-05-02T01:00:00Z", None),
    "publishedAt": ("2024-06-01", None),
    "excerpt": (*WORDS, None),
    "author": ("Ann", "Bob", None),
    "id": (*IDS, None, None),
    "language": (*LANGUAGES, None, None),
    "status": ("draft", "published", "archived", None),
    "doNotTranslate": ("true", "false", None),
    "tags": (*TAGS, None),
    "categories": (*CATEGORIES, None),
    "translationFor": (*IDS, None, None),
    "templateSlug": ("narrow", "wide", "missing", None, None),
    "layout": ("narrow", "nowhere", None),
    "unknown": ("1", "2", None),
}

PARAGRAPHS: Final = (
    "plain text",
    "other text",
    "## A heading\n\nand `code`",
    "see [x](/posts/alpha)",
    "see [x](/posts/2024/02/alpha) and [y](/post/beta.html#there)",
    "see [x](/2024/01/01/alpha) and [y](/2024/02/01/epsilon/)",
    "see [x](beta.md) and [y](../02/alpha.de.md)",
    "see [x](/posts/2024/01/gamma.md)",
    "see [x](/posts/nowhere)",
    "![i](/media/2024/01/one.png)",
    "![i](/media/2024/01/Two.png) [j](media/2024/02/one.png)",
    "[[gallery]]",
    '[[gallery columns="2" caption="c"]]',
    "[[photo_archive]]",
    '[[photo_archive year="2024" month="1"]]',
    "[[tag_cloud]]",
    "[[youtube]]",
    "[[hello]]",
    '[[hello name="you"]] and [[hello]]',
    "inline [[hello]] here",
    "[[Other x=1]]",
    "```python\nx = 1\n```",
    "```mime\nSubject: x\n\n<b>x</b>\n```",
    "```mime\nContent-Type: text/html\n\n<b>x</b>\n```",
    "<div    ",
    "a[^1]\n\n[^1]: note",
)

TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "single-post": (
        "{{ post.title }}|{{ post.content | markdown }}",
        "{{ post.content | markdown }}|{% for a in alternate_links %}{{ a.href }}{{ a.hreflang }}{% endfor %}",
        "{{ post.language }}|{{ language }}",
        "{{ post.author }}|{{ post.show_title }}",
        "{{ post }}{{ site }}{{ site.posts }}{{ tag_color_by_name[post.tags.first] }}{{ blog_languages }}",
        "{% for l in blog_languages %}{{ l.href }}|{% endfor %}{{ canonical_path }}",
        "{% for b in backlinks %}{{ b.title }}{{ b.path }}{% endfor %}",
        "{{ previous_post.title }}<{{ next_post.path }}",
        "{{ post.content | truncate: 9 }}",
        "{{ post.updated_at | date: '%F %T' }}{{ post.published_at | date: '%F' }}",
        "{% render 'partials/bit', p: post %}",
        "{{ post.content | markdown }}|{% render 'partials/latest' %}",
        "{% for p in site.posts %}{% render 'partials/bit', p: p %}{% endfor %}",
        "---\nenabled: false\n---\nx",
        "{% if x",
    ),
    "post-list": (
        "{% for b in day_blocks %}{{ b.date_label }}{% for p in b.posts %}{{ p.title }};{% endfor %}{% endfor %}",
        "{% for b in day_blocks %}{% for p in b.posts %}{{ p.content | markdown }}{% endfor %}{% endfor %}",
        "{% for b in day_blocks %}{% for p in b.posts %}{% render 'partials/bit', p: p %}{% endfor %}{% endfor %}",
        "{{ archive_title }}|{{ min_date.day }}-{{ max_date.month }}|{{ next_page_href }}|{{ prev_page_href }}",
        "{% for l in blog_languages %}{{ l.href }}|{% endfor %}",
        "{% for t in site.tags %}{{ t.name }}{{ t.count }}{{ t.path }}{% endfor %}",
        "{% include archive_context.kind %}",
        "{% for b in day_blocks %}{{ b.posts[0].title }}{% endfor %}{% render 'partials/latest' %}",
    ),
    "not-found": (
        "{% for p in site.posts limit: 2 %}{{ p.title }};{% endfor %}",
        "{% for p in site.posts limit: 2 offset: 1 %}{{ p.path }};{% endfor %}",
        "{{ site.posts.size }}",
        "{{ site.posts.first.title }}{{ site.posts[1].id }}{{ site.posts.last.slug }}",
        "{% assign found = site.posts | where: 'slug', 'alpha' %}{{ found.size }}",
        "{% for c in site.categories %}{{ c.name }}{{ c.count }}{% endfor %}",
        "{% for pair in canonical_post_path_by_slug %}{{ pair[0] }}{{ pair[1] }}{% endfor %}",
        "{% for pair in canonical_media_path_by_source_path %}{{ pair[0] }}{{ pair[1] }}{% endfor %}",
        "{% for pair in post_data_json_by_id %}{{ pair[0] }}{{ pair[1] }}{% endfor %}",
        "{% for pair in tag_color_by_name %}{{ pair[0] }}{{ pair[1] }}{% endfor %}",
        "{{ 'now' | date: '%Y-%m-%d %H' }}",
        "{% for m in menu_items %}{{ m.title }}{{ m.href }}{% endfor %}",
        "{{ canonical_post_path_by_slug.beta }}",
        "{{ canonical_media_path_by_source_path['media/2024/01/one.png'] }}",
        "{{ post_data_json_by_id.alpha }}",
        "{{ tag_color_by_name.red }}",
        "{{ site.name }}{{ page_title }}{{ site.url }}",
        "{% for p in site.posts %}{% for t in p.tags %}{{ t }}{% endfor %}{{ p.excerpt }}{% endfor %}",
    ),
    "partials/latest": ("{% for p in site.posts limit: 2 %}{{ p.title }}:{{ p.content | markdown }}{% endfor %}",),
    "partials/bit": (
        "{{ p.title }}",
        "{{ p.content | markdown }}",
        "{{ p.tags | join: ',' }}",
        "{{ p.created_at | date: '%Y' }}",
        "{% x %}",
    ),
    "partials/footer": (
        "{{ 'now' | date: '%Y' }}",
        "{{ site.posts.first.path }}",
        "{{ 'render.archive' | i18n: language }}",
    ),
    "partials/head-extra": ("<!-- {{ site.description }} -->",),
    "root": ("ROOT {{ site.posts.size }}",),
    "narrow": ("{{ post.id }}", "{{ post.path }}", "{{ post.categories | join: ',' }}", "{{ post.excerpt }}"),
    "wide": ("{{ post.title }}{{ post.content | markdown }}{{ post.tags | join: ',' }}{{ tag_color_by_name.red }}",),
    "lists": ("{{ archive_context.name }}{{ has_next_page }}{{ page_number }}", "{{ archive_title }}"),
    "macros/gallery": ("{% for i in images %}{{ i.href }}{{ i.title }}{% endfor %}", "{{ post.title }}{{ columns }}"),
    "macros/tag-cloud": (
        "{% for w in words %}{{ w.text }}{{ w.count }} {% endfor %}",
        "{{ document_title }}{{ archive_title }}{{ site.name }}",
        "{% for i in (1..9) %}{{ i }}{% endfor %}{% render 'partials/bit', p: post %}",
    ),
}

SCRIPTS: Final = (
    'def render(context, post):\n    return {"html": "<b>hi</b>"}\n',
    'def render(context, post):\n    return {"html": post["title"] if post else "-"}\n',
    'def render(context, post):\n    return {"html": str(len(post["content"]))}\n',
    'def render(context, post):\n    return {"html": context["params"].get("name", "-") + str(post["tags"])}\n',
    'def render(context, post):\n    return {"html": str(context["env"]["translations"]) + post["status"]}\n',
    'def render(context, post):\n    return {"html": str(sorted(context["env"].items()))}\n',
    'def render(context, post):\n    return {"html": str(sorted(post.items()))}\n',
    'async def render(context, post):\n    return {"html": post["createdAt"]}\n',
    'def render(context, post):\n    raise ValueError("no")\n',
    'def render(context, post):\n    print("x")\n    return {"html": post["slug"]}\n',
    '"""\n---\nslug: Other\nentrypoint: go\n---\n"""\n\ndef go(context, post):\n    return {"html": "go"}\n',
    '"""\n---\nenabled: false\n---\n"""\n',
    "def render(:\n",
)
SCRIPT_PATHS: Final = ("scripts/hello.py", "scripts/other.py", "scripts/sub/hello.py")

PROJECT: Final[dict[str, tuple[object, ...]]] = {
    "name": ("Blog", "Other"),
    "description": ("", "About"),
    "publicUrl": ("https://x.example", "https://x.example/blog"),
    "mainLanguage": ("en", "en", "en", "de"),
    "blogLanguages": (["en", "de"], ["en", "de", "fr"], ["en"]),
    "defaultAuthor": ("", "Zoe"),
    "maxPostsPerPage": (2, 2, 3),
    "timezone": ("UTC", "UTC", "Europe/Berlin"),
    "blogd": ({}, {}, {"highlight": False}, {"limits": {"loopTurns": 8}}),
}
COLORS: Final = ("#f00", "#0f0", "")
MENUS: Final = (
    '<opml version="2.0"><body><outline text="A" type="page" pageSlug="alpha"/></body></opml>',
    '<opml version="2.0"><body><outline text="N"><outline categoryName="note"/></outline></body></opml>',
    "<opml",
)

MEDIA: Final = ("media/2024/01/one.png", "media/2024/01/ONE.png", "media/2024/01/two.png", "media/2024/02/one.png")
ASSETS: Final = ("assets/a.txt", "assets/dir/b.txt", "assets/dir", "assets/blogd.css", "images/i.png")
RENAMES: Final = (
    ("posts/2024/01", "posts/2024/03"),
    ("posts/2024/03", "posts/2024/01"),
    ("posts/2024/02", "attic/02"),
    ("attic/02", "posts/2024/02"),
    ("media/2024/01", "media/2023/12"),
    ("media/2023/12", "media/2024/01"),
    ("templates/partials", "templates/macros"),
    ("templates", "attic/templates"),
    ("attic/templates", "templates"),
    ("assets/dir", "assets/a.txt"),
)
BROKEN_POSTS: Final = ("---\ntitle: [\n---\nx\n", "---\ntitle: x\n---\nno date\n", "---\ntitle: x\n", "+++\n+++\n")


def front(fields: dict[str, str | None]) -> str:
    """Write front matter."""
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)


def project(settings: dict[str, object]) -> Write:
    """Write the project's settings."""
    return Write("meta/project.json", json.dumps(settings))


START: Final[tuple[Edit, ...]] = (
    project({"name": "Blog", "blogLanguages": ["en", "de"], "maxPostsPerPage": 2, "timezone": "UTC"}),
    Write("templates/single-post.liquid", TEMPLATES["single-post"][0]),
    Write("templates/post-list.liquid", TEMPLATES["post-list"][0]),
    Write("templates/not-found.liquid", TEMPLATES["not-found"][0]),
    Write("posts/2024/01/alpha.md", "---\ntitle: one\ncreatedAt: 2024-01-01T10:00:00Z\ntags: [red]\n---\nplain text\n"),
    Write("posts/2024/01/beta.md", "---\ntitle: two\ncreatedAt: 2024-01-02\ncategories: [note]\n---\n[[hello]]\n"),
    Write("posts/2024/02/alpha.md", "---\ncreatedAt: 2024-02-01\n---\nsee [x](/posts/alpha) [[gallery]]\n"),
    Write("posts/2024/02/delta.md", "---\ncreatedAt: 2024-02-02\ncategories: [page]\n---\n\n"),
    Write("posts/2024/01/alpha.de.md", "---\ntitle: eins\nlanguage: de\n---\n[[hello]]\n"),
    Write("scripts/hello.py", SCRIPTS[1]),
    Write("media/2024/01/one.png", "PNG"),
)


@st.composite
def _bodies(draw: DrawFn) -> str:
    chosen = draw(st.lists(st.sampled_from(PARAGRAPHS), min_size=0, max_size=3))
    return "\n\n".join(chosen) + "\n"


def _value(name: str) -> SearchStrategy[str | None]:
    return st.sampled_from(FIELDS[name])


@st.composite
def _whole_post(draw: DrawFn, path: str) -> Edit:
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=6, unique=True))
    fields = {"createdAt": draw(st.sampled_from(DATES)), **{name: draw(_value(name)) for name in names}}
    return Write(path, f"---\n{front(fields)}---\n{draw(_bodies())}")


@st.composite
def _translation(draw: DrawFn, path: str) -> Edit:
    """Write a translation, named after its post or like any post."""
    stem = path.removesuffix(".md").partition(".")[0]
    name, written = draw(st.sampled_from(LANGUAGES)), draw(st.sampled_from((*LANGUAGES, None)))
    of = draw(st.sampled_from((None, None, stem.removeprefix("posts/"), *NAMES)))
    names = draw(st.lists(st.sampled_from(("title", "excerpt", "status", "createdAt", "author", "id")), unique=True))
    fields = {"language": written, "title": "t", "translationFor": of} | {name: draw(_value(name)) for name in names}
    target = f"{stem}.{name}.md" if of is None or draw(st.booleans()) else draw(st.sampled_from(POSTS))
    return Write(target, f"---\n{front(fields)}---\n{draw(_bodies())}")


@st.composite
def _sidecar(draw: DrawFn, path: str) -> Edit:
    lines = [
        f'originalName: "{draw(st.sampled_from(("Two.png", "one.png")))}"',
        f'title: "{draw(st.sampled_from(WORDS))}"',
        f'linkedPostIds: ["{draw(st.sampled_from(IDS))}"]',
        f'createdAt: "{draw(st.sampled_from(DATES))}"',
        f'mimeType: "{draw(st.sampled_from(("image/png", "text/plain")))}"',
    ]
    kept = draw(st.lists(st.sampled_from(lines), unique=True))
    return Write(f"{path}.meta", "\n".join(["---", *kept, "---", ""]))


@st.composite
def _tags(draw: DrawFn) -> Edit:
    templates = st.sampled_from((None, None, "narrow"))
    colors = st.sampled_from(COLORS)
    names = draw(st.lists(st.sampled_from(("red", "blue", "a/b")), unique=True))
    entries = [{"name": name, "color": draw(colors), "postTemplateSlug": draw(templates)} for name in names]
    return Write("meta/tags.json", json.dumps(entries))


@st.composite
def _categories(draw: DrawFn) -> Edit:
    flags, templates = st.sampled_from((True, False)), st.sampled_from((None, None, "narrow"))
    entries = {
        name: {
            "renderInLists": draw(flags),
            "showTitle": draw(flags),
            "title": draw(st.sampled_from(WORDS)),
            "listTemplateSlug": draw(st.sampled_from((None, "lists", "missing"))),
            "postTemplateSlug": draw(templates),
        }
        for name in draw(st.lists(st.sampled_from(("article", "note", "page")), unique=True))
    }
    return Write("meta/category-meta.json", json.dumps(entries))


@st.composite
def _template(draw: DrawFn) -> Edit:
    name = draw(st.sampled_from(sorted(TEMPLATES)))
    return Write(f"templates/{name}.liquid", draw(st.sampled_from(TEMPLATES[name])))


def _project() -> SearchStrategy[Edit]:
    settings = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in PROJECT.items()})
    return settings.map(project)


def _writes(paths: Sequence[str], texts: Sequence[str]) -> SearchStrategy[Edit]:
    return st.builds(Write, st.sampled_from(paths), st.sampled_from(texts))


def _post_edit(path: str) -> SearchStrategy[Edit]:
    fields = st.sampled_from(sorted(FIELDS)).flatmap(
        lambda name: st.builds(Field, st.just(path), st.just(name), _value(name))
    )
    bodies = st.builds(Body, st.just(path), _bodies())
    return fields | fields | bodies


NEW: Final[tuple[SearchStrategy[Edit], ...]] = (
    *[st.sampled_from(POSTS).flatmap(_whole_post)] * 3,
    _writes(POSTS, BROKEN_POSTS),
    *[_template()] * 3,
    _writes(SCRIPT_PATHS, SCRIPTS),
    _writes(SCRIPT_PATHS, SCRIPTS),
    _project(),
    _writes(("meta/project.json", "meta/tags.json", "meta/category-meta.json"), ("{", "[]", "{}")),
    _tags(),
    _categories(),
    _writes(("meta/menu.opml",), MENUS),
    _writes(MEDIA, ("PNG", "PNG2")),
    st.sampled_from(MEDIA).flatmap(_sidecar),
    _writes([f"{path}.meta" for path in MEDIA], ("---\ntitle: [\n---\n", "")),
    _writes(ASSETS, ("a", "b")),
    st.sampled_from(RENAMES).map(lambda pair: Rename(*pair)),
)


@st.composite
def edits(draw: DrawFn, files: Sequence[str]) -> Edit:
    """Draw one edit of a site that has these files."""
    posts = [path for path in files if path.startswith("posts/") and path.endswith(".md")]
    old: list[SearchStrategy[Edit]] = []
    if posts:
        some = st.sampled_from(posts)
        old += [some.flatmap(_post_edit)] * 6 + [some.flatmap(_translation)] * 2
        old += [st.builds(Rename, some, st.sampled_from(POSTS))]
    if files:
        some = st.sampled_from(files)
        old += [some.map(Delete)] * 2 + [some.map(Touch), some.map(Resave)]
    return draw(draw(st.sampled_from([*old, *NEW])))
