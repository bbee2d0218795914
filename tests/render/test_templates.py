"""Templates as pages use them. Every test runs on both ways to render, except where one is named."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from blogd.render import liquid_units, shelf
from blogd.render.liquid_page import NotShared
from blogd.render.reads import Recorder
from blogd.render.records import TemplateSource
from blogd.render.templates import Limits, TemplateError, Templates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from blogd.render.diagnostic import Diagnostic
    from blogd.render.reads import Reads
    from blogd.render.templates import FilterFunction, Page

    Render = Callable[..., str]


class FakePage:
    """A page over a dict; knows what was read of it, and can be neither copied nor iterated."""

    shared = frozenset[str]()

    def __init__(self, variables: Mapping[str, object], kin: str = "en") -> None:
        self.variables = dict(variables)
        self.kin = kin
        self.recorder = Recorder()
        self.reads: list[object] = []

    def __getitem__(self, name: str) -> object:
        self.reads.append(name)
        return self.variables[name]

    def __contains__(self, name: object) -> bool:
        return name in self.variables

    def shows_otherwise(self, _: Reads) -> bool:
        return False

    def shares(self, name: str) -> bool:
        return name in self.shared

    def apart(self) -> FakePage:
        page = Apart({}, self.kin)
        page.recorder = self.recorder
        return page

    def clock(self, form: str) -> str:
        self.recorder.read(("clock", form))
        return datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC).strftime(form)

    @property
    def templates(self) -> set[str]:
        return {str(name) for kind, name in self.recorder.reads if kind == "template"}


class Apart(FakePage):
    """A page that must not be asked for variables."""

    def __getitem__(self, name: str) -> object:
        raise NotShared

    def __contains__(self, name: object) -> bool:
        raise NotShared


class Thing:
    """A drop of a page, like others of its name, that takes note of what is read of it."""

    def __init__(self, page: FakePage, name: str) -> None:
        self._page = page
        self.likeness = (Thing, name)

    def __getitem__(self, key: str) -> object:
        self._page.recorder.read(("thing", self.likeness[1], key))
        return f"{self.likeness[1]}.{key}"


class Row:
    """A sequence that can be read in part, and notes each stretch that was."""

    def __init__(self, items: Sequence[object]) -> None:
        self.items = items
        self.stretches: list[object] = []

    def window(self, start: int, stop: int) -> Sequence[object]:
        self.stretches.append((start, stop))
        return self.items[start:stop]

    def __getitem__(self, index: object) -> object:
        if not isinstance(index, int):
            raise TypeError
        self.stretches.append(index)
        return self.items[index]

    def __iter__(self) -> Iterator[object]:
        self.stretches.append("all")
        return iter(self.items)

    def __len__(self) -> int:
        self.stretches.append("length")
        return len(self.items)


@pytest.fixture(params=[True, False], ids=["compiled", "interpreted"])
def compiled(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def sources(texts: Mapping[str, str]) -> dict[str, TemplateSource]:
    return {name: source(name, text) for name, text in texts.items()}


def source(name: str, text: str) -> TemplateSource:
    return TemplateSource(name=name, path=f"templates/{name}.liquid", text=text, first_line=4)


@pytest.fixture
def make(compiled: bool) -> Callable[..., Templates]:  # noqa: FBT001 - a fixture
    def make(
        texts: Mapping[str, str], filters: Mapping[str, FilterFunction] | None = None, limits: Limits | None = None
    ) -> Templates:
        return Templates(sources(texts), filters or {}, compiled=compiled, limits=limits)

    return make


@pytest.fixture
def render(make: Callable[..., Templates]) -> Render:
    """Render a text with some variables; other templates by keyword."""

    def render(text: str, page: FakePage | Mapping[str, object] | None = None, **others: str) -> str:
        page = page if isinstance(page, FakePage) else FakePage(page or {})
        return make({"page": text, **others}).render("page", page)

    return render


def failure(act: Callable[[], object]) -> Diagnostic:
    with pytest.raises(TemplateError) as caught:
        act()
    return caught.value.diagnostic


def test_variables_come_from_the_page(render: Render) -> None:
    assert render("{{ a }}{{ b.c }}{{ nothing.at.all }}", {"a": 1, "b": {"c": 2}}) == "12"


def test_a_template_reads_only_what_it_comes_by(render: Render) -> None:
    page = FakePage({"a": 1, "b": 2, "c": 3})
    render("{% if a == 1 or b %}{{ a }}{% else %}{{ c }}{% endif %}{% assign x = 1 %}{{ x }}", page)
    assert (set(page.reads), page.templates) == ({"a"}, {"page"})


def test_partials_are_found_by_name_with_or_without_suffix(make: Callable[..., Templates]) -> None:
    page = FakePage({})
    templates = make({"page": "{% render 'partials/a.liquid' %}{% include 'partials/a' %}", "partials/a": "x"})
    assert templates.render("page.liquid", page) == "xx"
    assert page.templates == {"page", "partials/a"}


def test_render_sees_arguments_and_the_page_and_include_sees_all(render: Render) -> None:
    text = "{% assign x = 1 %}{% render 'one', y: 2 %}|{% include 'one', y: 2 %}{{ z }}"
    assert render(text, {"p": 0}, one="{{ p }}{{ x }}{{ y }}{% assign z = 3 %}") == "02|0123"


def test_a_computed_name_is_looked_up_when_it_is_reached(render: Render) -> None:
    page = FakePage({"names": ["one", "two"]})
    assert render("{% for n in names %}{% include n %}{% endfor %}", page, one="1", two="2") == "12"
    assert page.templates == {"page", "one", "two"}


def test_filters_get_the_page_and_the_value_itself(make: Callable[..., Templates]) -> None:
    value = object()
    seen: list[object] = []

    def look(page: Page, value: object, *more: object, **named: object) -> str:
        seen.extend((page, value, more, named))
        return "seen"

    page = FakePage({"v": value})
    assert make({"page": "{{ v | look: 1, a: 2 }}"}, {"look": look}).render("page", page) == "seen"
    assert seen == [page, value, (1,), {"a": 2}]


def test_an_unknown_filter_passes_the_value_on(render: Render) -> None:
    assert render("{{ 'a' | nothing: b | upcase }}") == "A"


def test_an_object_is_printed_by_its_str(render: Render) -> None:
    class Content:
        def __str__(self) -> str:
            return "text"

    assert render("{{ c }}{{ c | upcase }}", {"c": Content()}) == "textTEXT"


# Windows


@pytest.mark.parametrize(
    ("text", "expected", "stretches"),
    [
        ("{% for i in row limit: 2 offset: 1 %}{{ i }}{{ forloop.length }}{% endfor %}", "b2c2", [(1, 3)]),
        ("{% for i in row limit: 9 %}{{ forloop.rindex }}{% endfor %}", "4321", [(0, 9)]),
        ("{% for i in row offset: 2 reversed %}{{ i }}{% endfor %}", "dc", [(2, 1 << 31)]),
        ("{% for i in row %}{{ i }}{% endfor %}", "abcd", [(0, 1 << 31)]),
        (
            "{% for i in row limit: 1 %}{{ i }}{% endfor %}{% for i in row offset: continue %}{{ i }}{% endfor %}",
            "abcd",
            [(0, 1), (1, 1 << 31)],
        ),
        ("{% tablerow i in row limit: 1 %}{{ i }}{% endtablerow %}", None, [(0, 1)]),
        ("{{ row.first }}", "a", [(0, 1)]),
        ("{{ row.last }}", "d", [-1]),
        ("{{ row[1] }}", "b", [1]),
        ("{{ row.size }}", "4", ["length"]),
        ("{{ row | slice: 1, 2 | join }}", "b c", [(1, 3)]),
        ("{% render 'one' for row as i %}", "abcd", [(0, 1 << 31)]),
        ("{% include 'one' for row as i %}", "abcd", [(0, 1 << 31)]),
    ],
)
def test_a_sequence_is_read_in_part(render: Render, text: str, expected: str | None, stretches: list[object]) -> None:
    row = Row(["a", "b", "c", "d"])
    result = render(text, {"row": row}, one="{{ i }}")
    assert expected is None or result == expected
    assert row.stretches == stretches


def test_concat_takes_a_window_for_a_list(render: Render) -> None:
    assert render("{{ list | concat: row | join }}", {"list": [1], "row": Row([2])}) == "1 2"


# The clock


@pytest.mark.parametrize(
    ("text", "expected", "read"),
    [
        ("{{ 'now' | date: '%Y' }}", "2024", "%Y"),
        ("{{ 'today' | date: '%d' }}", "06", "%d"),
        ("{{ now | date: '%H' }}", "07", "%H"),
        ("{{ now }}", "2024-05-06 07:08:09", "%Y-%m-%d %H:%M:%S"),
        ("{{ today }}", "2024-05-06", "%Y-%m-%d"),
        ("{{ '3 March' | date: '%Y-%m-%d' }}", "2024-03-03", "%Y-%m-%d"),
    ],
)
def test_the_time_comes_from_the_page(render: Render, text: str, expected: str, read: str) -> None:
    page = FakePage({})
    assert render(text, page) == expected
    assert ("clock", read) in page.recorder.reads


def test_a_whole_date_reads_no_clock(render: Render) -> None:
    page = FakePage({"at": datetime(2020, 1, 2, tzinfo=UTC)})
    assert render("{{ '2020-03-04 10:00' | date: '%d' }}{{ at | date: '%d' }}{{ 'x' | date: '%d' }}", page) == "0402x"
    assert not [read for read in page.recorder.reads if read[0] == "clock"]


# Changes


def test_an_update_is_seen_by_all_that_use_the_template(make: Callable[..., Templates]) -> None:
    templates = make({"page": "{% render 'one' %}{% include 'one' %}", "one": "{% render 'two' %}", "two": "a"})
    assert templates.render("page", FakePage({})) == "aa"
    templates.update({"two": source("two", "b")})
    assert templates.render("page", FakePage({})) == "bb"
    templates.update({"one": source("one", "c")})
    assert templates.render("page", FakePage({})) == "cc"
    templates.update({"page": source("page", "d")})
    assert templates.render("page", FakePage({})) == "d"


@pytest.mark.parametrize("tag", ["render", "include"])
def test_a_template_can_come_and_go(make: Callable[..., Templates], tag: str) -> None:
    templates = make({"page": f"{{% {tag} 'one' %}}"})
    for _ in range(2):
        assert failure(lambda: templates.render("page", FakePage({}))).message == "template 'one' not found"
        templates.update({"one": source("one", "here")})
        assert templates.render("page", FakePage({})) == "here"
        templates.update({"one": None})


def test_a_broken_template_can_be_mended(make: Callable[..., Templates]) -> None:
    templates = make({"page": "{% if %}"})
    assert failure(lambda: templates.render("page", FakePage({}))).message == "missing expression"
    templates.update({"page": source("page", "whole")})
    assert templates.render("page", FakePage({})) == "whole"


# Errors


def test_a_missing_partial_is_an_error_at_its_tag(make: Callable[..., Templates]) -> None:
    page = FakePage({})
    templates = make({"page": "a\n  {% render 'no/where' %}"})
    error = failure(lambda: templates.render("page", page))
    assert (error.path, error.line, error.column) == ("templates/page.liquid", 5, 13)
    assert error.message == "template 'no/where' not found"
    assert error.hint == "create templates/no/where.liquid, or correct the name"
    assert error.source_line == "  {% render 'no/where' %}"
    assert "no/where" in page.templates


def test_a_missing_page_template_is_an_error(make: Callable[..., Templates]) -> None:
    page = FakePage({})
    error = failure(lambda: make({}).render("none", page))
    assert (error.path, error.line, error.message) == ("templates/none.liquid", 0, "template 'none' not found")
    assert page.templates == {"none"}


@pytest.mark.parametrize("tag", ["render", "include"])
def test_a_broken_partial_is_an_error_in_the_partial(render: Render, tag: str) -> None:
    error = failure(lambda: render(f"{{% {tag} 'one' %}}", one="fine\n{{ a | | b }}"))
    assert (error.path, error.line) == ("templates/one.liquid", 5)


@pytest.mark.parametrize("tag", ["render", "include"])
@pytest.mark.parametrize("other", ["{% if %}", None])
def test_what_is_not_reached_does_no_harm(render: Render, tag: str, other: str | None) -> None:
    others = {"one": other} if other else {}
    assert render(f"a{{% if b %}}{{% {tag} 'one' %}}{{% endif %}}", **others) == "a"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("{{ 1 | plus: 2 | divided_by: 0 | minus: 1 }}", 4, 18, "divided_by: can't divide by 0"),
        ("a\n\n{{ 'x' | date }}", 6, 10, "date: date() missing 1 required positional argument: 'form'"),
        (
            "{% if true %}\n{{ 'a' | append }}{% endif %}",
            5,
            10,
            "append() missing 1 required positional argument: 'arg'",
        ),
        ("{% if a and list < 'b' %}x{% endif %}", 4, 18, "'<' and '>' are not supported between 'list' and 'str'"),
        ("{% for i in list limit: 'x' %}{% endfor %}", 4, 8, "expected an integer, found str"),
        ("{% if a %}{% break %}{% endif %}", 4, 4, "unexpected 'break'"),
        ("{{ a | boom }}", 4, 8, "RuntimeError: boom"),
        ("{{ broken }}", 4, 1, "RuntimeError: broken"),
        ("x\n{% if a", 5, 1, "missing tag name or closing delimiter"),
        ("\n{% for i in list %}", 5, 4, "expected tag endfor, found end of expression"),
    ],
)
def test_an_error_has_its_place(
    make: Callable[..., Templates], text: str, line: int, column: int, message: str
) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("broken")

    def boom(_page: Page, _value: object) -> str:
        raise RuntimeError("boom")

    templates = make({"page": text}, {"boom": boom})
    page = FakePage({"a": 1, "list": [1], "broken": Broken()})
    error = failure(lambda: templates.render("page", page))
    assert (error.line, error.column, error.message) == (line, column, message)


@pytest.mark.parametrize("tag", ["render", "include"])
def test_an_error_in_a_partial_is_placed_there(render: Render, tag: str) -> None:
    error = failure(lambda: render(f"{{% {tag} 'one' %}}", one="{{ 1 }}\n{{ 1 | modulo: 0 }}"))
    assert (error.path, error.line, error.column) == ("templates/one.liquid", 5, 8)


@pytest.mark.parametrize("word", ["limit", "offset", "continue", "if", "in", "for", "with", "empty", "not"])
def test_words_that_can_be_no_property_have_a_way_out(render: Render, word: str) -> None:
    error = failure(lambda: render("{{ map." + word + " }}"))
    assert f'["{word}"]' in error.hint
    assert render(f'{{{{ map["{word}"] }}}}', {"map": {word: "found"}}) == "found"


def test_an_error_survives_a_pipe(render: Render) -> None:
    with pytest.raises(TemplateError) as caught:
        render("{% if %}")
    assert pickle.loads(pickle.dumps(caught.value)).diagnostic == caught.value.diagnostic


# Limits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% for i in (1..1000) %}{% for j in (1..1000) %}{% endfor %}{% endfor %}", "more than 5000 loop turns"),
        ("{% tablerow i in (1..6000) %}{% endtablerow %}", "more than 5000 loop turns"),
        ("{% render 'twice' %}", "maximum context depth reached, possible recursive render"),
        ("{% include 'again' %}", "maximum context depth reached, possible recursive include"),
        ("{% for i in (1..2000) %}twenty characters...{% endfor %}", "more than 20000 characters"),
        ("{% capture x %}{% for i in (1..3000) %}12345678{% endfor %}{% endcapture %}", "more than 20000 characters"),
        (
            "{% assign x = '12345678' %}{% for i in (1..99) %}{% assign x = x | append: x %}{% endfor %}",
            "more than 20000 characters",
        ),
    ],
)
def test_every_template_comes_to_an_end(make: Callable[..., Templates], text: str, message: str) -> None:
    texts = {"page": text, "twice": "{% render 'twice' %}{% render 'twice' %}", "again": "{% include 'again' %}"}
    templates = make(texts, limits=Limits(iterations=5000, characters=20_000))
    assert failure(lambda: templates.render("page", FakePage({}))).message == message


def test_partials_that_multiply_come_to_an_end(make: Callable[..., Templates]) -> None:
    chain: dict[str, object] = {}
    for _ in range(20):
        chain = {"next": chain}
    once = "{% render 'page', n: n.next %}"
    templates = make({"page": f"{{% if n %}}{once}{once}{{% endif %}}"}, limits=Limits(iterations=500))
    assert failure(lambda: templates.render("page", FakePage({"n": chain}))).message == "more than 500 loop turns"


# What is rendered once (compiled templates only)


class Counter:
    """A filter that takes no notice of the page, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, _page: Page, value: object) -> str:
        self.calls += 1
        return f"<{value}>"


def test_a_partial_is_rendered_once_for_the_same_answers() -> None:
    count = Counter()
    texts = {"page": "{% render 'menu', at: at %}", "menu": "{% for i in items %}{{ i.t | count }}{% endfor %}{{ at }}"}
    templates = Templates(sources(texts), {"count": count})
    items = [{"t": 1}, {"t": 2}]
    for at, calls in ((1, 2), (1, 2), (True, 4), (1.0, 6), ("1", 8), (1, 8)):
        page = FakePage({"items": [dict(item) for item in items], "at": at})
        assert templates.render("page", page) == f"<1><2>{str(at).lower()}"
        assert count.calls == calls
        assert (set(page.reads), page.templates) == ({"items", "at"}, {"page", "menu"})


def test_a_partial_within_a_partial_is_remembered_with_it() -> None:
    count = Counter()
    texts = {"page": "{% render 'one' %}", "one": "{{ 1 | count }}{% render 'two' %}{% render 'two' %}"}
    templates = Templates(sources({**texts, "two": "{{ 2 | count }}{{ a }}"}), {"count": count})
    for _ in range(3):
        page = FakePage({"a": 3})
        assert templates.render("page", page) == "<1><2>3<2>3"
        assert page.templates == {"page", "one", "two"}
        assert "a" in page.reads
    assert count.calls == 2


def test_what_a_partial_is_not_asked_for_makes_no_difference() -> None:
    count = Counter()
    texts = {"page": "{% render 'one' %}", "one": "{% if a %}{{ b }}{% else %}{{ c | count }}{% endif %}"}
    templates = Templates(sources(texts), {"count": count})
    for variables, text in (({"a": 1, "b": 2}, "2"), ({"b": 3, "c": 4}, "<4>"), ({"c": 4}, "<4>"), ({"c": 5}, "<5>")):
        page = FakePage(variables)
        assert templates.render("page", page) == text
        assert set(page.reads) & {"a", "b", "c"} == ({"a", "b"} if "a" in variables else {"a", "c"})
    assert count.calls == 2


class Kindred(FakePage):
    """A page that has `t` in common with all pages of its kin, and reads that each time it is asked for it."""

    shared = frozenset({"t"})

    def __getitem__(self, name: str) -> object:
        self.recorder.read(("variable", name))
        return super().__getitem__(name)


@pytest.mark.parametrize(
    "tag", ["{% render 'one' %}", "{% render 'one', t: t %}", "{% if b %}{{ t }}{% endif %}{% render 'one' %}"]
)
def test_what_pages_of_a_kin_have_in_common_is_not_compared_and_yet_read(tag: str) -> None:
    count = Counter()
    templates = Templates(sources({"page": tag, "one": "{{ 1 | count }}{{ t }}{{ a }}"}), {"count": count})
    for a, b, calls in ((1, 1, 1), (1, None, 1), (2, None, 2)):
        page = Kindred({"t": Blob("t"), "a": a, "b": b})
        assert templates.render("page", page).endswith(f"<1>t{a}")
        assert {("variable", "t"), ("variable", "a")} <= page.recorder.reads.keys()
        assert count.calls == calls


def test_an_argument_hides_what_pages_of_a_kin_have_in_common() -> None:
    templates = Templates(sources({"page": "{% render 'one', t: a %}", "one": "{{ t }}"}), {})
    assert [templates.render("page", Kindred({"t": 0, "a": a})) for a in (1, 2)] == ["1", "2"]


def test_a_partial_around_one_that_shows_what_is_the_pages_own_is_written_out() -> None:
    count = Counter()
    texts = {"page": "{% render 'one' %}", "one": "{{ 1 | count }}{% render 'two' %}", "two": "{{ a }}"}
    templates = Templates(sources(texts), {"count": count}, own=frozenset({"a"}))
    assert [templates.render("page", FakePage({"a": 1})) for _ in range(2)] == ["<1>1"] * 2
    assert count.calls == 2  # as a text of its own it would have been remembered


def test_the_clock_is_read_each_time() -> None:
    templates = Templates(sources({"page": "{% render 'one' %}", "one": "{{ 'now' | date: '%Y' }}{{ now }}"}), {})
    for _ in range(2):
        page = FakePage({})
        templates.render("page", page)
        assert ("clock", "%Y") in page.recorder.reads


def shown(templates: Templates, kin: str, variables: Mapping[str, int], thing: str) -> tuple[str, set[object]]:
    """Render `page` with a thing, and give the text and all that was read."""
    page = FakePage(variables, kin)
    page.recorder.read(("before",))
    page.variables["t"] = Thing(page, thing)
    text = templates.render("page", page)
    return text, {*page.reads, *page.recorder.reads}


THINGS = {
    "page": "{% render 'one', thing: t, l: l %}",
    "one": "{{ thing.a | count }}{% if n %}{% render 'two', thing: thing %}{% endif %}",
    "two": "{{ thing.b }}",
}


def test_what_can_not_be_compared_is_not_shared_by_partials_around_who_asks_for_it() -> None:
    templates = Templates(sources({"page": "{% render 'one' %}", "one": "{% render 'two' %}", "two": "{{ t }}"}), {})
    for text in "ab":
        page = FakePage({"t": [Blob(text)]})
        assert templates.render("page", page) == text


class Blob:
    """A value that nothing tells from others."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def test_pages_of_a_kin_share_what_a_partial_says_of_a_drop_and_what_is_read_for_it() -> None:
    count = Counter()
    templates = Templates(sources(THINGS), {"count": count})
    own = {("before",), ("project", "limits"), ("template", "page"), ("template", "one"), "l", "n"}
    of_x, of_y = ({("thing", name, "a"), ("thing", name, "b"), ("template", "two")} for name in "xy")
    for thing, n, reads, calls in (("x", 1, of_x, 1), ("x", 1, of_x, 1), ("y", 1, of_y, 2), ("x", 1, of_x, 2)):
        text, found = shown(templates, "en", {"l": calls, "n": n}, thing)
        assert (text, found) == (f"<{thing}.a>{thing}.b", own | reads | {"t"})
        assert count.calls == calls
    assert shown(templates, "en", {}, "x")[1] == {*own, "t", ("thing", "x", "a")}


def test_pages_that_are_not_of_a_kin_share_nothing() -> None:
    count = Counter()
    templates = Templates(sources(THINGS), {"count": count})
    assert [shown(templates, kin, {}, "x")[0] for kin in ("en", "de")] == ["<x.a>"] * 2
    assert count.calls == 2


def test_what_is_shared_is_forgotten_with_the_state_of_the_site() -> None:
    count = Counter()
    templates = Templates(sources(THINGS), {"count": count})
    for calls in (1, 2):
        assert shown(templates, "en", {}, "x")[0] == "<x.a>"
        assert count.calls == calls
        templates.shelf.clear()


def test_more_texts_than_there_is_room_for_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "CHARACTERS_MOST", 2_000)
    count = Counter()
    templates = Templates(sources(THINGS), {"count": count})
    for thing, calls in (("x", 1), ("y", 2), ("z", 3), ("x", 3), ("q", 4), ("x", 5)):
        assert shown(templates, "en", {}, thing)[0] == f"<{thing}.a>"
        assert count.calls == calls


LOOKS: list[tuple[Callable[[Page], object], int]] = [(lambda page: page.clock("%Y"), 1), (lambda page: page["a"], 3)]


@pytest.mark.parametrize(("look", "calls"), LOOKS)
def test_pages_of_a_kin_share_what_a_filter_gives_that_asks_no_variable(
    look: Callable[[Page], object], calls: int
) -> None:
    seen: list[object] = []

    def touch(page: Page, value: object) -> object:
        seen.append(look(page))
        return value

    templates = Templates(sources({"page": "{% render 'one' %}", "one": "{{ 1 | touch }}"}), {"touch": touch})
    assert [templates.render("page", FakePage({"a": 1}, "en")) for _ in range(3)] == ["1"] * 3
    assert len(seen) == calls


def test_what_is_missing_is_asked_for_once_by_each_of_the_partials_within_each_other() -> None:
    page = FakePage({})
    templates = Templates(sources({"page": "{% render 'one' %}", "one": "{{ a }}{% render 'one' %}"}), {})
    assert "render each other" in failure(lambda: templates.render("page", page)).hint
    assert len(page.reads) < 100


def test_a_partial_that_never_comes_out_the_same_is_given_up() -> None:
    count = Counter()
    templates = Templates(sources({"page": "{% render 'one' %}", "one": "{{ a | count }}"}), {"count": count})
    for number in range(600):
        assert templates.render("page", FakePage({"a": number})) == f"<{number}>"
    templates.render("page", FakePage({"a": 0}))
    assert count.calls == 601


def test_what_is_remembered_counts_towards_the_budget() -> None:
    texts = {"page": "{% for i in (1..9) %}{% render 'one' %}{% endfor %}", "one": "{% for i in (1..9) %}{% endfor %}"}
    templates = Templates(sources(texts), {}, limits=Limits(iterations=95))
    assert failure(lambda: templates.render("page", FakePage({}))).message == "more than 95 loop turns"


# The code cache


def upper(_page: Page, value: object) -> str:
    return str(value).upper()


def test_compiled_code_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"page": "{% render 'one' %}{% include 'two' %}{% render 'three' %}", "one": "1", "two": "2{{ 'a' | up }}"}
    texts["three"] = "{% include name %}"  # interpreted
    cache: dict[bytes, bytes] = {}
    page = FakePage({})
    filters: dict[str, FilterFunction] = {"up": upper}
    with pytest.raises(TemplateError):
        Templates(sources(texts), filters, code_cache=cache).render("page", page)
    texts["three"] = "3"
    assert Templates(sources(texts), filters, code_cache=cache).render("page", page) == "12A3"
    monkeypatch.setattr(liquid_units, "compile_template", None)
    assert Templates(sources(texts), filters, code_cache=cache).render("page", page) == "12A3"
    for changed in ("page", "one", "two"):
        with pytest.raises(TemplateError, match="not callable"):
            Templates(sources({**texts, changed: "x"}), filters, code_cache=cache).render("page", page)


def test_kept_code_knows_its_places() -> None:
    cache: dict[bytes, bytes] = {}
    for _ in range(2):
        templates = Templates(sources({"page": "\n{{ 1 | modulo: 0 }}"}), {}, code_cache=cache)
        error = failure(lambda: templates.render("page", FakePage({})))  # noqa: B023 - called at once
        assert (error.line, error.column) == (5, 8)
