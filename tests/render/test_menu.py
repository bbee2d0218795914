from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render.diagnostic import SourceError
from blogd.render.menu import DEFAULT_MENU, MAX_BYTES, MAX_DEPTH, MAX_OUTLINES, read_menu
from blogd.render.records import MenuItem
from blogd.render.source import MAX_FINDINGS

if TYPE_CHECKING:
    from blogd.render.diagnostic import Diagnostic

HOME = MenuItem(title="Home", href="/")


def opml(body: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0"><body>\n{body}\n</body></opml>'.encode()


def refusal(data: bytes) -> Diagnostic:
    with pytest.raises(SourceError) as caught:
        read_menu(data)
    return caught.value.diagnostic


def test_items_of_every_type_are_read_and_nested() -> None:
    data = opml(
        """<outline text="About &amp; me" type="page" pageSlug="about me"/>
        <outline text="More" type="submenu">
          <outline title="News" type="category-archive" categoryName="n/\u00fc"/>
          <outline text="Deep" type="submenu"><outline type="page" pageSlug="x"/></outline>
        </outline>"""
    )
    assert read_menu(data) == (
        (
            HOME,
            MenuItem(title="About & me", href="/about%20me/"),
            MenuItem(
                title="More",
                href="#",
                children=(
                    MenuItem(title="News", href="/category/n%252F%C3%BC/"),
                    MenuItem(title="Deep", href="#", children=(MenuItem(title="x", href="/x/"),)),
                ),
            ),
        ),
        (),
    )


def test_without_a_file_there_is_home_alone() -> None:
    assert DEFAULT_MENU == (HOME,)
    assert read_menu(opml(""))[0] == DEFAULT_MENU


def test_home_is_first_and_once_under_its_own_name() -> None:
    data = opml(
        """<outline text="A" type="page" pageSlug="a"/>
        <outline text="M" type="submenu"><outline text="Start" type="home"/></outline>
        <outline text="Home again" type="home"/>"""
    )
    items, findings = read_menu(data)
    assert [(item.title, item.href) for item in items] == [("Start", "/"), ("A", "/a/"), ("M", "#")]
    assert (items[2].children, findings) == ((), ())


@pytest.mark.parametrize(
    ("attributes", "href"),
    [
        ('type="page" pageSlug="a"', "/a/"),
        ('pageSlug="a"', "/a/"),
        ('categoryName="a"', "/category/a/"),
        ("", "#"),
        ('type="page" pageSlug="../../x"', "/..%252F..%252Fx/"),
        ('type="page" pageSlug="javascript:x"', "/javascript%3Ax/"),
        ('type="page" pageSlug=".."', "/%252E%252E/"),
    ],
)
def test_where_an_item_leads(attributes: str, href: str) -> None:
    items, findings = read_menu(opml(f'<outline text="T" {attributes}/>'))
    assert (items[1:], findings) == ((MenuItem(title="T", href=href),), ())


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ('type="page"', "a menu item of type `page` has no `pageSlug`"),
        ('type="category-archive" pageSlug="x"', "a menu item of type `category-archive` has no `categoryName`"),
        ('type="rss" url="http://x"', "menu items of type `rss` are unknown"),
    ],
)
def test_an_item_that_leads_nowhere_is_told_and_left_out(attributes: str, message: str) -> None:
    items, (told,) = read_menu(opml(f'<outline text="T" {attributes}/>'))
    assert (items, told.message, told.line, told.severity) == ((HOME,), message, 3, "warning")


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        (b"", 1, 1, "the menu is not XML: no element found"),
        (b"<opml>\n<body>", 2, 7, "the menu is not XML: no element found"),
        (b"<opml>\n<outline></opml>", 2, 12, "the menu is not XML: mismatched tag"),
        (b"<opml>&x;</opml>", 1, 7, "the menu is not XML: undefined entity"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', 1, 1, "the menu's encoding is unknown"),
        (b"<opml><outline text='\xff'/></opml>", 1, 22, "the menu is not XML: not well-formed (invalid token)"),
    ],
)
def test_what_is_not_xml_is_refused_with_its_place(data: bytes, line: int, column: int, message: str) -> None:
    told = refusal(data)
    assert (told.path, told.line, told.column, told.message) == ("meta/menu.opml", line, column, message)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE o [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE o [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE o SYSTEM "http://example.org/o.dtd">',
    ],
)
def test_a_document_type_is_refused_and_with_it_every_entity(doctype: str) -> None:
    assert refusal(f'{doctype}<opml><outline text="&a;"/></opml>'.encode()).message == "the menu has a document type"


def test_depth_number_and_size_are_bounded() -> None:
    item = '<outline text="a">'
    read_menu(opml(item * MAX_DEPTH + "</outline>" * MAX_DEPTH))
    assert "levels" in refusal(opml(item * 10_000)).message
    read_menu(opml("<outline/>" * MAX_OUTLINES))
    assert "5000 items" in refusal(opml("<outline/>" * (MAX_OUTLINES + 1))).message
    assert refusal(b" " * (MAX_BYTES + 1)).message == "the menu is larger than 1024 KiB"


def test_there_is_an_end_to_warnings() -> None:
    assert len(read_menu(opml('<outline type="x"/>\n' * MAX_OUTLINES))[1]) == MAX_FINDINGS


def test_another_encoding_is_read_as_declared() -> None:
    data = '<?xml version="1.0" encoding="ISO-8859-1"?><opml><outline text="\xe4" pageSlug="a"/></opml>'.encode(
        "latin-1"
    )
    assert read_menu(data)[0][1].title == "\xe4"


BITS = [
    *(
        "<opml>",
        "</opml>",
        "<outline ",
        "</outline>",
        "/>",
        ">",
        'text="a" ',
        'type="page" ',
        'type="home" ',
        'pageSlug="a" ',
    ),
    *(
        'categoryName="" ',
        "<!DOCTYPE a>",
        "<!-- -->",
        "<![CDATA[",
        "]]>",
        "&amp;",
        "&#0;",
        "&#x10FFFF;",
        "\0",
        "\xe4",
        '"',
    ),
    *(
        '<?xml version="1.0" encoding="utf-16"?>',
        '<?xml version="1.0" encoding="shift_jis"?>',
        '<?xml encoding="utf-7"?>',
    ),
]


@given(st.lists(st.sampled_from(BITS), max_size=15).map(lambda bits: "".join(bits).encode()) | st.binary(max_size=30))
def test_any_bytes_are_a_menu_or_a_refusal(data: bytes) -> None:
    with suppress(SourceError):
        items, _ = read_menu(data)
        assert [item.href for item in items].count("/") == 1
