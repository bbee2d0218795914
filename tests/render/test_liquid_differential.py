"""A compiled template does what python-liquid does: the same text or the same error, from the same reads.

That holds whether partials are called or written out in place, which is tried with all that ask for anything.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, cast

import liquid
import liquid.exceptions
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from blogd.render.drops import Unread
from blogd.render.limits import Limits
from blogd.render.liquid_compiler import compile_template
from blogd.render.liquid_interpreter import Environment
from blogd.render.liquid_unit import Mode, Unsupported
from blogd.render.reads import Recorder
from blogd.render.records import TemplateSource
from blogd.render.templates import TemplateError, Templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from blogd.render.diagnostic import Diagnostic
    from blogd.render.reads import Reads


class FakePage:
    """A page over a dict that takes note of what is read of it."""

    kin = "en"

    def __init__(self, variables: Mapping[str, object]) -> None:
        self.recorder = Recorder()
        self._reads: set[tuple[object, ...]] = set()
        self._variables = {name: wrap(value, self._reads, (name,)) for name, value in variables.items()}

    def __getitem__(self, name: str) -> object:
        self._reads.add((name,))
        return self._variables[name]

    def __contains__(self, name: object) -> bool:
        return name in self._variables

    @property
    def reads(self) -> set[tuple[object, ...]]:
        """All that was read, templates too."""
        return self._reads | self.recorder.reads.keys()

    def shows_otherwise(self, _: Reads) -> bool:
        return False

    def shares(self, _: str) -> bool:
        return False

    def apart(self) -> FakePage:
        return self

    def clock(self, form: str) -> str:
        self.recorder.read(("clock", form))
        return f"<{form}>"


class FakeDrop:
    """An object whose keys are read one by one."""

    def __init__(self, values: Mapping[str, object], reads: set[tuple[object, ...]], path: tuple[object, ...]) -> None:
        self._values = {key: wrap(value, reads, (*path, key)) for key, value in values.items()}
        self._reads = reads
        self._path = path

    def __getitem__(self, key: str) -> object:
        self._reads.add((*self._path, key))
        return self._values[key]

    def __str__(self) -> str:
        return "drop"


class FakeList:
    """A sequence that can be read in part."""

    def __init__(self, items: Sequence[object], reads: set[tuple[object, ...]], path: tuple[object, ...]) -> None:
        self._items = [wrap(item, reads, (*path, number)) for number, item in enumerate(items)]
        self._reads = reads
        self._path = path

    def window(self, start: int, stop: int) -> Sequence[object]:
        self._reads.add((*self._path, start, stop))
        return self._items[start:stop]

    def __getitem__(self, index: object) -> object:
        if not isinstance(index, int):
            raise TypeError
        self._reads.add((*self._path, "item", index))
        return self._items[index]

    def __iter__(self) -> Iterator[object]:
        return iter(self.window(0, 1 << 31))

    def __len__(self) -> int:
        self._reads.add((*self._path, "length"))
        return len(self._items)

    def __liquid__(self) -> Unread:
        return Unread(lambda: bool(self.window(0, 1)))


class Posts(list[object]):
    """Marks the lists of test data that are read in part."""


class Fields(dict[str, object]):
    """Marks the mappings of test data that are read key by key."""


def wrap(value: object, reads: set[tuple[object, ...]], path: tuple[object, ...]) -> object:
    if isinstance(value, Fields):
        return FakeDrop(value, reads, path)
    if isinstance(value, Posts):
        return FakeList(value, reads, path)
    return value


def double(_page: FakePage, value: object, *extra: object, suffix: str = "") -> str:
    return f"{value}{value}{len(extra)}{suffix}"


def sources(texts: Mapping[str, str]) -> dict[str, TemplateSource]:
    return {name: TemplateSource(name=name, path=f"templates/{name}.liquid", text=text) for name, text in texts.items()}


def outcome(
    texts: Mapping[str, str],
    data: Mapping[str, object],
    templates: Templates | None = None,
    *,
    compiled: bool = True,
    own: frozenset[str] = frozenset(),
    limits: Limits | None = None,
) -> tuple[str | Diagnostic, set[tuple[object, ...]]]:
    """Return the text and what was read, or the error; after an error, what was read may differ."""
    page = FakePage(data)
    templates = templates or Templates(sources(texts), {"double": double}, compiled=compiled, own=own, limits=limits)
    try:
        return templates.render("page", page), page.reads
    except TemplateError as error:
        return error.diagnostic, set()


def assert_same(texts: Mapping[str, str], data: Mapping[str, object], limits: Limits | None = None) -> str | Diagnostic:
    interpreted = outcome(texts, data, compiled=False, limits=limits)
    for own in (frozenset[str](), words(texts)):
        assert outcome(texts, data, own=own, limits=limits) == interpreted
    return interpreted[0]


def words(texts: Mapping[str, str]) -> frozenset[str]:
    """Return all names in templates, so that no partial that asks for one is called."""
    return frozenset(re.findall(r"\w+", " ".join(texts.values())))


# What python-liquid 2.3.6 does differently from the suite.
KNOWN_DIFFERENCES = {
    "blank and empty, false is equal to blank",
    "blank and empty, nil is equal to blank",
    "blank and empty, null is equal to blank",
    "blank and empty, undefined is equal to blank",
    "tags, case, unexpected when token, strict2",
    "tags, comment, incomplete tags are not parsed",
}


# What has no compiled form.
INTERPRETED = {
    "output, nested bracketed variable resolving to a string",
    "output, bracketed variable resolves to a string without leading identifier",
    "tags, include, name from identifier",
}


@pytest.fixture(scope="module")
def suite(shared: Path) -> list[dict[str, object]]:
    cases: list[dict[str, object]] = json.loads((shared / "suites/golden_liquid.json").read_text("utf-8"))["tests"]
    return cases


def texts_of(case: Mapping[str, object]) -> dict[str, str]:
    partials = cast("Mapping[str, str]", case.get("templates", {}))
    texts = {name.removesuffix(".liquid"): text for name, text in partials.items()}
    return {**texts, "page": cast("str", case["template"])}


def test_the_conformance_suite(suite: list[dict[str, object]]) -> None:
    failed: set[object] = set()
    for case in suite:
        result = assert_same(texts_of(case), cast("Mapping[str, object]", case.get("data", {})))
        expected = cast("list[object]", case.get("results", [case.get("result")]))
        if not (case.get("invalid") if not isinstance(result, str) else result in expected):
            failed.add(case["name"])
    assert failed == KNOWN_DIFFERENCES


def test_the_conformance_suite_is_compiled(suite: list[dict[str, object]]) -> None:
    interpreted: set[object] = set()
    for case in suite:
        environment = Environment(sources(texts_of(case)), {}, Limits())
        try:
            compile_template(environment, "page", Mode.PAGE, words(texts_of(case)))
        except TemplateError:
            continue
        except Unsupported:
            interpreted.add(case["name"])
    assert interpreted == INTERPRETED


def either(*options: str) -> st.SearchStrategy[str]:
    return st.sampled_from(options)


def joined(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


def maybe(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("") | strategy


def repeated(strategy: st.SearchStrategy[str], separator: str = "", most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(strategy, min_size=1, max_size=most).map(separator.join)


VARIABLES = either("a", "b", "list", "rows", "posts", "map", "site", "no", "nil_", "text", "float_", "x", "y", "v")
MORE = either("forloop", "tablerowloop", "partial", "now", "undefined_", "one", "arg")
SEGMENTS = either(".title", ".size", ".first", ".last", "[0]", "[-1]", '["title"]', ".posts", "[a]", "[x]", "[y.title]")
LOOPS = either("index", "index0", "rindex", "rindex0", "first", "last", "length", "name", "col", "row", "nothing")
PATHS = joined(VARIABLES | MORE, maybe(repeated(SEGMENTS, most=2))) | joined(
    "forloop.", maybe(st.just("parentloop.")), LOOPS
)
LITERALS = either("1", "0", "-2", "1.5", "'a'", "'title'", "''", "true", "false", "nil", "empty", "blank")
PRIMITIVES = PATHS | LITERALS | joined("(", either("0", "1", "a", "x"), "..", either("3", "b", "list.size"), ")")
FILTERS = either(
    "upcase",
    "size",
    "first",
    "join: ','",
    "escape",
    "append: x",
    "plus: 1",
    "divided_by: a",
    "default: 'd', allow_false: true",
    "split: ''",
    "map: 'title'",
    "where: 'title', x",
    "sort",
    "reverse",
    "slice: 1, 2",
    "date: '%Y'",
    "double: y, suffix: a",
    "double",
    "nothing: b",
    "concat: posts",
    "truncate: 2, ''",
    "times",
)
FILTERED = joined(PRIMITIVES, maybe(joined(" | ", repeated(FILTERS, " | "))))
COMPARISONS = joined(PRIMITIVES, either(" == ", " != ", " < ", " > ", " <= ", " >= ", " contains "), PRIMITIVES)
CONDITIONS = repeated(PRIMITIVES | COMPARISONS, " and ", 2) | repeated(PRIMITIVES | COMPARISONS, " or ", 3)
OPEN = either("{% ", "{% ", "{%- ")
CLOSE = either(" %}", " %}", " -%}")
HEADS = joined(
    either("v", "x", "item"),
    " in ",
    PRIMITIVES,
    maybe(joined(" limit: ", either("2", "0", "a", "b", "x"))),
    maybe(joined(" offset: ", either("1", "continue", "a", "y", "5"))),
    maybe(st.just(" reversed")),
)
ARGUMENTS = maybe(joined(", ", repeated(joined(either("x", "arg", "partial"), ": ", PRIMITIVES), ", ", 2)))
BINDINGS = maybe(joined(either(" with ", " for "), either("list", "posts", "a", "x", "map"), maybe(st.just(" as v"))))


def tag(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return joined(OPEN, *parts, CLOSE)


def blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, max_size=3).map("".join)
    otherwise = maybe(joined(tag("else"), body))
    alternatives = maybe(repeated(joined(tag("elsif ", CONDITIONS), body), most=2))
    whens = repeated(joined(tag("when ", repeated(PRIMITIVES, ", ", 2)), body), most=2)
    return st.one_of(
        joined(tag("if ", CONDITIONS), body, alternatives, otherwise, tag("endif")),
        joined(tag("unless ", CONDITIONS), body, alternatives, otherwise, tag("endunless")),
        joined(tag("for ", HEADS), body, otherwise, tag("endfor")),
        joined(tag("tablerow ", HEADS, maybe(st.just(" cols: 2"))), body, tag("endtablerow")),
        joined(tag("case ", PRIMITIVES), whens, otherwise, tag("endcase")),
        joined(tag("capture ", either("x", "y")), body, tag("endcapture")),
        joined(tag("ifchanged"), body, tag("endifchanged")),
    )


LEAVES = st.one_of(
    either("text", " ", "\n", "<b>"),
    joined("{{ ", FILTERED, " }}"),
    joined("{{- ", FILTERED, " -}}"),
    tag("assign ", either("x", "y", "a", "forloop"), " = ", FILTERED),
    tag("echo ", FILTERED),
    tag(either("increment ", "decrement "), either("x", "a", "n")),
    tag("cycle ", maybe(either("'g': ", "a: ")), repeated(PRIMITIVES, ", ")),
    tag(either("break", "continue")),
    tag("render ", either("'one'", "'two.liquid'", "'missing'"), BINDINGS, ARGUMENTS),
    tag("include ", either("'one'", "'two'", "'missing'", "x"), BINDINGS, ARGUMENTS),
    joined("{% liquid\nassign y = ", FILTERED, "\necho y\nif ", CONDITIONS, "\necho x\nendif %}"),
    either("{% comment %}{{ x }}{% endcomment %}", "{% raw %}{{ x }}{% endraw %}", "{% # note %}"),
)
TEMPLATES = repeated(st.recursive(LEAVES, blocks, max_leaves=12), most=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 30) | either("", "a", "title", "T & t", "2020-02-03", " "),
    lambda inner: st.lists(inner, max_size=3) | st.fixed_dictionaries({"title": inner}, optional={"posts": inner}),
    max_leaves=4,
)
DATA = st.fixed_dictionaries(
    {
        "a": VALUES,
        "b": st.integers(-1, 4),
        "list": st.lists(VALUES, max_size=4),
        "rows": st.lists(st.fixed_dictionaries({"title": VALUES}), max_size=3),
        "posts": st.lists(st.builds(Fields, title=VALUES, posts=VALUES), max_size=4).map(Posts),
        "map": st.dictionaries(either("a", "title", "size", "first"), VALUES, max_size=3),
        "site": st.builds(Fields, title=VALUES, posts=st.lists(VALUES, max_size=3).map(Posts)),
        "text": either("", "one two", "<a href='x'>"),
        "float_": st.sampled_from([0.0, 1.5, -2.25]),
        "no": st.just(value=False),
        "nil_": st.none(),
    }
)


@settings(max_examples=100)
@given(page=TEMPLATES, one=TEMPLATES, two=TEMPLATES, data=DATA)
@example("{% for v in list %}{% render 'one' for posts %}{% endfor %}", "{{ one.title }}", "", {"list": [1, 2]})
@example("{% if posts == empty %}a{% endif %}{{ posts | default: 'b' }}", "", "", {"posts": Posts()})
def test_generated_templates(page: str, one: str, two: str, data: dict[str, object]) -> None:
    assert_same({"page": page, "one": one, "two": two}, data, Limits(iterations=2000, characters=20_000))


@settings(max_examples=50)
@given(page=TEMPLATES, one=TEMPLATES, two=TEMPLATES, data=st.lists(DATA, min_size=2, max_size=3))
def test_what_is_remembered_is_what_would_be_rendered(
    page: str, one: str, two: str, data: list[dict[str, object]]
) -> None:
    texts = {"page": "{% render 'one', x: b %}" + page, "one": one, "two": two}
    limits = Limits(iterations=2000, characters=20_000)
    for own in (frozenset[str](), frozenset({"x", "list", "arg"})):
        templates = Templates(sources(texts), {"double": double}, own=own, limits=limits)
        for variables in (*data, *data):
            assert outcome(texts, variables, templates) == outcome(texts, variables, compiled=False, limits=limits)


class Bounded(liquid.Environment):
    loop_iteration_limit = 2000


@settings(max_examples=50)
@given(page=TEMPLATES, one=TEMPLATES, two=TEMPLATES, data=DATA)
def test_the_interpreter_is_python_liquid(page: str, one: str, two: str, data: dict[str, object]) -> None:
    """Where reading in part, the clock and blogd's limits are not in play."""
    texts = {"page": page.replace("now", "no"), "one": one, "two": two}
    plain = json.loads(json.dumps(data))
    loader = liquid.DictLoader({**texts, "two.liquid": two})
    environment = Bounded(loader=loader, strict_filters=False)
    environment.add_filter("double", partial(double, FakePage({})))
    try:
        expected = environment.get_template("page").render(plain)
    except (liquid.exceptions.LiquidError, ValueError):
        return
    assert outcome(texts, plain, compiled=False)[0] == expected


def test_all_bundled_templates_are_compiled(project: Path) -> None:
    folder = project / "render/bundled"
    texts = {
        str(path.relative_to(folder).with_suffix("")): path.read_text("utf-8") for path in folder.rglob("*.liquid")
    }
    assert "single-post" in texts
    environment = Environment(sources(texts), {}, Limits())
    for name in texts:
        for mode in Mode:
            compile(compile_template(environment, name, mode).text, name, "exec")


# Partials that are written out in place


P: dict[str, object] = {"p": {"title": "P", "q": {"title": "Q"}}, "list": [1, 2, 3]}


@pytest.mark.parametrize(
    ("page", "one", "two", "expected"),
    [
        ("{% render 'one', a: p %}", "{{ a.title }}{% render 'two', b: 2 %}{{ b }}", "{{ a.q.title }}{{ b }}", "PQ2"),
        ("{% render 'one', a: 1 %}", "{% render 'two', a: 2 %}{{ a }}{{ p.title }}", "{{ a }}{{ p.title }}", "2P1P"),
        (
            "{% assign x = 1 %}{% render 'one' %}",
            "{{ p.title }}{{ x }}{% render 'two' %}",
            "{{ p.title }}{{ x }}",
            "PP",
        ),
        (
            "{% render 'one' %}{{ x }}",
            "{{ p.title }}{% assign x = 1 %}{% render 'two' %}",
            "{{ x }}{{ p.title }}",
            "PP",
        ),
        (
            "{% for i in list %}{% render 'one', i: i %}{% endfor %}",
            "{{ p.title }}{% if i == 2 %}{% assign x = i %}{% endif %}{{ x }}{{ forloop.index }}",
            "",
            "PP2P",
        ),
        ("{{ p.title }}{% render 'one', q: p.q %}{{ p.title }}", "{% assign p = q %}{{ p.title }}", "", "PQP"),
        (
            "{% assign x = p %}{% render 'one', a: x %}{% assign x = p.q %}{% render 'one', a: x %}",
            "{{ a.title }}{{ p.title }}",
            "",
            "PPQP",
        ),
        ("{% capture x %}{% render 'one' with p as a %}{% endcapture %}[{{ x }}]", "{{ a.title }}", "", "[P]"),
        ("{% render 'one', p: no %}{{ p.title }}", "[{{ p.title }}]{% render 'two' %}", "{{ p.title }}|", "[]|P"),
        (
            "{% for i in list limit: 1 %}{% render 'one' %}{% endfor %}{% for i in list offset: continue %}x{%endfor%}",
            "{{ p.title }}{% for i in list %}{% endfor %}",
            "",
            "Pxx",
        ),
        ("{% render 'one', a: p %}", "{{ a.title }}{% unless b %}{% render 'one', b: 1 %}{% endunless %}", "", "PP"),
        ("{% render 'one', a: p %}", "{{ a.title }}{% render 'two' %}", "{% cycle a.title, 2 %}", "PP"),
        ("{% increment x %}{% render 'one' %}{{ x }}", "{{ p.title }}{{ x }}{% increment x %}", "", "0P01"),
        ("{% render 'one' %}{{ partial }}", "{{ p.title }}{{ partial }}", "", "Ptruefalse"),
        ("{% if p %}{% render 'one' %}{% else %}{% render 'two' %}{% endif %}", "{{ p.title }}", "{{ p }}", "P"),
        (
            "{% render 'one' %}",
            "{% for i in list %}{{ p.title }}{% case i %}{% when 2, 2 %}{% break %}{% endcase %}{% endfor %}",
            "",
            "PP",
        ),
    ],
)
def test_a_partial_means_the_same_in_place(page: str, one: str, two: str, expected: str) -> None:
    assert assert_same({"page": page, "one": one, "two": two}, P) == expected


@pytest.mark.parametrize(
    ("page", "one", "written"),
    [
        ("{% render 'one' %}", "{{ p }}", ["one"]),
        ("{% render 'one' %}", "{{ q }}", []),
        ("{% render 'one' %}", "text", ["one"]),
        ("{% render 'one' %}", "{{ 1 | upcase }}", []),
        ("{% render 'one', a: p.title %}", "{{ a }}", ["one"]),
        ("{% render 'one' with p.title %}", "{{ one }}", ["one"]),
        ("{% render 'one', a: p %}", "{% render 'two', b: a %}{{ p }}", ["one", "two"]),
        ("{% render 'one', p: q %}", "{{ p }}", []),
        ("{% render 'one', p: q, a: p %}", "{% render 'two', b: p %}", ["one"]),
        ("{% assign p = q %}{% render 'one', a: p %}", "{{ a }}", []),
        ("{% for p in q %}{% render 'one', a: p %}{% endfor %}", "{{ a }}", []),
        ("{% render 'one' for p %}", "{{ p }}", []),
        ("{% render 'one' %}", "{{ p }}{% render 'one' %}", ["one"]),
        ("{% render 'one' %}", "{{ p }}{% cycle 1, 2 %}", []),
        ("{% render 'one' %}", "{% for p in q %}{{ p }}{% endfor %}", []),
        ("{% render 'missing' %}{% render 'broken' %}", "", []),
    ],
)
def test_a_partial_is_written_out_that_shows_what_is_the_pages_own(page: str, one: str, written: list[str]) -> None:
    texts = {"page": page, "one": one, "two": "{{ b }}", "broken": "{% if %}"}
    source = compile_template(Environment(sources(texts), {}, Limits()), "page", Mode.PAGE, frozenset({"p"}))
    assert source.templates == ["page", *written]


def test_what_is_written_out_does_not_grow_without_bounds() -> None:
    texts = {str(n): f"{{{{ p }}}}{{% render '{n + 1}' %}}{{% render '{n + 1}' %}}" for n in range(30)}
    texts = {"page": "{% render '0' %}", **texts, "30": "{{ p }}"}
    source = compile_template(Environment(sources(texts), {}, Limits()), "page", Mode.PAGE, frozenset({"p"}))
    assert source.text.count("\n") < 20_000


@pytest.mark.parametrize(
    "limits", [*(Limits(depth=number) for number in range(4, 9)), *(Limits(iterations=number) for number in range(10))]
)
@pytest.mark.parametrize("tag", ["render", "include"])
def test_limits_count_partials(limits: Limits, tag: str) -> None:
    texts = {str(n): f"{{{{ p }}}}{{% {tag} '{n + 1}', a: p %}}" for n in range(5)}
    texts = {"page": f"{{% {tag} '0' %}}", **texts, "5": "{{ p }}{% for i in list %}{{ a.title }}{% endfor %}"}
    assert_same(texts, P, limits)


@pytest.mark.parametrize("two", ["{{ b | divided_by: 0 }}", "{% break %}", "{% if %}", "{% include 'one' %}", None])
def test_errors_in_partials_in_place_have_their_places(two: str | None) -> None:
    texts = {"page": "\n{% render 'one', a: p %}", "one": "\n {{ a.title }}{% render 'two', b: 1 %}"}
    if two:
        texts["two"] = "{{ a.title }}\n  " + two
    assert not isinstance(assert_same(texts, P), str)


def test_a_change_of_a_partial_in_place_is_seen() -> None:
    texts = {"page": "{% render 'one' %}", "one": "{{ p }}{% render 'two' %}", "two": "{{ p }}"}
    templates = Templates(sources(texts), {}, own=frozenset({"p"}))
    for two in ("a{{ p }}", "{% if %}", "b{{ p }}", None, "c{{ p }}"):
        templates.update({"two": sources({"two": two})["two"] if two else None})
        now = {**texts, "two": two} if two else {name: text for name, text in texts.items() if name != "two"}
        assert outcome(now, {"p": 1}, templates) == outcome(now, {"p": 1}, compiled=False)
