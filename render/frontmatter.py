"""Front matter: the block of YAML between `---` lines with which posts, templates, scripts and sidecars start.

The block is found in the file's bytes, so that what follows it can be read, hashed or left alone by itself. It may be
closed by `...` too, as YAML has it. Lines end in LF, CRLF or a lone CR; a byte order mark is skipped.
"""

from __future__ import annotations

import re

import msgspec

from blogd.render.diagnostic import Diagnostic
from blogd.render.simpleyaml import read_simple
from blogd.render.source import BOM, Source, count_breaks, decode
from blogd.render.yamltree import Field, read_tree

MAX_BYTES = 1 << 18

_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?(---[ \t]*(?:\r\n|\n|\r|\Z))")
_CLOSING = re.compile(rb"(?<=[\r\n])(?:---|\.\.\.)[ \t]*(?:\r\n|\n|\r|\Z)")


class FrontMatter(msgspec.Struct, frozen=True):
    """What a file's block says; a file without one has no fields and is all body.

    `source` is the block, its opening line included. `body_offset` counts bytes from the start of the data;
    `body_line` is the file's line on which the body starts.
    """

    source: Source
    fields: dict[str, Field]
    body_offset: int = 0
    body_line: int = 1
    diagnostics: tuple[Diagnostic, ...] = ()


def read_front_matter(path: str, data: bytes, first_line: int = 1) -> FrontMatter:
    """Read the block at the start of a file, or of a part of one that starts on line `first_line`.

    Raises SourceError for a block that is not closed, is larger than `MAX_BYTES`, or is not YAML with keys.
    """
    opening = _OPENING.match(data)
    if opening is None:
        offset = len(BOM) if data.startswith(BOM) else 0
        return FrontMatter(Source(path, "", first_line), {}, offset, first_line)
    closing = _CLOSING.search(data, opening.end(), opening.end() + MAX_BYTES)
    if closing is None:
        limit = f" within {MAX_BYTES >> 10} KiB" if len(data) > MAX_BYTES else ""
        message, hint = f"the front matter is not closed{limit}", "end it with a line that is just `---`"
        raise Source(path, "---", first_line).error(first_line, message, hint)
    source, warnings = decode(path, data[opening.start(1) : closing.start()], first_line)
    tree = read_simple(source) or read_tree(source)
    body_line = first_line + count_breaks(data, closing.end())
    return FrontMatter(source, tree.fields, closing.end(), body_line, warnings + tree.diagnostics)
