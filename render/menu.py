"""The menu, `meta/menu.opml`: nested OPML outlines as menu items.

Home stands first and once, whatever the file says. XML's own dangers are refused: a document type (and with it every
entity of one's own), and depths and numbers of outlines that no menu has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat

from blogd.render.links import url_segment
from blogd.render.records import MenuItem
from blogd.render.source import Findings, decode

if TYPE_CHECKING:
    from blogd.render.diagnostic import Diagnostic

MENU_PATH = "meta/menu.opml"
MAX_BYTES = 1 << 20
MAX_DEPTH = 16
MAX_OUTLINES = 5_000

DEFAULT_MENU = (MenuItem(title="Home", href="/"),)


def read_menu(data: bytes) -> tuple[tuple[MenuItem, ...], tuple[Diagnostic, ...]]:
    """Read the menu. Raises SourceError for what is not plain OPML."""
    reader = _Reader(data)
    items = reader.items(reader.outlines(data))
    return (reader.home or DEFAULT_MENU[0], *items), tuple(reader.findings.noted)


class _Outline:
    def __init__(self, attributes: dict[str, str], line: int) -> None:
        self.attributes = {key: value.strip() for key, value in attributes.items()}
        self.line = line
        self.children: list[_Outline] = []


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.source, _ = decode(MENU_PATH, data[:MAX_BYTES])
        self.findings = Findings(self.source)
        self.home: MenuItem | None = None
        self.count = 0
        self.open = [_Outline({}, 0)]
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype

    def outlines(self, data: bytes) -> list[_Outline]:
        """Read the outlines as they are nested."""
        if len(data) > MAX_BYTES:
            raise self.source.error(1, f"the menu is larger than {MAX_BYTES >> 10} KiB")
        try:
            self.parser.Parse(data, True)
        except expat.ExpatError as error:
            message = f"the menu is not XML: {expat.ErrorString(error.code)}"
            raise self.source.error(error.lineno, message, column=error.offset + 1) from None
        except (LookupError, ValueError):
            raise self.source.error(1, "the menu's encoding is unknown", "save the file in UTF-8") from None
        return self.open[0].children

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name != "outline":
            return
        line = self.parser.CurrentLineNumber
        self.count += 1
        if self.count > MAX_OUTLINES or len(self.open) > MAX_DEPTH:
            message = f"the menu has more than {MAX_OUTLINES} items, or more than {MAX_DEPTH} levels"
            raise self.source.error(line, message)
        outline = _Outline(attributes, line)
        self.open[-1].children.append(outline)
        self.open.append(outline)

    def _end(self, name: str) -> None:
        if name == "outline":
            self.open.pop()

    def _refuse_doctype(self, *_: object) -> None:
        line = self.parser.CurrentLineNumber
        raise self.source.error(line, "the menu has a document type", "remove `<!DOCTYPE …>` and its entities")

    def items(self, outlines: list[_Outline]) -> tuple[MenuItem, ...]:
        """Make items of outlines; those of type `home` are taken out."""
        items = (self._item(outline) for outline in outlines)
        return tuple(item for item in items if item is not None)

    def _item(self, outline: _Outline) -> MenuItem | None:
        children = self.items(outline.children)
        slug, category = outline.attributes.get("pageSlug", ""), outline.attributes.get("categoryName", "")
        title = outline.attributes.get("text") or outline.attributes.get("title") or category or slug
        kind = outline.attributes.get("type") or _guess(slug, category)
        if kind == "home":
            self.home = self.home or MenuItem(title=title or DEFAULT_MENU[0].title, href="/", children=children)
            return None
        if kind == "page" and slug:
            return MenuItem(title=title, href=f"/{url_segment(slug)}/", children=children)
        if kind == "category-archive" and category:
            return MenuItem(title=title, href=f"/category/{url_segment(category)}/", children=children)
        if kind == "submenu":
            return MenuItem(title=title, href="#", children=children)
        self._warn(outline, kind)
        return None

    def _warn(self, outline: _Outline, kind: str) -> None:
        missing = {"page": "pageSlug", "category-archive": "categoryName"}.get(kind)
        if missing is None:
            message, hint = (
                f"menu items of type `{kind[:40]}` are unknown",
                "use page, category-archive, submenu or home",
            )
        else:
            message, hint = f"a menu item of type `{kind}` has no `{missing}`", f'add `{missing}="…"`'
        self.findings.warn(outline.line, message, hint)


def _guess(slug: str, category: str) -> str:
    return "page" if slug else "category-archive" if category else "submenu"
