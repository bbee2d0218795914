from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render import posts
from blogd.render.posts import read_post
from blogd.render.records import Post
from blogd.render.source import MAX_FINDINGS

if TYPE_CHECKING:
    from blogd.render.diagnostic import Diagnostic

BERLIN = ZoneInfo("Europe/Berlin")
PATH = "posts/2024/01/hello.md"
DAY = b"createdAt: 2024-01-15\n"


def at(*parts: int) -> int:
    year, month, day, *rest = parts
    hour, minute = (*rest, 0, 0)[:2]
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 1_000_000


def accept(block: bytes, path: str = PATH) -> Post:
    """Read a post that has nothing wrong with it."""
    file = read_post(path, b"---\n" + block + b"---\nbody", BERLIN)
    assert file.diagnostics == ()
    assert file.post is not None
    return file.post


def warn(block: bytes, path: str = PATH) -> tuple[Post, Diagnostic]:
    """Read a post that has one thing wrong with it, told at its key's line."""
    file = read_post(path, b"---\n" + block + b"---\nbody", BERLIN)
    (told,) = file.diagnostics
    assert told.severity == "warning"
    assert file.post is not None
    return file.post, told


def refuse(data: bytes, path: str = PATH) -> Diagnostic:
    """Read a file that can't be used."""
    file = read_post(path, data, BERLIN)
    assert (file.post, file.text) == (None, "")
    told = file.diagnostics[-1]
    assert (told.severity, told.path) == ("error", path)
    return told


def test_every_key_is_read() -> None:
    post = accept(
        b"id: 7\ntitle: Hello\nslug: hello.world\nexcerpt: E\nauthor: A\ntemplateSlug: wide\nlayout: page\n"
        b"status: archived\nlanguage: zh_TW\ndoNotTranslate: true\ncreatedAt: '2024-01-15T10:00:00.000Z'\n"
        b"updatedAt: 2024-01-16T10:00:00Z\npublishedAt: 2024-01-17 10:00:00 +0000\ntags: [a, b]\n"
        b"categories:\n- c\n"
    )
    assert post == Post(
        path=PATH,
        id="7",
        title="Hello",
        slug="hello.world",
        excerpt="E",
        author="A",
        template_slug="wide",
        template_at=(7, 1),
        layout="page",
        status="archived",
        language="zh-tw",
        do_not_translate=True,
        created_at=at(2024, 1, 15, 10),
        updated_at=at(2024, 1, 16, 10),
        published_at=at(2024, 1, 17, 10),
        tags=("a", "b"),
        categories=("c",),
        body_offset=post.body_offset,
        body_line=19,
        source_digest=blake2b(b"body", digest_size=16).digest(),
    )


def test_defaults() -> None:
    post = accept(DAY)
    day = at(2024, 1, 14, 23)
    assert (post.id, post.title, post.slug, post.status, post.language) == (
        "2024/01/hello",
        "hello",
        "hello",
        "published",
        "",
    )
    assert (post.created_at, post.updated_at, post.published_at) == (day, day, day)
    assert (post.excerpt, post.author, post.template_slug, post.layout, post.tags, post.categories) == (
        *(None, None, None, None),
        *((), ()),
    )


@pytest.mark.parametrize(
    ("alias", "key", "value"),
    [
        (b"lang: de", "language", "de"),
        (b"description: D", "excerpt", "D"),
        (b"summary: S", "excerpt", "S"),
        (b"draft: true", "status", "draft"),
        (b"draft: Yes", "status", "draft"),
        (b"draft: false", "status", "published"),
        (b"published: false", "status", "draft"),
        (b"published: 'off'", "status", "draft"),
        (b"category: c", "categories", ("c",)),
        (b"lastmod: 2024-02-01T00:00:00Z", "updated_at", at(2024, 2, 1)),
        (b"last_modified_at: 2024-02-01T00:00:00Z", "updated_at", at(2024, 2, 1)),
        (b"updated: 2024-02-01T00:00:00Z", "updated_at", at(2024, 2, 1)),
        (b"date: 2024-02-01T00:00:00Z", "created_at", at(2024, 1, 14, 23)),
    ],
)
def test_aliases(alias: bytes, key: str, value: object) -> None:
    assert getattr(accept(DAY + alias + b"\n"), key) == value


@pytest.mark.parametrize(
    ("block", "key", "value"),
    [
        (b"language: de\nlang: fr\n", "language", "de"),
        (b"excerpt: E\ndescription: D\nsummary: S\n", "excerpt", "E"),
        (b"status: archived\ndraft: true\n", "status", "archived"),
        (b"categories: [a]\ncategory: c\n", "categories", ("a",)),
        (b"excerpt:\nsummary: S\n", "excerpt", "S"),
    ],
)
def test_aliases_count_where_the_key_is_absent_or_null(block: bytes, key: str, value: object) -> None:
    assert getattr(accept(DAY + block), key) == value


def test_date_stands_in_for_created_at() -> None:
    assert accept(b"date: 2015-12-25 17:00:00 +0000\n").created_at == at(2015, 12, 25, 17)


@pytest.mark.parametrize(
    ("value", "title"),
    [
        *((b"2019", "2019"), (b"Yes", "Yes"), (b"012", "012"), (b"1.10", "1.10"), (b"12:30", "12:30")),
        *(
            (b"null", "hello"),
            (b"~", "hello"),
            (b"", "hello"),
            (b"''", "hello"),
            (b"'  '", "hello"),
            (b"'null'", "null"),
        ),
        *((b"'It''s'", "It's"), (b"|\n  a\n", "a"), (b"{{ x }}", "hello"), ("Grüße".encode(), "Grüße")),
    ],
)
def test_titles_are_texts_whatever_yaml_takes_them_for(value: bytes, title: str) -> None:
    file = read_post(PATH, b"---\n" + DAY + b"title: " + value + b"\n---\n", BERLIN)
    assert file.post is not None
    assert file.post.title == title


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        (b"one", ("one",)),
        (b"one, two", ("one, two",)),
        (b"[' a ', b, a, '', ~, 2019, Yes, 2024-01-01]", ("a", "b", "2019", "Yes", "2024-01-01")),
        (b"7", ("7",)),
        (b"[]", ()),
        (b"", ()),
    ],
)
def test_tags(value: bytes, tags: tuple[str, ...]) -> None:
    assert accept(DAY + b"tags: " + value + b"\n").tags == tags


@pytest.mark.parametrize(
    ("name", "slug", "day"),
    [
        ("2024-02-03-leap.md", "leap", at(2024, 2, 2, 23)),
        ("2024-02-03-1.0.md", "1.0", at(2024, 2, 2, 23)),
        ("2024-02-30-never.md", "2024-02-30-never", None),
        ("2024-02-03.md", "2024-02-03", None),
        ("2024-02-03-.md", "2024-02-03-", None),
        ("Grüße.md", "Grüße", None),
        ("a.b.md", "a.b", None),
        (".hidden.md", ".hidden", None),
        ("tag.md", "tag", None),
        ("caf\udce9.md", "caf\ufffd", None),
    ],
)
def test_the_file_name_gives_the_slug_and_may_give_the_day(name: str, slug: str, day: int | None) -> None:
    file = read_post(f"posts/{name}", b"body", BERLIN)
    if day is None:
        assert file.diagnostics[-1].message == "the post has no date"
        file = read_post(f"posts/{name}", b"---\n" + DAY + b"---\nbody", BERLIN)
    assert file.post is not None
    assert (file.post.slug, file.post.title) == (slug, slug)
    assert file.post.created_at == (day or at(2024, 1, 14, 23))
    msgspec.msgpack.encode(msgspec.structs.replace(file.post, path=""))


def test_the_front_matter_has_the_last_word_on_slug_and_date() -> None:
    post = accept(DAY + b"slug: other\n", "posts/2020-01-01-hello.md")
    assert (post.slug, post.created_at) == ("other", at(2024, 1, 14, 23))


@pytest.mark.parametrize("slug", [b".", b"..", b"''", b"' '"])
def test_a_slug_that_no_url_can_hold_is_told_and_replaced(slug: bytes) -> None:
    post, told = warn(DAY + b"slug: " + slug + b"\n")
    assert (post.slug, told.line, told.hint) == ("hello", 3, "`hello` is used")


@pytest.mark.parametrize("slug", ["../../etc/passwd", "/", "a b", "page", "2", "π", "<b>", "a%2Fb", "x" * 5_000])
def test_a_slug_may_hold_any_character(slug: str) -> None:
    assert accept(DAY + b"slug: '" + slug.encode() + b"'\n").slug == slug


@pytest.mark.parametrize("path", ["posts/.md", "posts/..md", "posts/...md"])
def test_a_name_that_gives_no_slug_is_refused(path: str) -> None:
    assert refuse(b"---\n" + DAY + b"---\n", path).message == "the post has no slug"


@pytest.mark.parametrize(
    ("path", "sibling", "language"),
    [
        ("posts/2024/a.de.md", "posts/2024/a.md", "de"),
        ("posts/a.b.zh_TW.md", "posts/a.b.md", "zh-tw"),
        ("posts/a.pt-BR.md", "posts/a.md", "pt-br"),
        ("posts/a.md", None, ""),
        ("posts/a.1.md", None, ""),
        ("posts/a.final.md", None, ""),
        ("posts/.de.md", None, ""),
    ],
)
def test_a_file_may_be_named_as_a_translation(path: str, sibling: str | None, language: str) -> None:
    post = accept(DAY, path)
    assert (post.sibling, post.sibling_language, post.language) == (sibling, language, "")


def test_a_file_named_as_a_translation_may_leave_the_date_to_its_post() -> None:
    post = accept(b"title: T\n", "posts/a.de.md")
    assert (post.created_at, post.updated_at, post.published_at) == (None, None, None)


def test_a_translation_leaves_its_dates_to_its_post() -> None:
    post = accept(b"translationFor: 7\ntitle: T\nlanguage: DE\ncreatedAt: 2024-01-15T00:00Z\n")
    assert (post.translation_for, post.language, post.title) == ("7", "de", "T")
    assert (post.created_at, post.updated_at, post.published_at) == (at(2024, 1, 15), None, None)


def test_the_name_may_give_the_language_of_a_translation() -> None:
    assert accept(b"translationFor: 7\ntitle: T\n", "posts/a.de.md").language == "de"


@pytest.mark.parametrize(("block", "missing"), [(b"title: T\n", "language"), (b"language: de\n", "title")])
def test_a_translation_needs_a_title_and_a_language(block: bytes, missing: str) -> None:
    told = refuse(b"---\n" + block + b"translationFor: 7\n---\n")
    assert (told.message, told.line) == (f"a translation needs a {missing}", 3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"title: [a]", "`title` is not a text"),
        (b"author: {a: b}", "`author` is not a text"),
        (b"status: hidden", "status `hidden` is unknown"),
        (b"language: '?'", "`?` is not a language code"),
        (b"lang: a/../b", "`a/../b` is not a language code"),
        (b"doNotTranslate: maybe", "`doNotTranslate` is neither true nor false"),
        (b"updatedAt: soon", "`soon` is not a date"),
        (b"publishedAt: [a]", "`publishedAt` is not a text"),
        (b"tags: [[a], b]", "`tags` is not a list of texts"),
        (b"category: {a: b}", "`category` is not a list of texts"),
        (b"createdAt: 2024-01-15", "`createdAt` is given twice, first on line 2"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_line_and_taken_for_absent(line: bytes, message: str) -> None:
    post, told = warn(DAY + b"# a comment\n" + line + b"\n")
    assert (told.message, told.line, told.column, told.source_line) == (message, 4, 1, line.decode())
    assert post.status == ("draft" if b"status" in line else "published")
    absent = accept(DAY)
    for key in ("title", "author", "language", "do_not_translate", "updated_at", "published_at", "categories"):
        assert getattr(post, key) == getattr(absent, key)


def test_status_is_read_in_any_case() -> None:
    assert accept(DAY + b"status: Draft\n").status == "draft"


def test_a_post_without_a_date_is_refused() -> None:
    told = refuse(b"---\ntitle: T\n---\n")
    assert (told.message, told.line) == ("the post has no date", 1)
    assert "createdAt: 2024-01-31" in told.hint


@pytest.mark.parametrize("key", ["createdAt", "date"])
def test_a_wrong_date_is_told_once_at_its_line(key: str) -> None:
    file = read_post(PATH, f"---\ntitle: T\n{key}: 31.1.2024\n---\n".encode(), BERLIN)
    (told,) = file.diagnostics
    assert (told.severity, told.message, told.line) == ("error", "`31.1.2024` is not a date", 3)


def test_the_day_in_the_name_stands_in_for_a_wrong_date() -> None:
    post, told = warn(b"date: soon\n", "posts/2024-01-15-a.md")
    assert (post.created_at, told.message) == (at(2024, 1, 14, 23), "`soon` is not a date")


def test_broken_front_matter_is_refused() -> None:
    told = refuse(b"---\ntitle: T\nauthor: MAGIC: J. Doe\n---\n")
    assert (told.line, told.column, told.source_line) == (3, 14, "author: MAGIC: J. Doe")


def test_toml_is_refused_rather_than_shown() -> None:
    told = refuse(b"+++\ndate = 2024-01-15\n+++\nbody", "posts/2024-01-15-a.md")
    assert (told.message, told.line) == ("front matter in TOML is not read", 1)
    assert accept(DAY, "posts/+++.md").slug == "+++"


def test_warnings_are_kept_when_the_post_is_refused() -> None:
    file = read_post(PATH, b"---\ntitle: [a]\n---\n", BERLIN)
    assert [told.severity for told in file.diagnostics] == ["warning", "error"]


def test_a_body_is_text_whatever_is_in_it() -> None:
    body = b"{{ x }}\r\n---\r{% for %}\n\0 caf\xe9"
    file = read_post(PATH, b"---\n" + DAY + b"---\n" + body, BERLIN)
    assert file.text == "{{ x }}\n---\n{% for %}\n\ufffd caf\ufffd"
    (told,) = file.diagnostics
    assert (told.line, told.column) == (7, 6)
    assert file.post is not None
    assert file.post.source_digest == blake2b(body, digest_size=16).digest()
    assert posts.read_body(PATH, body, 4) == (file.text, file.diagnostics)


def test_a_body_of_several_megabytes_is_read() -> None:
    body = b"word " * 1_000_000
    assert read_post(PATH, b"---\n" + DAY + b"---\n" + body, BERLIN).text == body.decode()


def test_a_file_larger_than_any_post_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "MAX_BYTES", 1 << 20)
    assert refuse(b"x" * ((1 << 20) + 1)).message == "the file is larger than 1 MiB"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("before", ["", "a: ", "a: [", "a: '", "a:\n- "])
@pytest.mark.parametrize(
    "bit", ["a: b\n", "'", "''", "'a", " ", " \t", "\r", "[", "- ", "? ", "&a [*a,", "{a: b, ", ":a", " #", "\0"]
)
def test_hostile_front_matter_takes_no_more_time_than_any_other(before: str, bit: str) -> None:
    block = before + bit * (200_000 // len(bit))
    file = read_post(PATH, f"---\n{block}\n---\n".encode(), BERLIN)
    assert len(file.diagnostics) <= 2 * MAX_FINDINGS + 1


def test_there_is_an_end_to_warnings() -> None:
    block = "".join(f"k{n}: 1\nk{n}: 2\n" for n in range(10_000))
    file = read_post(PATH, b"---\n" + DAY + block.encode() + b"---\n", BERLIN)
    assert file.post is not None
    assert len(file.diagnostics) == MAX_FINDINGS


BITS = [
    *(
        b"---\n",
        b"---\r\n",
        b"---\r",
        b"\n",
        b": ",
        b"\t",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"{{ x }}",
        b"- a\n",
        b"&a ",
        b"*a",
    ),
    *(
        b"title: ",
        b"slug: ",
        b"createdAt: ",
        b"date: 2024-01-15\n",
        b"tags: ",
        b"language: ",
        b"status: ",
        b"translationFor: x\n",
    ),
    *(
        b"2024-01-15",
        b"draft: ",
        b"true\n",
        b"..",
        b"/",
        b"[",
        b"]",
        b"'",
        b'"',
        b"!!python/object:os.x ",
        b"id: ",
        b"lang: de\n",
    ),
]
NAMES = st.sampled_from(["a.md", "2024-01-15-a.md", "a.de.md", "9999-12-31-a.md", "..md", "2024-01-15-.de.md"])


@given(NAMES, st.lists(st.sampled_from(BITS), max_size=24).map(b"".join) | st.binary(max_size=60))
def test_any_bytes_are_a_post_or_say_why_not(name: str, data: bytes) -> None:
    file = read_post(f"posts/{name}", b"---\n" + data, BERLIN)
    assert (file.post is None) == any(told.severity == "error" for told in file.diagnostics)
    msgspec.msgpack.encode((file.post, file.diagnostics))
    if file.post is not None:
        assert file.post.slug not in {"", ".", ".."}
        assert file.post.id
        assert file.post.title
