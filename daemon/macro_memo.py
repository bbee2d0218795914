"""Results of Python macros, kept by what the macros read.

A macro's result depends on its script, its parameters and the answers to what it asked of `post` and `env` (see
`macro_call`). So a result is kept with the *questions* that led to it, under a digest of their answers. To look a call
up is to put to it the questions that calls of the same script with the same parameters have asked before: usually one
list of questions, more if the script branches. Five hundred posts with a macro that never looks at its post have one
result; a macro that shows a title has one for each title.

Only what a new call would give again is kept: no time-outs, no crashes. Errors are kept as long as the memo lives but
not saved: the next run tries again. The oldest results go when there are too many.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from blogd.daemon.macro_call import Seen
from blogd.render.diagnostic import Diagnostic
from blogd.render.template_source import Script

if TYPE_CHECKING:
    from collections.abc import Iterator

_STAMP: Final = f"1 {sys.version}"
_OVERHEAD = 512


class MacroCall(msgspec.Struct, frozen=True, eq=False):
    """A call to be made, equal to itself alone.

    `post` may be a mapping that looks values up when they are asked for: results that are known need few of them.
    """

    script: Script
    params: Mapping[str, str]
    env: Mapping[str, object]
    post: Mapping[str, object] | None


class MacroResult(msgspec.Struct, frozen=True):
    """What a call came to; `html` is '' if it failed."""

    html: str
    diagnostics: tuple[Diagnostic, ...] = ()
    failed: bool = False


class Questions(msgspec.Struct, frozen=True, array_like=True):
    """What a call asked of its environment and its post."""

    env: Seen = ()
    post: Seen = ()


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    base: bytes
    questions: Questions
    result: MacroResult


class _Saved(msgspec.Struct, array_like=True):
    stamp: str
    entries: dict[bytes, _Entry]


class MacroMemo:
    """Known results. `changed` tells whether there are new ones since it was last set to False."""

    def __init__(self, max_bytes: int = 32 << 20) -> None:
        self.changed = False
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: dict[bytes, _Entry] = {}
        self._asked: dict[bytes, dict[Questions, int]] = {}

    @classmethod
    def load(cls, saved: bytes, max_bytes: int = 32 << 20) -> MacroMemo:
        """Take what `dump` gave; nothing, if that was another version's or is damaged."""
        memo = cls(max_bytes)
        try:
            content = msgspec.msgpack.decode(saved, type=_Saved)
        except msgspec.DecodeError:
            return memo
        for key, entry in content.entries.items() if content.stamp == _STAMP else ():
            memo._add(key, entry)
        return memo

    def dump(self) -> bytes:
        """Give all results but errors as bytes that `load` takes."""
        entries = {key: entry for key, entry in self._entries.items() if not entry.result.failed}
        return msgspec.msgpack.encode(_Saved(_STAMP, entries))

    def find(self, call: MacroCall) -> MacroResult | None:
        """Look up the result of a call."""
        base = _base(call)
        for questions in self._asked.get(base, ()):
            key = _key(base, questions, call)
            if key in self._entries:
                self._entries[key] = self._entries.pop(key)  # now the youngest
                return self._entries[key].result
        return None

    def keep(self, call: MacroCall, questions: Questions, result: MacroResult) -> None:
        """Take in the result of a call that asked these questions."""
        base = _base(call)
        self._add(_key(base, questions, call), _Entry(base, questions, result))
        self.changed = self.changed or not result.failed

    def _add(self, key: bytes, entry: _Entry) -> None:
        if key in self._entries:
            self._drop(key)
        self._entries[key] = entry
        self._bytes += _size(entry)
        asked = self._asked.setdefault(entry.base, {})
        asked[entry.questions] = asked.get(entry.questions, 0) + 1
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key)
        self._bytes -= _size(entry)
        asked = self._asked[entry.base]
        asked[entry.questions] -= 1
        if not asked[entry.questions]:
            del asked[entry.questions]
        if not asked:
            del self._asked[entry.base]


def _size(entry: _Entry) -> int:
    texts = sum(len(finding.message) + len(finding.hint) for finding in entry.result.diagnostics)
    return _OVERHEAD + len(entry.result.html) + texts


def _base(call: MacroCall) -> bytes:
    """Digest what every result depends on; that there is no post is part of it."""
    return _digest(call.script, sorted(call.params.items()), call.post is None)


def _key(base: bytes, questions: Questions, call: MacroCall) -> bytes:
    post: Mapping[str, object] = {} if call.post is None else call.post
    answers = *_answers(questions.env, call.env), *_answers(questions.post, post)
    return _digest(base, questions, answers)


def _answers(seen: Seen, values: Mapping[str, object]) -> Iterator[list[object]]:
    """Give the answer to each question: the keys, a value, or nothing where there is none."""
    for key in seen:
        yield list(values) if key is None else [values[key]] if key in values else []


def _digest(*values: object) -> bytes:
    return hashlib.blake2b(msgspec.msgpack.encode(values, order="deterministic"), digest_size=16).digest()
