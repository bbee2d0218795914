"""The conformance suites of CommonMark and GFM: all examples but those listed in `markdown_exceptions.toml`.

Compared is what the HTML means: white space between blocks, the form of empty tags and attributes that blogd adds by
choice don't count.
"""

from __future__ import annotations

import json
import re
import tomllib
from html import unescape
from pathlib import Path
from typing import TypedDict

import pytest

from blogd.render.markdown import render_body
from tests.render.plain_mistune import without_ids

EXCEPTIONS = tomllib.loads(Path(__file__).with_name("markdown_exceptions.toml").read_text(encoding="utf-8"))

_BLOCK_TAG = r"</?(?:blockquote|div|h[1-6]|hr|input|li|ol|p|pre|section|table|tbody|td|th|thead|tr|ul)\b[^>]*>"
_MEANINGLESS = [
    (r' loading="lazy"| data-code-language="[^"]*"', ""),
    (r'<div class="table-scroll">|(?<=</table>)</div>', ""),
    (r' class="(?:task-list-item(?:-checkbox)?|contains-task-list)"', ""),
    (r'align="(\w+)"', r'style="text-align:\1"'),
    (r"<(br|hr|img|input)([^>]*?) ?/?>", r"<\1\2>"),
    (r' disabled(?:="")?(?= |>)| type="checkbox"', ""),
    (r' checked(?:="")?(?= |>)', " checked"),
    (rf"\s*({_BLOCK_TAG})\s*", r"\1"),
]


class Example(TypedDict):
    example: int
    markdown: str
    html: str


def normal(html: str) -> str:
    for pattern, replacement in _MEANINGLESS:
        html = re.sub(pattern, replacement, html)
    return re.sub(r'(href|src)="([^"]*)"', lambda found: f'{found[1]}="{unescape(found[2])}"', html)


@pytest.mark.parametrize("suite", EXCEPTIONS)
def test_exactly_the_listed_examples_come_out_otherwise(shared: Path, suite: str) -> None:
    examples: list[Example] = json.loads((shared / f"suites/{suite}.json").read_text(encoding="utf-8"))
    different = {
        str(case["example"])
        for case in examples
        if normal(without_ids(render_body(case["markdown"], highlight=False))) != normal(case["html"])
    }
    assert different == set(EXCEPTIONS[suite])
