"""What a body leaves open, and where: links, macros, ids; each on the line on which it was written."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render.body import Anchor, Body, Link, Macro
from blogd.render.markdown import render_body
from tests.render.plain_mistune import fill


def body(text: str) -> Body:
    return render_body(text, highlight=True)


def links(text: str) -> list[tuple[str, str]]:
    return [(piece.url, piece.attribute) for piece in body(text).pieces if isinstance(piece, Link)]


def macros(text: str) -> list[Macro]:
    return [piece for piece in body(text).pieces if isinstance(piece, Macro)]


def test_strings_between_holes_are_joined() -> None:
    pieces = body("# a\n\n[b](/c) d *e* <i>f</i>\n\ng [[h]] i\n").pieces
    assert not any(isinstance(one, str) and isinstance(next_, str) for one, next_ in pairwise(pieces))
    assert [type(piece) for piece in pieces] == [str, Anchor, str, Link, str, Macro, str]


# Links


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](/b)", [("/b", "href")]),
        ("[a](<b c.md> 'd')", [("b%20c.md", "href")]),
        ("[a](post/ü?b=&amp;c#d)", [("post/%C3%BC?b=&c#d", "href")]),
        ("![a](media/b.png)", [("media/b.png", "src")]),
        ("[![a](b.png)](c)", [("c", "href"), ("b.png", "src")]),
        ("[a][b] [b][] [b] ![b]\n\n[b]: /c", [("/c", "href")] * 3 + [("/c", "src")]),
        ("[a](?b)", [("?b", "href")]),
        ("> - [a](/b)", [("/b", "href")]),
        ("| a |\n|---|\n| [b](/c) |", [("/c", "href")]),
        ("# [a](/b)", [("/b", "href")]),
        ("a[^1]\n\n[^1]: [b](/c)", [("/c", "href")]),
        ("- [ ] [a](/b)", [("/b", "href")]),
        ("~~[a](/b)~~ **[c](/d)**", [("/b", "href"), ("/d", "href")]),
    ],
)
def test_links_of_markdown_are_holes(text: str, expected: list[tuple[str, str]]) -> None:
    assert links(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<a href="/b?c=1&amp;d&e">', [("/b?c=1&d&e", "href")]),
        ("a <a href='/b'>c</a>", [("/b", "href")]),
        ("a <A HREF=/b>c</A>", [("/b", "href")]),
        ('a <a\nclass="c"\nhref = " /b ">', [("/b", "href")]),
        ('<div><img src="/b.png"><img src=/c.png></div>', [("/b.png", "src"), ("/c.png", "src")]),
        ("<video src=b.mp4 autoplay></video>", [("b.mp4", "src")]),
        ("<script src='/b.js'>c</script>", [("/b.js", "src")]),
        ("<div>\n<p title=\"a > b\" data-href='/c'><a href=/d></p>", [("/d", "href")]),
    ],
)
def test_links_of_raw_html_are_holes(text: str, expected: list[tuple[str, str]]) -> None:
    assert links(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "[a](https://b.c)",
            "[a](mailto:b)",
            "[a](//b.c/d)",
            "[a]()",
            "[a](#b)",
            "<https://a.b>",
            "https://a.b",
            "<a@b.c>",
        ),
        *('<a href="https://a.b">', "<img src=data:image/png;base64,x>", "<a href=''>", "<a href>", "<a href=#b>"),
        *(
            "<!-- <a href=/b> -->",
            "`<a href=/b>`",
            "    <a href=/b>",
            '<p title="<a href=/b>">',
            "<pre>\n<a href=/b>\n</pre>",
        ),
        *(
            "<script>'<a href=\"/b\">'</script>",
            "<p data-src=/b>",
            "a href=/b",
            "<a xhref=/b>",
            "\\<a href=/b>",
            "[a](/b",
        ),
    ],
)
def test_nothing_else_is_a_link(text: str) -> None:
    assert links(text) == []


def test_raw_html_without_links_stays_as_it_is() -> None:
    html = "<DIV class=a  data-b='c'><!-- href=/d --></div>\n"
    assert body(html).pieces == (html,)


def test_a_filled_url_stands_between_double_quotes() -> None:
    assert fill(body("<a class='b' href='/c' id=d>e</a>")) == "<p><a class='b' href=\"/c\" id=d>e</a></p>\n"


# Ids


def test_fragments_of_this_body_get_the_pages_prefix() -> None:
    text = "[a](#über-uns) [b](#%C3%BCber-uns) <a href='#über-uns'>c</a> [d](#other)[^1]\n\n## Über uns\n\n[^1]: e\n"
    html = fill(body(text), anchor="p-")
    assert html.count('href="#p-über-uns"') == 1
    assert html.count('href="#p-%C3%BCber-uns"') == 2
    assert '<h2 id="p-über-uns">' in html
    assert 'href="#other"' in html
    for reference in ('id="p-fnref-1"', 'href="#p-fn-1"', 'id="p-fn-1"', 'href="#p-fnref-1"'):
        assert reference in html


# Macros


def test_a_macro_in_text_is_no_block() -> None:
    assert fill(body("a [[b]] c")) == "<p>a [[b]] c</p>\n"
    assert [macro.block for macro in macros("a [[b]]")] == [False]


@pytest.mark.parametrize(
    "text", ["[[a]]", "  [[a]]\n[[b]]", "[[a]] [[b]]", "- [[a]]", "> [[a]]\n", "<div>\n[[a]]\n</div>"]
)
def test_macros_alone_are_blocks(text: str) -> None:
    assert all(macro.block for macro in macros(text))
    assert "<p>" not in fill(body(text))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "`[[a]]`",
            "    [[a]]",
            "```\n[[a]]\n```",
            "\\[[a]]",
            "[\\[a]]",
            "<code>[[a]]</code>",
            "a <code>[[a]]</code>",
        ),
        *(
            "<p title='[[a]]'>",
            "b <i title='[[a]]'>",
            "<!-- [[a]] -->",
            "b <!-- [[a]] -->",
            "<script>\n[[a]]\n</script>",
        ),
        *(
            "<style>[[a]]</style>",
            "<textarea>\n[[a]]</textarea>",
            "<https://[[a]]>",
            "[[a]](b)",
            "[[a b]]",
            "[b](<[[a]]>)",
        ),
        *('[b](c "[[a]]")', "[b]: <[[a]]>"),
    ],
)
def test_what_only_looks_like_a_macro(text: str) -> None:
    assert macros(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "[[a]]\n\n[a]: /b",
        "**[[a]]**",
        "[[[a]]](/b)",
        "# [[a]]",
        "| [[a]] |\n|---|\n",
        "<p>[[a]]</p>",
        "b <i>[[a]]</i>",
        "![[a]]",
    ],
)
def test_macros_come_before_links_and_stand_in_all_text(text: str) -> None:
    assert [macro.source for macro in macros(text)] == ["[[a]]"]


def test_a_macro_in_an_images_description_stays_text() -> None:
    assert fill(body("![b [[a]]](/c)")) == '<p><img src="/c" alt="b [[a]]" loading="lazy"></p>\n'
    assert macros("![b [[a]]](/c)") == []


def test_parameters_are_taken_before_markdown_reads_them() -> None:
    (macro,) = macros('a [[b c="*d* <i> &amp; `e`" f=_g_]] h*')
    assert macro.params == {"c": "*d* <i> &amp; `e`", "f": "_g_"}


# Lines


@pytest.mark.parametrize(
    "text",
    [
        "[a](/3)",
        "a\nb [c](/4)",
        "`[a](/x)`\n\n[b](/5)",
        "    [a](/x)\n\n- a\n- [b](/6)\n  [c](/7)\n\n  [d](/9)\n- e\n\n  > f\n  > [g](/13)",
        "> [a](/3)\n> - b\n>   [c](/5)",
        "1. a\n   1. b\n      1. [c](/5)\n   2. [d](/6)\n2. [e](/7)",
        "- a\n\n\n- [b](/6)\n***\n[c](/8)",
        "# [a](/3)\n\n[b](/5)\n===",
        "| [a](/3) |\n|---|\n| [b](/5) |\n| [c](/6)",
        "[a]\n\n\n[a]: /6",
        "<div>\n<a href=/4>\n\n<p><a\nhref=/7>",
        "a <b\nhref=/4>",
        "a[^1]\n\n[^1]: [b](/5)\n    [c](/6)\n\n    - [d](/8)",
        "- [ ] a\n- [x] [b](/4)",
        "~~a\n[b](/4)~~",
        "[a\nb\nc](/5)",
        "- a\n> [b](/4)\n> lazy\n[c](/6)",
        "\\\n[a](/4)  \n[b](/5)",
    ],
)
def test_links_know_their_line(text: str) -> None:
    found = [piece for piece in body(f"\n\n{text}\n").pieces if isinstance(piece, Link)]
    assert found
    assert [f"/{link.line}" for link in found] == [link.url for link in found]


def test_macros_know_their_line() -> None:
    text = "a\n[[m3]]\n\n[[m5]]\n[[m6]]\n\n- b\n\n  [[m10]]\n\n<div>\n\n[[m14]]\n\n</div>\n\n<p>\n[[m19]]\n"
    assert [(macro.name, macro.line) for macro in macros(f"\n{text}")] == [
        (f"m{line}", line) for line in (3, 5, 6, 10, 14, 19)
    ]


_BLOCK = st.sampled_from(
    ["text", "> quote\n> more", "- item\n\n  more\n- item", "```\n[x](/x)\n```", "# Heading", "<p>\nraw\n</p>"]
)


@given(
    st.lists(st.tuples(_BLOCK, st.integers(2, 4))),
    st.sampled_from(["{}", "> {}", "- {}", "1. a\n\n   > b {}", "<p>{}</p>"]),
)
def test_lines_are_right_behind_any_blocks(blocks: list[tuple[str, int]], link: str) -> None:
    before = "".join(block + "\n" * newlines for block, newlines in blocks)
    text = before + link.format('<a href="/y">')
    (found,) = (piece for piece in body(text).pieces if isinstance(piece, Link))
    assert found.line == text.count("\n", 0, text.index("/y")) + 1
