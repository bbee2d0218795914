"""`render_body` means what mistune means: on generated Markdown, and on every post of two real blogs."""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from blogd.render.markdown import render_body
from tests.render.plain_mistune import markdown, without_ids

if TYPE_CHECKING:
    from pathlib import Path

MISTUNE = markdown()
COMMONMARK = MarkdownIt("commonmark")  # comes with rich

INLINE = [
    *(
        "*",
        "**",
        "***",
        "_",
        "__",
        "~",
        "~~",
        "`",
        "``",
        "[",
        "]",
        "![",
        "](u)",
        '](/x "t")',
        "(",
        ")",
        "!",
        ":",
        "://",
    ),
    *("[r]", "[r][]", "x][r]", "[^1]", "_a_", "*a*", "**b c**", "`d`", "[e](/f)", "![g](h.png)", '[i](/j?k&l "m n")'),
    *("<a>", "</a>", '<b c="d">', "<!--", "-->", "<", ">", "<http://x.y>", "<i@j.k>", "http://a.b/c", "https://x."),
    *("\\", "\\*", "\\\n", "&amp;", "&copy;", "&", '"', "'", "a", "b c", "foo", "1", ".", "é", "“", " ", "  ", "\n"),
]
BLOCKS = [
    *("\n", "\n\n", "\n    ", "# ", "## a\n", "> ", "- ", "* ", "+ ", "1. ", "2. ", "3) ", "    ", "  ", "   ", "\t"),
    *("```\n", "~~~ py\n", "---\n", "===\n", "***\n", "<div>", "</div>\n", "<hr>\n", "- [ ] a", "- [x] b\n", "#"),
    *("[r]: /ref\n", '[r]: /ref "t"\n', "\n\n[^1]: n *o*\n\n", "\n\n- e\n\n      f\n\n- g", "\n- c\n  d\n"),
]
DEFINITIONS = ["", '\n\n[r]: /ref "T"', "\n\n[^1]: note *a*", "\n\n[^1]: note\n\n    - more\n\n[r]: <u v>"]

OURS_ALONE = [
    r"\[\[\w+\]\]|!\[\^1\]",  # macros; footnotes behind an exclamation mark
    r"\*{4}|_{4}",  # long runs: mistune may leave one unpaired
    r"^(?: {4}|[ \t]*\t)[ \t]*$",  # a line of spaces: mistune takes it for code
    r"(?:[-+*]|[0-9][.)])[ \t]*\n(?!\n)",  # an item without a first line: mistune goes on with the next one
    # A text far from its marker: mistune lets no block begin between their two indentations.
    r"(?:[-+*]|[0-9][.)]) {2,4}\S",
    r"^ {0,3}\[\^1\]:[^\n]*\n+(?: [^\n]*\n+)* {5}",  # a note's code: mistune lets it fall out of the note
    # A marker behind a quote that can't interrupt a paragraph: mistune moves the line, and the paragraph before the
    # quote with it, behind the quote.
    r">[^\n]*\n[> ]*(?:[-+*]|[0-9]+[.)])[ \t]*$|>[^\n]*\n[> ]*[23][.)]",
]
UNLIKE_MISTUNE = re.compile("|".join(OURS_ALONE), re.MULTILINE)


def texts(scraps: list[str]) -> st.SearchStrategy[str]:
    body = st.lists(st.sampled_from(scraps), min_size=1, max_size=16).map("".join)
    return st.tuples(body, st.sampled_from(DEFINITIONS)).map("".join)


@settings(max_examples=1500)
@example("**a *b** c*")
@example("*a **b*")
@example("[_a_http://b](c)")
@example("![a <http://b.c> d](e)")
@example("~~a\\~~~ b~~")
@given(texts(INLINE))
def test_inline_markdown_means_what_it_means_to_mistune(text: str) -> None:
    assume(not UNLIKE_MISTUNE.search(text))
    assert without_ids(render_body(text, highlight=False)) == MISTUNE(text)


@settings(max_examples=1500)
@example("- a\n\n  b\n- c\n")
@example("-\ta\n\n\t\tb\n")
@example("1. a\n   - b\n2. c\n***\nd")
@given(texts(BLOCKS + INLINE[::3]))
def test_blocks_mean_what_they_mean_to_mistune(text: str) -> None:
    assume(not UNLIKE_MISTUNE.search(text))
    assert without_ids(render_body(text, highlight=False)) == MISTUNE(text)


@settings(max_examples=1000)
@example("a**b****c******d**e")
@given(
    st.lists(st.sampled_from(["*", "**", "***", "*****", "_", "__", "____", "a", "b c", " ", "."]), max_size=12).map(
        "".join
    )
)
def test_emphasis_means_what_it_means_to_commonmark(text: str) -> None:
    text = f"a{text}."
    assert without_ids(render_body(text, highlight=False)) == COMMONMARK.render(text)


# Real posts that mistune gets wrong: a table with rows of unequal width, code made of a line of spaces.
GOT_WRONG = {
    "18f": {
        "18f/posts/2024/11/three-ways-to-write-fearless-spreadsheet-formulas.md",
        "18f/posts/2017/09/ficam-partners-with-federalist.md",
    },
    "digitalgov": {
        "digitalgov/posts/2015/06/tweets-earthquakes.md",
        "digitalgov/posts/2016/01/trends-on-tuesday-will-phablets-dominate-the-mobile-market-in-2017.md",
    },
}


@pytest.mark.parametrize("blog", GOT_WRONG)
def test_real_posts_mean_what_they_mean_to_mistune(shared: Path, blog: str) -> None:
    different: set[str] = set()
    with tarfile.open(shared / f"corpora/{blog}.tar.xz") as archive:
        for entry in archive:
            if entry.name.endswith(".md") and (file := archive.extractfile(entry)):
                text = file.read().decode(errors="replace")
                if without_ids(render_body(text, highlight=False)) != MISTUNE(text):
                    different.add(entry.name)
    assert different == GOT_WRONG[blog]
