"""The macro process, in the process of the test: nothing to wait for, nothing to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from blogd.daemon.macro_call import Request, perform
from blogd.daemon.macro_host import MacroHost
from blogd.daemon.macro_memo import MacroMemo

if TYPE_CHECKING:
    from pathlib import Path

MACRO_S: Final = 10.0


class _Process:
    def __init__(self) -> None:
        self._answers: list[bytes] = []

    def handles(self) -> list[int]:
        return []

    def send(self, message: bytes) -> None:
        answer = perform(msgspec.msgpack.decode(message, type=Request), MACRO_S)
        self._answers.append(msgspec.msgpack.encode(answer))

    def receive(self) -> bytes | None:
        return self._answers.pop() if self._answers else None

    def output(self) -> str:
        return ""

    def end(self) -> int:
        return 0


def host_here(_: Path, memo: MacroMemo | None = None) -> MacroHost:
    """Stand in for `MacroHost.of`."""
    return MacroHost(_Process, memo or MacroMemo())
