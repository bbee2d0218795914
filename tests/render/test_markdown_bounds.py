"""No text makes a body slow: what is known to break Markdown parsers, and every short scrap of syntax repeated."""

from __future__ import annotations

import gc
import random
import time

import pytest

from blogd.render.markdown import render_body

LENGTH = 20_000
LIMIT_S = 1.0

# Scraps of syntax, parted by `¦` and by the ends of the lines here.
SCRAPS = (
    r"""
*a **a ¦*a**a*¦*¦_¦*a_¦**a*¦***a¦a**b¦_(¦~¦~~¦~~a¦~~a ¦~a¦*[a](b)¦[¦![¦[]¦[a](¦![a](¦[a](b¦[a](b "¦[a](<
[a](b (¦[a]((((¦[a](b\¦[a][¦[a]⏎¦[⏎¦[[¦[[a ¦[[a b=¦[[a b="¦[[a b=[¦[[a]]¦[[a]] ¦![[¦[a](/b)¦![a](/b)¦[^1]
[*¦[a]!¦`¦`a``b```¦[a`¦<¦>¦<a ¦<a b=¦<a b="¦<a b='c" ¦<a b=→¦<x b=→¦</a¦<a@¦<a:¦<!¦<!--¦<?¦<![CDATA[
<a href=¦<a href=/b>¦<a href=#b>¦<a "¦<a '"¦<code>¦<script>¦<p>⏎⏎¦&¦&a¦&amp¦&#¦a&b;¦\¦a\⏎¦http://
http://a(¦*http://a ¦[b](http://a ¦<a>http://¦> ¦>⏎¦> a⏎b⏎¦- ¦- a⏎¦- - ¦> - ¦* a⏎⏎¦1. ¦1. a⏎¦1) a⏎1. b⏎
- a⏎+ b⏎¦- [ ] a⏎¦- > a⏎¦-→a⏎⏎→- b⏎¦- a⏎***⏎¦| a | b |⏎¦a|b⏎-|-⏎¦|¦|-¦|-|⏎¦#¦# a⏎¦a⏎---⏎¦=¦[a]: b⏎¦[a]:⏎
[a]: b "⏎¦[^a]: b⏎¦```⏎¦~~~¦    a⏎¦<div>⏎¦<x>⏎¦ ¦  ⏎¦→¦⏎¦␍¦␋¦a¦é¦"¦a⏎¦a ¦# a⏎⏎# a-1⏎⏎¦<p id=a>⏎⏎# a⏎⏎
[a](#b)⏎⏎## b⏎⏎¦␤
""".strip("\n")
    .replace("\n", "¦")
    .translate(str.maketrans("⏎→␍␋␤", "\n\t\r\v\u2028"))
    .split("¦")
)


def numbered(scrap: str) -> str:
    return "".join(scrap.format(number, number + 1, number + 2) for number in range(LENGTH // len(scrap)))


SHAPES = {
    "stars around a letter": "*" * (LENGTH // 2) + "a" + "*" * (LENGTH // 2),
    "openers of one kind, closers of another": "*a " * (LENGTH // 3) + "b_ " * (LENGTH // 3),
    "unclosed comments": "a <!--" * (5 * LENGTH),
    "nested strong": "**a " * (LENGTH // 8) + " a**" * (LENGTH // 8),
    "nested links": "[" * (LENGTH // 5) + "a" + "](b)" * (LENGTH // 5),
    "nested images": "![a" * (LENGTH // 7) + "](b)" * (LENGTH // 7),
    "nested brackets": "[a]: b\n\n" + "[" * (LENGTH // 2) + "]" * (LENGTH // 2),
    "ticks of all lengths": "".join("`" * length + " " for length in range(250)),
    "nested quotes": "".join(">" * depth + " a\n" for depth in range(250)),
    "nested lists": "".join("  " * depth + "- a\n" for depth in range(250)),
    "many columns": "|a" * 4000 + "|\n" + "|-" * 4000 + "|\n" + "a|\n" * 4000,
    "a table with a wide row": "a|b\n-|-\n" * (LENGTH // 8) + "a|b|c\n",
    "attribute of tabs": "<a b=" + "\t" * LENGTH,
    "tag of tabs": "<x b=" + "\t" * LENGTH,
    "long title": '[a](b "' + "x" * LENGTH,
    "long label": ("[" + "a" * 500 + "\n") * (LENGTH // 500),
    "lazy quote": "> a\n" + "b\n" * (LENGTH // 2),
    "lazy item": "- a\n" + "b\n" * (LENGTH // 2),
    "blank lines in a list": "- a\n" + "\n" * LENGTH + "b",
    "blank lines in code": "    a\n" + "\n" * LENGTH + "    b",
    "blank lines in a note": "[^1]: a\n" + "\n" * LENGTH + "    b",
    "emphasis in nested quotes": ">" * (LENGTH // 2) + "a*" * (LENGTH // 4),
    "nested lists on one line": "- " * (LENGTH // 4) + "a" + "\n" * (LENGTH // 2),
    "nested lists and quotes on one line": "> - " * (LENGTH // 8) + "a\n\n" + "> - " * (LENGTH // 8) + "b",
    "nested lists of deeper and deeper items": "".join("   " * depth + "1. a\n\n" for depth in range(100)),
    "links in emphasis in brackets": "**x [a*b**c*](d)" * (LENGTH // 16),
    "brackets of all kinds": "[ (](![[]()" * (LENGTH // 11),
    "emphasis that is no multiple of three": "a***b** c* " * (LENGTH // 11),
    "unclosed links with unclosed addresses": "[a](<b" * (LENGTH // 6),
    "ticks and brackets": "`[" * (LENGTH // 2),
    "nested tags": "<div>" * (LENGTH // 10) + "</div>" * (LENGTH // 10),
    "nested inline tags": "a<b>" * (LENGTH // 8) + "</b>" * (LENGTH // 8),
    "raw elements that are never closed": "a <script " * (LENGTH // 10),
    "entities": "&amp;&#x41;&#65;&nosuch;&#9999999999;&" * (LENGTH // 40),
    "one long entity": "&" + "a" * LENGTH + ";",
    "a long heading under a line": "a\n" * (LENGTH // 2) + "===",
    "a table of code": "|`|`|\n|-|-|\n" + "|`|`|\n" * (LENGTH // 6),
    "a table that never begins": "|a|\n|-|-|\n" * (LENGTH // 10),
    "definitions that are used": numbered("[a{}]: /b\n") + "\n" + numbered("[a{}] [b{}][a{}] "),
    "one definition over and over": "[a]: /b\n" * (LENGTH // 9) + "\n" + "[a] " * (LENGTH // 4),
    "labels that are never defined": numbered("[a{}] [b][c{}] "),
    "a definition with a long title": "[a]: /b '" + "c\n" * (LENGTH // 2),
    "one note used over and over": "[^1]" * (LENGTH // 4) + "\n\n[^1]: n",
    "macros with many parameters": "[[a" + " b=c" * (LENGTH // 4) + "]]",
    "definitions": numbered("[a{}]: /b\n"),
    "notes": numbered("[^{0}]: n\n\nb[^{0}]\n\n"),
    "notes in notes": "[^0]\n\n" + numbered("[^{}]: [^{}]\n\n"),
    **{
        f"syntax at random {seed}": "".join(random.Random(seed).choices("*_[]()!`<>&\\~|#-+1. \n\ta:/\"'=", k=LENGTH))
        for seed in range(3)
    },
}


@pytest.mark.parametrize("text", [scrap * (LENGTH // len(scrap)) for scrap in SCRAPS], ids=map(ascii, SCRAPS))
def test_a_scrap_over_and_over_is_rendered_in_time(text: str) -> None:
    assert seconds(text) < LIMIT_S


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_a_shape_known_to_hurt_is_rendered_in_time(text: str) -> None:
    assert seconds(text) < LIMIT_S


def test_megabytes_of_prose_are_rendered_in_time() -> None:
    post = "Some *words* of [prose](/a) and `code`.\n\n- an item\n- another\n\n> quoted\n\n| a |\n|---|\n| b |\n\n"
    assert seconds(post * (1_000_000 // len(post))) < 5 * LIMIT_S


def seconds(text: str) -> float:
    """Give the CPU time of a body, without a search for what other tests have left: that alone may take a second."""
    gc.disable()
    try:
        start = time.process_time()
        render_body(text, highlight=True)
        return time.process_time() - start
    finally:
        gc.enable()
