"""One call of a Python macro, made in the macro process: the script executed anew, its entry point called.

*What the script saw.* `post` and `context["env"]` are dicts that note which of their keys are asked for; the answer
says which. A result holds for every call with the same answers to the same questions. Whatever takes a dict as a whole
(`items`, `==`, `json.dumps`, a copy) asks for all keys; whatever wants the keys alone (`in`, `len`, a loop) is told
apart from that. Not noticed: C code that goes round a dict's methods, as msgspec and orjson do (pass them
`dict(post)`), and what comes from elsewhere: the clock, chance, files, the network. Macros are meant to be functions.

*A fresh namespace.* Each call executes the script as a new module, so that no variable outlives the call and results
don't depend on the order of calls. Other modules that the script imports are shared, as modules are.

*Failures* of all kinds, short of the end of the process, are part of the answer.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import linecache
import sys
import time
import traceback
from types import CodeType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Final, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

Seen = tuple[str | None, ...]
"""Keys asked for, in order; None stands for the question which keys there are."""

MAX_HTML: Final = 8 << 20
MAX_TEXT: Final = 4_000
_MODULE = "__macro__"


class Request(msgspec.Struct, frozen=True, array_like=True):
    """A call; its answer has the same number. `path` is the script's, as tracebacks show it."""

    number: int
    path: str
    source: str
    entrypoint: str
    params: dict[str, str]
    env: dict[str, object]
    post: dict[str, object] | None


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """How a call failed: the error in one line, the script's innermost line (0: none), and the script's traceback."""

    message: str
    line: int = 0
    traceback: str = ""


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What a call came to. `last`: the process ends after it."""

    number: int
    html: str
    env: Seen
    post: Seen
    failure: Failure | None = None
    last: bool = False


class UnusableError(Exception):
    """A script broke the contract without an exception of its own; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class TimeLimitError(Exception):
    """An asynchronous script was still waiting when its time was up."""


class Recording(dict[str, object]):
    """A dict that notes what is asked of it."""

    __slots__ = ("_all", "_seen")

    def __init__(self, values: dict[str, object]) -> None:
        super().__init__(values)
        self._all = frozenset(values)
        self._seen: set[str | None] = set()

    def __reduce__(self) -> tuple[type, tuple[dict[str, object]]]:
        """Be a plain dict in copies."""
        return dict, (dict(self),)

    def seen(self) -> Seen:
        """Tell what was asked for."""
        return tuple(sorted(self._seen, key=lambda key: (key is not None, key or "")))

    def note_keys(self, *_: object) -> None:
        """Note that it matters which keys there are."""
        self._seen.add(None)

    def note_all(self, *_: object) -> None:
        """Note that everything matters."""
        self._seen.update(self._all, (None,))

    def note_key(self, key: object, *_: object) -> None:
        """Note that the value of a key matters, also if there is none."""
        if type(key) is str:
            self._seen.add(_encodable(key))
        else:
            self.note_all()


def _noting(name: str, note: Callable[..., None]) -> None:
    method = getattr(dict, name)

    @functools.wraps(method)
    def noting(self: Recording, *args: object) -> object:
        note(self, *args)
        return method(self, *args)

    setattr(Recording, name, noting)


for _name in ("__getitem__", "__contains__", "__delitem__", "get", "pop", "setdefault"):
    _noting(_name, Recording.note_key)
for _name in ("__iter__", "__len__", "__reversed__", "keys"):
    _noting(_name, Recording.note_keys)
for _name in ("__eq__", "__ne__", "__or__", "__ror__", "__repr__", "copy", "items", "popitem", "values"):
    _noting(_name, Recording.note_all)


def perform(request: Request, time_s: float) -> Answer:
    """Make one call; whatever the script does, short of ending the process, becomes part of the answer.

    A script that waits asynchronously is stopped after `time_s`; any other is not stopped here.
    """
    due = time.monotonic() + time_s
    env = Recording(request.env)
    post = None if request.post is None else Recording(request.post)
    html, failure, last = "", None, False
    try:
        with _fresh_module(request) as module:
            result = _find(module, request.entrypoint)({"env": env, "params": request.params}, post)
            html = _html(_wait_for(result, due) if inspect.isawaitable(result) else result)
    except BaseException as error:  # noqa: BLE001 - SystemExit and the like are the script's, too
        failure = _describe(error, request, time_s)
        last = isinstance(error, MemoryError | TimeLimitError)
    return Answer(request.number, html, env.seen(), post.seen() if post is not None else (), failure, last)


@contextlib.contextmanager
def _fresh_module(request: Request) -> Generator[ModuleType]:
    module = ModuleType(_MODULE)
    module.__file__ = request.path
    sys.modules[_MODULE] = module
    source = request.source
    linecache.cache[request.path] = len(source), None, source.splitlines(keepends=True), request.path
    try:
        exec(_compile(request.path, source), module.__dict__)  # noqa: S102 - this is what it's for
        yield module
    finally:
        sys.modules.pop(_MODULE, None)


@functools.lru_cache(maxsize=64)
def _compile(path: str, source: str) -> CodeType:
    return compile(source, path, "exec", dont_inherit=True)


def _find(module: ModuleType, name: str) -> Callable[[dict[str, object], Recording | None], object]:
    entrypoint = getattr(module, name, None)
    if callable(entrypoint):
        return cast("Callable[[dict[str, object], Recording | None], object]", entrypoint)
    raise UnusableError(f"there is no function `{name}`", "define it, or set `entrypoint` in the front matter")


def _wait_for(result: Awaitable[object], due: float) -> object:
    import asyncio  # noqa: PLC0415 - takes longer to import than most macros to run

    async def wait() -> object:
        timeout = asyncio.timeout_at(due)
        try:
            async with timeout:
                return await result
        except TimeoutError as error:
            if not timeout.expired():
                raise
            trace = error.__cause__.__traceback__ if error.__cause__ else None
            raise TimeLimitError().with_traceback(trace) from None

    return asyncio.run(wait())


def _html(result: object) -> str:
    hint = 'return {"html": "…"}'
    if not isinstance(result, dict):
        raise UnusableError(f"the result is a value of type {type(result).__name__}, not a dict", hint)
    html = cast("dict[object, object]", result).get("html")
    if html is None:
        raise UnusableError("the result has no `html`", hint)
    if not isinstance(html, str):
        raise UnusableError(f"`html` is a value of type {type(html).__name__}, not text", hint)
    try:
        size = len(str.encode(html))
    except UnicodeEncodeError as error:
        raise UnusableError("`html` has half a surrogate pair in it", "decode bytes with their own encoding") from error
    if size > MAX_HTML:
        raise UnusableError(f"`html` is larger than {MAX_HTML >> 20} MB", "write a file and link to it")
    return str.__str__(html)


def _describe(error: BaseException, request: Request, time_s: float) -> Failure:
    """Tell of an error, without the frames of this module."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != request.path:
        trace = trace.tb_next
    lines = [line for frame, line in traceback.walk_tb(trace) if frame.f_code.co_filename == request.path]
    if isinstance(error, SyntaxError) and error.filename == request.path:
        lines.append(error.lineno or 0)
    try:
        message, text = _texts(error, trace, time_s)
    except Exception:  # noqa: BLE001 - an error that can't be printed
        message, text = type(error).__name__, ""
    return Failure(shorten(message), lines[-1] if lines else 0, shorten(text))


def _texts(error: BaseException, trace: TracebackType | None, time_s: float) -> tuple[str, str]:
    """Give an error in one line, and its traceback or what to do."""
    if isinstance(error, UnusableError):
        return str(error), error.hint
    text = "".join(traceback.format_exception(type(error), error, trace))
    if isinstance(error, TimeLimitError):
        return f"it took longer than {time_s:g} s", "".join(traceback.format_tb(trace))
    first = next(iter((error.msg if isinstance(error, SyntaxError) else str(error)).splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__, text


def shorten(text: str) -> str:
    """Leave out the middle of a long text, and what can't be encoded."""
    short = text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT // 2]}\n…\n{text[-MAX_TEXT // 2 :]}"
    return _encodable(short)


def _encodable(text: str) -> str:
    """Escape halves of surrogate pairs; no key or value of a request has any."""
    return text.encode(errors="backslashreplace").decode()
