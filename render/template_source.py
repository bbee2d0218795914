"""Templates and Python macros: what their front matter says, and the rest.

A template starts with its block; a script has it in the docstring at its top.
"""

from __future__ import annotations

import re

import msgspec

from blogd.render.fields import Fields
from blogd.render.frontmatter import FrontMatter, read_front_matter
from blogd.render.records import TemplateSource
from blogd.render.source import BOM, count_breaks, decode

_DOCSTRING = re.compile(
    rb"""
    (?: [ \t\f]* (?: \#[^\r\n]* )? (?: \r\n | \n | \r ) )*+   # blank lines and comments
    [rRuU]? (\"{3}|'{3}) (?: \s | \\(?=[\r\n]) )*+ (?P<text> .*? ) \1
    """,
    re.DOTALL | re.VERBOSE,
)


class Script(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A Python file of `scripts/`; `source` is the whole file, so that its lines are the file's."""

    path: str
    slug: str
    kind: str = "macro"
    enabled: bool = True
    entrypoint: str = "render"
    source: str = ""


def read_template(name: str, path: str, data: bytes) -> TemplateSource | None:
    """Read a template, leaving out its front matter; None when it says `enabled: false`.

    Raises SourceError for a block that can't be read.
    """
    matter = read_front_matter(path, data)
    if Fields(matter.source, matter.fields).flag("enabled") is False:
        return None
    source, _ = decode(path, data[matter.body_offset :], matter.body_line)
    return TemplateSource(name=name, path=path, text=source.text, first_line=source.first_line)


def read_script(path: str, data: bytes) -> Script:
    """Read a script; one without a block is an enabled macro named as its file.

    Raises SourceError for a block that can't be read.
    """
    matter = _read_docstring(path, data.removeprefix(BOM))
    fields = Fields(matter.source, matter.fields)
    source, _ = decode(path, data.removeprefix(BOM))
    return Script(
        path=path,
        slug=fields.text("slug") or path.rpartition("/")[2].removesuffix(".py"),
        kind=fields.text("kind") or "macro",
        enabled=fields.flag("enabled") is not False,
        entrypoint=fields.text("entrypoint") or "render",
        source=source.text,
    )


def _read_docstring(path: str, data: bytes) -> FrontMatter:
    docstring = _DOCSTRING.match(data)
    if docstring is None:
        return read_front_matter(path, b"")
    first_line = 1 + count_breaks(data, docstring.start("text"))
    return read_front_matter(path, docstring["text"], first_line)
