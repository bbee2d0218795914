"""Results of Python macros, kept by what the macros read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import pytest

from blogd.daemon.macro_memo import MacroCall, MacroMemo, MacroResult, Questions
from blogd.render.diagnostic import Diagnostic
from blogd.render.template_source import Script

SCRIPT = Script(path="scripts/x.py", slug="x", source="def render(context, post): ...")
TITLE = Questions(post=("title",))


def call(
    script: Script = SCRIPT,
    params: Mapping[str, str] | None = None,
    env: Mapping[str, object] | None = None,
    post: Mapping[str, object] | None = None,
) -> MacroCall:
    return MacroCall(script, params or {}, env or {"languagePrefix": ""}, post)


def post(**fields: object) -> dict[str, object]:
    return {"title": "Boats", "content": "…", **fields}


def html(text: str) -> MacroResult:
    return MacroResult(text)


def test_a_result_holds_where_the_answers_are_the_same() -> None:
    memo = MacroMemo()
    memo.keep(call(post=post()), TITLE, html("Boats!"))
    assert memo.find(call(post=post(content="other"))) == html("Boats!")
    assert memo.find(call(post=post(title="Ships"))) is None


@pytest.mark.parametrize(
    "other",
    [
        call(script=msgspec.structs.replace(SCRIPT, source=""), post=post()),
        call(script=msgspec.structs.replace(SCRIPT, path="scripts/y.py"), post=post()),
        call(script=msgspec.structs.replace(SCRIPT, entrypoint="show"), post=post()),
        call(params={"a": "1"}, post=post()),
        call(post=None),
    ],
)
def test_scripts_parameters_and_a_missing_post_always_matter(other: MacroCall) -> None:
    memo = MacroMemo()
    memo.keep(call(post=post()), Questions(), html("x"))
    assert memo.find(call(post=post(title="Ships"))) == html("x")
    assert memo.find(other) is None


def test_the_order_of_parameters_does_not_matter() -> None:
    memo = MacroMemo()
    memo.keep(call(params={"a": "1", "b": "2"}), Questions(), html("x"))
    assert memo.find(call(params={"b": "2", "a": "1"})) == html("x")


def test_the_environment_matters_where_it_was_asked_for() -> None:
    memo = MacroMemo()
    memo.keep(call(env={"languagePrefix": "/de", "source": "a"}), Questions(env=("languagePrefix",)), html("x"))
    assert memo.find(call(env={"languagePrefix": "/de", "source": "b"})) == html("x")
    assert memo.find(call(env={"languagePrefix": "/fr", "source": "a"})) is None


def test_a_key_that_was_missed_is_an_answer() -> None:
    memo = MacroMemo()
    memo.keep(call(post=post()), Questions(post=("mood",)), html("x"))
    assert memo.find(call(post=post())) == html("x")
    assert memo.find(call(post=post(mood=None))) is None


def test_which_keys_there_are_is_an_answer() -> None:
    memo = MacroMemo()
    memo.keep(call(post=post()), Questions(post=(None,)), html("x"))
    assert memo.find(call(post=post(title="Ships"))) == html("x")
    assert memo.find(call(post=post(mood=None))) is None


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), ("1", 1), ([], ""), (None, "")])
def test_values_of_different_types_are_different_answers(one: object, other: object) -> None:
    memo = MacroMemo()
    memo.keep(call(post=post(title=one)), TITLE, html("x"))
    assert memo.find(call(post=post(title=other))) is None


def test_calls_may_ask_different_questions() -> None:
    memo = MacroMemo()
    memo.keep(call(post=post(title="A")), TITLE, html("A"))
    memo.keep(call(post=post(title="B")), Questions(post=("title", "content")), html("B"))
    assert memo.find(call(post=post(title="A", content="other"))) == html("A")
    assert memo.find(call(post=post(title="B"))) == html("B")
    assert memo.find(call(post=post(title="B", content="other"))) is None


def test_only_what_is_asked_for_is_looked_up() -> None:
    class Lazy(Mapping[str, object]):
        def __getitem__(self, key: str) -> object:
            assert key == "title"
            return "Boats"

        def __contains__(self, key: object) -> bool:
            return key in {"title", "content"}

        def __iter__(self) -> Iterator[str]:
            raise AssertionError

        def __len__(self) -> int:
            raise AssertionError

    memo = MacroMemo()
    memo.keep(call(post=post()), TITLE, html("x"))
    assert memo.find(call(post=Lazy())) == html("x")


def test_results_outlive_the_memo_but_errors_do_not() -> None:
    memo = MacroMemo()
    finding = Diagnostic(severity="warning", path="scripts/x.py", line=1, message="it printed 1 line")
    kept = MacroResult("x", (finding,))
    memo.keep(call(post=post()), TITLE, kept)
    memo.keep(call(post=post(title="Ships")), TITLE, MacroResult("", failed=True))
    loaded = MacroMemo.load(memo.dump())
    assert memo.find(call(post=post(title="Ships"))) == MacroResult("", failed=True)
    assert loaded.find(call(post=post(title="Ships"))) is None
    assert loaded.find(call(post=post())) == kept


def test_only_new_results_that_last_are_a_change() -> None:
    memo = MacroMemo()
    changes: list[bool] = []
    for result in (MacroResult("", failed=True), html("x")):
        memo.keep(call(params={"a": result.html}), Questions(), result)
        changes.append(memo.changed)
    assert changes == [False, True]
    assert not MacroMemo.load(memo.dump()).changed


def test_what_can_not_be_read_is_forgotten() -> None:
    memo = MacroMemo()
    memo.keep(call(), Questions(), html("x"))
    saved = memo.dump()
    assert MacroMemo.load(saved).find(call()) == html("x")
    for bad in (b"", saved[:-1], saved.replace(b"1 3", b"0 3", 1), b"\xff" * 20, msgspec.msgpack.encode([1, 2])):
        assert MacroMemo.load(bad).find(call()) is None


def test_the_results_not_used_for_longest_go_first() -> None:
    memo = MacroMemo(max_bytes=10_000)
    calls = [call(post=post(title=str(number))) for number in range(4)]
    for number, made in enumerate(calls[:3]):
        memo.keep(made, TITLE, html(str(number) * 2_500))
    assert memo.find(calls[0])
    memo.keep(calls[3], TITLE, html("3" * 2_500))
    assert [memo.find(made) is not None for made in calls] == [True, False, True, True]


def test_nothing_grows_without_end() -> None:
    memo = MacroMemo(max_bytes=10_000)
    for number in range(1_000):
        memo.keep(call(params={"n": str(number)}, post=post()), TITLE, html("x" * 1_000))
    assert len(memo.dump()) < 20_000
