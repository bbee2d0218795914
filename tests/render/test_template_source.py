from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render.diagnostic import SourceError
from blogd.render.records import TemplateSource
from blogd.render.template_source import Script, read_script, read_template

PATH = "templates/partials/a.liquid"


@pytest.mark.parametrize(
    ("data", "text", "line"),
    [
        (b"<p>{{ x }}</p>\r\n", "<p>{{ x }}</p>\r\n", 1),
        (b"\xef\xbb\xbf<p>", "<p>", 1),
        (b"---\nslug: a\nkind: partial\nenabled: true\n---\n<p>\n---\n", "<p>\n---\n", 6),
        (b"---\n---\n", "", 3),
        (b"<p>\n---\nenabled: false\n---\n", "<p>\n---\nenabled: false\n---\n", 1),
        (b"caf\xe9", "caf\ufffd", 1),
    ],
)
def test_front_matter_is_stripped(data: bytes, text: str, line: int) -> None:
    assert read_template("partials/a", PATH, data) == TemplateSource(
        name="partials/a", path=PATH, text=text, first_line=line
    )


@pytest.mark.parametrize("value", [b"false", b"'false'", b"No", b"off"])
def test_a_template_that_is_not_enabled_is_none(value: bytes) -> None:
    assert read_template("a", PATH, b"---\nenabled: " + value + b"\n---\n<p>") is None


@pytest.mark.parametrize("value", [b"true", b"", b"perhaps"])
def test_a_template_is_enabled_unless_it_says_no(value: bytes) -> None:
    assert read_template("a", PATH, b"---\nenabled: " + value + b"\n---\n<p>") is not None


@pytest.mark.parametrize(("data", "line"), [(b"---\nslug: a\n<p>", 1), (b"---\nslug: a\nb: c: d\n---\n", 3)])
def test_a_broken_block_is_refused_with_its_place(data: bytes, line: int) -> None:
    with pytest.raises(SourceError) as caught:
        read_template("a", PATH, data)
    assert (caught.value.diagnostic.path, caught.value.diagnostic.line) == (PATH, line)


@pytest.mark.parametrize("quotes", ['"""', "'''"])
@pytest.mark.parametrize("before", ["", "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n\n", "\ufeff", "\r\n \t\n"])
@pytest.mark.parametrize("between", ["", "\n", "\\\n", "  \n"])
def test_a_script_says_what_it_is_in_its_docstring(quotes: str, before: str, between: str) -> None:
    block = "---\nslug: Chart\nkind: utility\nenabled: false\nentrypoint: draw\n---\n"
    text = f"{before}{quotes}{between}{block}Doc.\n{quotes}\nx = 1\n"
    source = text.removeprefix("\ufeff")
    assert read_script("scripts/c.py", text.encode()) == Script(
        path="scripts/c.py", slug="Chart", kind="utility", enabled=False, entrypoint="draw", source=source
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def render(context, post): ...\n",
        '"""Draw."""\n',
        'x = """\n---\nslug: a\n---\n"""\n',
        '"""Draw.\n---\nslug: a\n---\n"""\n',
        '"""never closed\n---\nslug: a\n---\n',
    ],
)
def test_a_script_without_a_block_is_a_macro_named_as_its_file(text: str) -> None:
    assert read_script("scripts/sub/c.py", text.encode()) == Script(path="scripts/sub/c.py", slug="c", source=text)


def test_a_broken_block_in_a_script_is_refused_with_its_place_in_the_file() -> None:
    with pytest.raises(SourceError) as caught:
        read_script("scripts/c.py", b'# one\n"""\n---\nslug: a\nb: c: d\n---\n"""\n')
    told = caught.value.diagnostic
    assert (told.path, told.line, told.column, told.source_line) == ("scripts/c.py", 5, 5, "b: c: d")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("before", [b"", b'"""'])
@pytest.mark.parametrize("bit", [b"\r\n", b"#\n", b" ", b"\\\n", b"r", b"'"])
def test_hostile_scripts_take_no_more_time_than_any_other(before: bytes, bit: bytes) -> None:
    assert read_script("scripts/c.py", before + bit * 300_000).slug == "c"


BITS = [
    b'"""',
    b"'''",
    b"---\n",
    b"slug: ",
    b"a",
    b"\n",
    b"enabled: false\n",
    b"#",
    b" ",
    b"\\",
    b"\xff",
    b"\0",
    b"r",
    b"x = 1\n",
]


@given(st.lists(st.sampled_from(BITS), max_size=20).map(b"".join))
def test_any_bytes_are_a_source_or_a_refusal(data: bytes) -> None:
    for read in (lambda: read_template("a", PATH, data), lambda: read_script("scripts/c.py", data)):
        with suppress(SourceError):
            read()
