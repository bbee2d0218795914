"""Highlighted code: its text stays, its colours can be read, and nothing is highlighted that better isn't."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render.highlight import highlight_code, stylesheet

PROGRAM = 'def f(x):\n    return "<&>" + x  # why\n'


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


def test_code_is_marked_up_with_classes() -> None:
    assert highlight_code("return 1\n", "python") == '<span class="k">return</span> <span class="mi">1</span>\n'


@pytest.mark.parametrize("language", ["python", "Python", "{.python}", "py{1,3}", "python:f.py"])
def test_the_language_may_be_written_in_many_ways(language: str) -> None:
    assert highlight_code(PROGRAM, language) == highlight_code(PROGRAM, "py")


def test_an_unknown_language_is_none() -> None:
    assert highlight_code(PROGRAM, "klingon") is None
    assert highlight_code(PROGRAM, "!") is None


@pytest.mark.parametrize("code", ["x = 1\n" * 4_000, "\n" * 2_000, "a " * 2_000, "{" * 2_000, "a\n" * 2_000])
def test_code_that_could_hold_a_lexer_up_stays_plain(code: str) -> None:
    assert highlight_code(code, "java") is None
    assert highlight_code(code[:900], "java") is not None


@given(
    st.text(st.sampled_from("\n\t abc123\"'<>&#/*{}()=.é")).map(lambda code: code + "\n"),
    st.sampled_from(["python", "html", "css", "js", "bash", "yaml", "diff", "console", "text"]),
)
def test_the_text_stays(code: str, language: str) -> None:
    html = highlight_code(code, language)
    assert html is not None
    assert text_of(html) == code


def test_each_scheme_has_its_own_colours_under_one_class() -> None:
    light, dark = stylesheet().split("@media ")[1:]
    assert light.startswith("(prefers-color-scheme: light)")
    assert dark.startswith("(prefers-color-scheme: dark)")
    for scheme in (light, dark):
        rules = scheme.splitlines()[1:-1]
        assert all(
            selector.strip().startswith(".highlight")
            for rule in rules
            for selector in rule[:-2].split("{")[0].split(",")
        )
        assert any(".k," in rule for rule in rules)


def test_coloured_text_can_be_read() -> None:
    for scheme in stylesheet().split("@media ")[1:]:
        background = "#ffffff"
        for selectors, declarations in re.findall(r"  (.*) \{(.*)\}", scheme):
            own = re.search(r"background: (#\w+)", declarations)
            color = re.search(r"(?<!-)color: (#\w+)", declarations)
            if selectors == ".highlight" and own:
                background = own[1]
            if color and selectors != ".highlight .w":  # white space
                assert contrast(color[1], own[1] if own else background) >= 4.5, selectors


def contrast(one: str, other: str) -> float:
    """Contrast ratio as WCAG 2 defines it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    channels = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_code_looks_the_same_whatever_came_before() -> None:
    """The lexer of MIME remembers the type of its last text."""
    mail = "Subject: x\n\n<b>words</b>\n"
    before = highlight_code(mail, "mime")
    highlight_code.cache_clear()
    highlight_code("Content-Type: text/html\n\n<b>words</b>\n", "mime")

    assert highlight_code(mail, "mime") == before
