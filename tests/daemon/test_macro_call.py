"""One call of a Python macro: what is noted of what it reads, and how it fails."""

from __future__ import annotations

import collections
import copy
import json
import pickle
import sys
from string import Template
from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.daemon.macro_call import MAX_HTML, Answer, Failure, Recording, Request, perform

if TYPE_CHECKING:
    from collections.abc import Callable

POST: dict[str, object] = {"id": "1", "title": "Boats", "tags": ["a", "b"], "author": None}
ALL = (None, "author", "id", "tags", "title")
KEYS_ALONE = (None,)


def request(source: str, post: dict[str, object] | None = None, entrypoint: str = "render", **params: str) -> Request:
    env: dict[str, object] = {"isPreview": False, "languagePrefix": "/de"}
    return Request(1, "scripts/x.py", source, entrypoint, params, env, post)


def failure(source: str, time_s: float = 10.0) -> Failure:
    answer = perform(request(source), time_s)
    assert answer.html == ""
    assert answer.failure is not None
    return answer.failure


def matched(post: dict[str, object]) -> object:
    match post:
        case {"title": title, "missing": _}:
            return title
        case {"title": title}:
            return [title]
        case _:
            return None


def updated(post: dict[str, object]) -> object:
    plain: dict[str, object] = {"title": 1}
    plain.update(post)
    return plain


READINGS: list[tuple[Callable[[dict[str, object]], object], tuple[str | None, ...]]] = [
    (lambda post: post["title"], ("title",)),
    (lambda post: post.get("title"), ("title",)),
    (lambda post: post.get("missing", 1), ("missing",)),
    (lambda post: "title" in post, ("title",)),
    (lambda post: post.pop("title"), ("title",)),
    (lambda post: post.setdefault("title", 1), ("title",)),
    (lambda post: post.__delitem__("title"), ("title",)),
    (lambda post: "%(title)s, %(id)s" % post, ("id", "title")),  # noqa: UP031 - scripts do that
    ("{title}".format_map, ("title",)),
    (lambda post: f"{post['title']}", ("title",)),
    (lambda post: Template("$title").substitute(post), ("title",)),
    (lambda post: collections.ChainMap({}, post)["title"], ("title",)),
    (matched, (None, "missing", "title")),
    (list, KEYS_ALONE),
    (set, KEYS_ALONE),
    (len, KEYS_ALONE),
    (bool, KEYS_ALONE),
    (lambda post: list(reversed(post)), KEYS_ALONE),
    (lambda post: list(post.keys()), KEYS_ALONE),
    (lambda post: post.keys() & {"title"}, KEYS_ALONE),
    (lambda post: dict.fromkeys(post, 1), KEYS_ALONE),
    (lambda post: list(post.items()), ALL),
    (lambda post: list(post.values()), ALL),
    (lambda post: post == dict(POST), ALL),
    (lambda post: post != dict(POST), ALL),
    (lambda post: post | {"title": 1}, ALL),
    (lambda post: {"title": 1} | post, ALL),
    (lambda post: post.popitem(), ALL),
    (lambda post: post.copy(), ALL),
    (dict, ALL),
    (lambda post: {**post}, ALL),
    (lambda post: dict(**post), ALL),
    (updated, ALL),
    (collections.OrderedDict, ALL),
    (copy.copy, ALL),
    (copy.deepcopy, ALL),
    (lambda post: pickle.loads(pickle.dumps(post)), ALL),
    (json.dumps, ALL),
    (lambda post: json.dumps(post, indent=1, sort_keys=True), ALL),
    (lambda post: json.dumps([{"post": post}]), ALL),
    (str, ALL),
    (repr, ALL),
    (lambda post: f"{post}", ALL),
]


@pytest.mark.parametrize(("read", "seen"), READINGS)
def test_a_recording_is_a_dict_and_notes_what_is_asked_of_it(
    read: Callable[[dict[str, object]], object], seen: tuple[str | None, ...]
) -> None:
    recording = Recording(POST)
    assert read(recording) == read(dict(POST))
    assert recording.seen() == seen


@pytest.mark.parametrize(("read", "seen"), READINGS)
@given(change=st.dictionaries(st.sampled_from(sorted(POST)), st.text()))
def test_what_was_not_asked_for_does_not_matter(
    read: Callable[[dict[str, object]], object], seen: tuple[str | None, ...], change: dict[str, object]
) -> None:
    other = POST | {key: value for key, value in change.items() if key not in seen}
    assert read(Recording(other)) == read(Recording(POST))


def test_a_key_that_is_no_text_counts_as_everything() -> None:
    recording = Recording(POST)
    numbers = cast("dict[object, object]", recording)
    assert numbers.get(1) is None
    assert recording.seen() == ALL


def test_a_copy_is_a_plain_dict() -> None:
    assert type(copy.deepcopy(Recording(POST))) is dict


def test_writing_is_not_reading() -> None:
    recording = Recording(POST)
    recording["title"] = "Ships"
    recording.update(id="2")
    assert recording.seen() == ()
    assert dict(recording) == POST | {"title": "Ships", "id": "2"}


def test_a_call_gets_its_parameters_environment_and_post() -> None:
    source = """
def render(context, post):
    return {"html": context["params"]["a"] + context["env"]["languagePrefix"] + post["title"]}
"""
    answer = perform(request(source, POST, a="1"), 10)
    assert (answer.number, answer.html, answer.failure, answer.last) == (1, "1/deBoats", None, False)
    assert (answer.env, answer.post) == (("languagePrefix",), ("title",))


def test_a_post_that_is_tested_for_only_is_hardly_read() -> None:
    answer = perform(request("def render(context, post):\n    return {'html': 'yes' if post else 'no'}", POST), 10)
    assert (answer.html, answer.post) == ("yes", KEYS_ALONE)


def test_there_may_be_no_post() -> None:
    answer = perform(request("def render(context, post):\n    return {'html': str(post)}"), 10)
    assert (answer.html, answer.post) == ("None", ())


def test_the_entry_point_may_have_another_name_and_be_asynchronous() -> None:
    source = """
import asyncio
async def show(context, post):
    await asyncio.sleep(0)
    return {"html": "later"}
"""
    assert perform(request(source, entrypoint="show"), 10).html == "later"


def test_no_variable_outlives_a_call() -> None:
    source = """
calls = []
def render(context, post):
    calls.append(1)
    return {"html": str(len(calls))}
"""
    assert [perform(request(source), 10).html for _ in range(2)] == ["1", "1"]


def test_a_script_is_a_module_while_it_runs() -> None:
    source = """
from __future__ import annotations
from dataclasses import dataclass
@dataclass
class Boat:
    name: str
def render(context, post):
    return {"html": Boat("Ida").name + __file__}
"""
    before = set(sys.modules)
    assert perform(request(source), 10).html == "Idascripts/x.py"
    assert set(sys.modules) == before


def test_text_of_another_class_is_text() -> None:
    source = """
class Markup(str):
    def __str__(self): return "wrong"
def render(context, post):
    return {"html": Markup("right")}
"""
    html = perform(request(source), 10).html
    assert (html, type(html)) == ("right", str)


def test_an_exception_is_told_with_the_scripts_frames_alone() -> None:
    found = failure("""import json

def render(context, post):
    return show()

def show():
    return json.loads("{")
""")
    assert found.message.startswith("JSONDecodeError: ")
    assert found.line == 7
    first, second = found.traceback.splitlines()[:2]
    assert first == "Traceback (most recent call last):"
    assert second == '  File "scripts/x.py", line 4, in render'
    assert "return show()" in found.traceback
    assert "macro_call" not in found.traceback


def test_a_traceback_shows_the_script_that_was_called_even_if_it_was_another_meanwhile() -> None:
    causes = ("raise ValueError('one')", "raise OSError('two')", "raise ValueError('one')")
    found = [failure(f"def render(context, post):\n    {cause}\n").traceback for cause in causes]
    assert [text.splitlines()[2].strip() for text in found] == list(causes)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise ValueError('a\\nb')", "ValueError: a"),
        ("raise Exception", "Exception"),
        ("return render(context, post)", "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_whatever_is_raised_is_a_failure_at_a_line(body: str, message: str) -> None:
    found = failure(f"def render(context, post):\n    {body}\n")
    assert (found.message, found.line) == (message, 2)


def test_an_error_that_can_not_be_printed_is_still_told() -> None:
    found = failure("""
class Bad(Exception):
    def __str__(self): raise ValueError
def render(context, post):
    raise Bad
""")
    assert (found.message, found.line) == ("Bad", 5)


def test_an_error_while_the_script_is_loaded_is_told() -> None:
    found = failure("x = 1\ny = 1 / 0\ndef render(context, post): ...\n")
    assert (found.message, found.line) == ("ZeroDivisionError: division by zero", 2)


def test_a_script_that_is_no_python_is_told() -> None:
    found = failure("x = 1\ndef render(context, post) return\n")
    assert (found.message, found.line) == ("SyntaxError: expected ':'", 2)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("None", "the result is a value of type NoneType, not a dict"),
        ("'text'", "the result is a value of type str, not a dict"),
        ("{}", "the result has no `html`"),
        ("{'html': 3}", "`html` is a value of type int, not text"),
        ("{'html': b'x'}", "`html` is a value of type bytes, not text"),
        ("{'html': '\\ud800'}", "`html` has half a surrogate pair in it"),
        (f"{{'html': 'x' * {MAX_HTML + 1}}}", "`html` is larger than 8 MB"),
    ],
)
def test_a_wrong_result_is_told_with_what_to_do(result: str, message: str) -> None:
    found = failure(f"def render(context, post):\n    return {result}\n")
    assert found.message == message
    assert found.traceback


@pytest.mark.parametrize("source", ["", "render = 1", "class Other: ..."])
def test_a_missing_entry_point_is_told(source: str) -> None:
    assert failure(source).message == "there is no function `render`"


def test_a_script_that_waits_too_long_is_told_where() -> None:
    found = failure("import asyncio\nasync def render(context, post):\n    await asyncio.sleep(1000)\n", time_s=0.01)
    assert (found.message, found.line) == ("it took longer than 0.01 s", 3)
    assert 'File "scripts/x.py", line 3, in render' in found.traceback


def test_a_time_out_of_the_scripts_own_is_its_own() -> None:
    found = failure("""import asyncio
async def render(context, post):
    async with asyncio.timeout(0):
        await asyncio.sleep(1000)
""")
    assert found.message == "TimeoutError"


@given(text=st.text(st.characters()) | st.text(st.characters(categories=["Cs"])))
def test_an_answer_can_be_sent_whatever_text_the_script_makes(text: str) -> None:
    source = f"def render(context, post):\n    post.get({text!r})\n    raise ValueError({text!r})\n"
    answer = perform(request(source, POST), 10)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=Answer) == answer
    assert answer.failure is not None
    assert answer.failure.message.startswith("ValueError")


def test_a_long_message_is_shortened() -> None:
    found = failure("def render(context, post):\n    raise ValueError('x' * 1_000_000)\n")
    assert len(found.message) < 5_000
    assert len(found.traceback) < 5_000
