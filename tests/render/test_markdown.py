"""The dialect: what GitHub adds to CommonMark, footnotes, heading ids, code; and that no text is too odd."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render.markdown import MARKDOWN_VERSION, render_body
from tests.render.plain_mistune import fill


def html(text: str, *, highlight: bool = False) -> str:
    return fill(render_body(text, highlight=highlight))


def test_the_version_names_all_that_decides_the_output() -> None:
    for library in ("mistune 3", "pygments 2", "unicode "):
        assert library in MARKDOWN_VERSION


def test_equal_texts_give_equal_bodies() -> None:
    text = "# a\n\n[[m]] [b](/c)[^1]\n\n[^1]: d\n"
    assert render_body(text, highlight=True) == render_body(text, highlight=True)


# Headings


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Hello *World*", "hello-world"),
        ("`f(x)` & more", "fx--more"),
        ("[A link](/b) ![not me](c.png)", "a-link"),
        ("Über straße_1-2", "über-straße_1-2"),
        ("हिन्दी 日本語", "हिन्दी-日本語"),
        ("🎉", "section"),
        ("<b>Bold</b> &lt;i&gt;", "bold-i"),
        ("fn-1", "section-fn-1"),
    ],
)
def test_a_heading_has_an_id_like_githubs(heading: str, name: str) -> None:
    assert f'<h2 id="{name}">' in html(f"## {heading}\n")


def test_heading_ids_are_unique() -> None:
    text = "# A\n\n# A\n\n# A-1\n\n# A\n\n> # A\n"
    assert [name.split('"')[0] for name in html(text).split('id="')[1:]] == ["a", "a-1", "a-1-1", "a-2", "a-3"]


@pytest.mark.parametrize("raw", ['<p id="a">', "<p id='a'>", "<p class=b id=a>", '<b ID = "a">'])
def test_heading_ids_keep_clear_of_those_in_raw_html(raw: str) -> None:
    assert '<h1 id="a-1">' in html(f"# A\n\n{raw}\n")


# Code


def test_fenced_code_names_its_language() -> None:
    code = '<code class="language-py" data-code-language="py">'
    assert html("```py title\nx < 1\n```\n") == f"<pre>{code}x &lt; 1\n</code></pre>\n"
    assert html("```py\nx < 1\n```\n", highlight=True).startswith(
        f'<pre class="highlight">{code}<span class="n">x</span>'
    )


def test_code_in_no_known_language_is_plain() -> None:
    plain = '<pre><code class="language-x&quot;y" data-code-language="x&quot;y">a &lt;\n</code></pre>\n'
    assert html('```x"y\na <\n```\n', highlight=True) == plain
    assert html("```\na\n```\n", highlight=True) == html("    a\n", highlight=True) == "<pre><code>a\n</code></pre>\n"


def test_an_info_string_of_spaces_is_none() -> None:
    assert html("``` &#32;\na\n```\n") == "<pre><code>a\n</code></pre>\n"


# Tables


def test_a_table_has_alignment_by_style_and_a_scroll_box() -> None:
    table = html("a | b\n:-- | --:\n1 | *2*\n")
    assert table.startswith('<div class="table-scroll"><table>\n<thead>')
    assert '<th style="text-align:left">a</th>' in table
    assert '<td style="text-align:right"><em>2</em></td>' in table


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("1", ["1", ""]),
        ("1 | 2 | 3", ["1", "2"]),
        ("| 1 | |", ["1", ""]),
        (r"1 \| 2 | `3 \| 4`", ["1 | 2", "<code>3 | 4</code>"]),
        (r"1 \\| 2", ["1 \\", "2"]),
    ],
)
def test_rows_have_the_headers_width(row: str, cells: list[str]) -> None:
    table = html(f"| a | b |\n|---|---|\n{row}\n")
    assert table.split("<tbody>\n")[1].startswith("<tr>\n" + "".join(f"<td>{cell}</td>\n" for cell in cells) + "</tr>")


@pytest.mark.parametrize(
    "text", ["a | b\n---\n", "a | b\n--- | --- | ---\n", "a\n|-\n", "a | b\n- | x\n", "a | b\n: | -\n"]
)
def test_what_is_no_table(text: str) -> None:
    assert "<table>" not in html(text)


@pytest.mark.parametrize("text", ["> a | b\n> - | -\n", "- a | b\n  - | -\n", "text\na | b\n- | -\n"])
def test_tables_stand_in_quotes_lists_and_below_text(text: str) -> None:
    assert "<table>" in html(text)


def test_a_table_ends_at_a_blank_line_or_another_block() -> None:
    assert "</table></div>\n<blockquote>" in html("a | b\n- | -\n1 | 2\n> c\n")
    assert "</table></div>\n<p>c</p>" in html("a | b\n- | -\n1 | 2\n\nc\n")


# Lists, struck text, bare URLs


def test_task_lists_show_boxes_that_cannot_be_ticked() -> None:
    done = '<li class="task-list-item"><input class="task-list-item-checkbox" type="checkbox" disabled checked> *'
    assert html("- [x] \\*\n- [ ] b\n").startswith(f"<ul>\n{done}</li>\n")
    assert "<p><input " in html("- [ ] a\n\n  b\n")
    assert "<input" not in html("- [y] a\n- [ ]b\n- a [ ] b\n")


def test_struck_text() -> None:
    assert html("~~a *b*~~ ~c~") == "<p><del>a <em>b</em></del> ~c~</p>\n"


@pytest.mark.parametrize(
    ("text", "url", "rest"),
    [
        ("https://a.b/c_d_e.", "https://a.b/c_d_e", "."),
        ("http://a.b/c_(d)", "http://a.b/c_(d)", ""),
        ("http://a.b/(c).", "http://a.b/(c)", "."),
        ("http://a.b/c), d", "http://a.b/c", "), d"),
        ("https://a.b/ü?c&d", "https://a.b/%C3%BC?c&amp;d", ""),
    ],
)
def test_bare_urls_are_links(text: str, url: str, rest: str) -> None:
    shown = text.removesuffix(rest).replace("&", "&amp;") if rest else text.replace("&", "&amp;")
    assert html(text) == f'<p><a href="{url}">{shown}</a>{rest}</p>\n'


def test_a_url_in_a_raw_link_is_text() -> None:
    html_of_link = '<a href="//b.c">https://b.c/<em>d</em> &lt;e@f.g&gt;</a> <a href="https://h.i">https://h.i</a>'
    assert html('<a href="//b.c">https://b.c/*d* <e@f.g></a> https://h.i') == f"<p>{html_of_link}</p>\n"


def test_images_load_lazily() -> None:
    assert html('![a *b*](/c.png "d")') == '<p><img src="/c.png" alt="a b" title="d" loading="lazy"></p>\n'


# Footnotes


def test_footnotes_link_there_and_back() -> None:
    text = html("a[^n] b[^m] c[^n]\n\n[^m]: M\n[^n]: N\n")
    assert '<sup class="footnote-ref" id="fnref-1"><a href="#fn-1" role="doc-noteref">1</a></sup>' in text
    assert '<sup class="footnote-ref" id="fnref-1-2"><a href="#fn-1"' in text
    assert '<li id="fn-1"><p>N<a href="#fnref-1" class="footnote" role="doc-backlink">&#8617;</a></p></li>' in text
    assert text.index('id="fn-1"') < text.index('id="fn-2"')


def test_a_note_may_cite_another() -> None:
    assert '<li id="fn-2"><p>B' in html("a[^1]\n\n[^1]: A[^2]\n[^2]: B\n")


def test_a_note_may_hold_blocks() -> None:
    note = html("a[^1]\n\n[^1]: one\n\n    - two\n\n        three\n")
    assert "<li><p>two</p>\n<p>three</p>" in note


def test_a_paragraph_ends_at_a_note() -> None:
    assert html("a\n[^1]: b\nc\n") == "<p>a</p>\n<p>c</p>\n"


def test_what_cites_no_note_is_text() -> None:
    assert html("a[^1]\n") == "<p>a[^1]</p>\n"


# Odd texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("a\0b", "<p>a\ufffdb</p>\n"),
        ("a\rb\r\rc\r\nd", "<p>a\nb</p>\n<p>c\nd</p>\n"),
        ("\ufeffa \ufeff", "<p>\ufeffa \ufeff</p>\n"),
        ("a\ud800b [c](\udc00)", '<p>a\ufffdb <a href="%EF%BF%BD">c</a></p>\n'),
        ("&#0;&#xD800;&#x110000;&#9999999;", "<p>\ufffd\ufffd\ufffd\ufffd</p>\n"),
        ("&copyright; &#xFFFFFFF;", "<p>&amp;copyright; &amp;#xFFFFFFF;</p>\n"),
        ("\x0b\x0c\u2028", "<p>\x0b\x0c\u2028</p>\n"),
    ],
)
def test_odd_characters(text: str, expected: str) -> None:
    assert html(text) == expected


@given(st.text())
def test_any_text_has_a_rendering(text: str) -> None:
    assert "\0" not in html(text, highlight=True)
