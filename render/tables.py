"""Tables as in GitHub Flavored Markdown: a block rule for mistune.

A header row and, under it, a delimiter row of as many cells (`---`, `:--`, `--:`, `:-:`); then rows up to a blank line
or another block. A row's missing cells are empty, its surplus cells dropped. A `|` inside a cell has a backslash before
it, in code too.

mistune's own plugin gives a whole table up for one row of another width, and begins again at the next line: a page of
such tables takes it quadratic time. The number of cells filled in is bounded, as one wide header could ask for any.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mistune import BlockParser, BlockState

TABLE_PATTERN = (
    r"^ {0,3}(?P<table_head>(?=[^\n]*\|)\S[^\n]*+)\n"
    r"(?P<table_rule> {0,3}(?=[^\n]*\|)\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+)(?:\n|\Z)"
)

_MAX_FILLED = 10_000
_CELL = re.compile(r"((?:[^\\|]++|\\.|\\)*+)(?:\||\Z)", re.DOTALL)
_ROW = re.compile(r"[^\n]*+(?:\n|\Z)")
_ENDS = ["thematic_break", "fenced_code", "atx_heading", "block_quote", "block_html", "list", "blank_line"]


def parse_table(block: BlockParser, opening: re.Match[str], state: BlockState) -> int | None:
    """Read a table and return where it ends, or None if the two rows that begin it don't fit.

    The token has `aligns`, for each column `left`, `center`, `right` or '', and `rows`, the header first: pairs of
    offset and cells.
    """
    head = _cells(opening["table_head"])
    aligns = [_align(cell) for cell in _cells(opening["table_rule"])]
    if len(head) != len(aligns):
        return None
    rows = [(state.cursor, head)]
    end = opening.end()
    ending = block.compile_sc(_ENDS)
    to_fill = _MAX_FILLED
    while end < state.cursor_max and not ending.match(state.src, end):
        row = _ROW.match(state.src, end)
        if row is None:
            break
        cells = _cells(row[0])[: len(aligns)]
        missing = min(len(aligns) - len(cells), to_fill)
        to_fill -= missing
        rows.append((end, cells + [""] * missing))
        end = row.end()
    state.append_token({"type": "table", "aligns": aligns, "rows": rows, "state": state})
    return end


def _cells(row: str) -> list[str]:
    row = row.strip(" \t\n").removeprefix("|")
    return [cell.strip(" \t").replace("\\|", "|") for cell in _CELL.findall(row)[:-1]]


def _align(cell: str) -> str:
    if cell.endswith(":"):
        return "center" if cell.startswith(":") else "right"
    return "left" if cell.startswith(":") else ""
