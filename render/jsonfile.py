"""A JSON file of settings, asked key by key: what is not as wanted is told and taken for absent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import msgspec

from blogd.render.source import BOM, Findings, decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blogd.render.diagnostic import SourceError
    from blogd.render.source import Source

_PROBLEM = re.compile(r"(?:JSON is malformed: )?(.*?)(?: \(byte (\d+)\))?", re.DOTALL)


class JsonFile:
    """A file's value, and what was found wrong with it so far. Raises SourceError for what is not JSON."""

    def __init__(self, path: str, data: bytes) -> None:
        self.source, warnings = decode(path, data.removeprefix(BOM))
        self.findings = Findings(self.source, warnings)
        try:
            self.value = cast("object", msgspec.json.decode(self.source.text.replace(r"\u0000", r"\ufffd")))
        except msgspec.DecodeError as error:
            raise _malformed(self.source, str(error)) from None
        except RecursionError:
            raise self.source.error(1, "this JSON is nested too deeply") from None

    def members(self) -> Mapping[str, object]:
        """Return the whole file as an object. Raises SourceError when it is none."""
        value = self.value
        if isinstance(value, dict):
            return cast("Mapping[str, object]", value)
        raise self.source.error(1, "this file is not a JSON object", "write `{…}`")

    def items(self) -> list[object]:
        """Return the whole file as a list. Raises SourceError when it is none."""
        value = self.value
        if isinstance(value, list):
            return cast("list[object]", value)
        raise self.source.error(1, "this file is not a JSON list", "write `[…]`")

    def table(self, parent: Mapping[str, object], key: str) -> Mapping[str, object]:
        """Return an object; an empty one when it is absent."""
        value = parent.get(key)
        if isinstance(value, dict):
            return cast("Mapping[str, object]", value)
        if value is not None:
            self.warn(key, f"`{key}` is not an object")
        return {}

    def text(self, parent: Mapping[str, object], key: str) -> str:
        """Return a text without surrounding white space; '' when it is absent."""
        value = parent.get(key)
        if isinstance(value, str):
            return value.strip()
        if value is not None:
            self.warn(key, f"`{key}` is not a text")
        return ""

    def texts(self, parent: Mapping[str, object], key: str) -> tuple[str, ...]:
        """Return a list of texts: trimmed, without empty ones, each once."""
        value = parent.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.warn(key, f"`{key}` is not a list")
            return ()
        return self.strings(key, cast("list[object]", value))

    def strings(self, key: str, items: list[object]) -> tuple[str, ...]:
        """Return the texts among some items, trimmed, without empty ones, each once."""
        if not all(isinstance(item, str) for item in items):
            self.warn(key, "not all items of the list are texts")
        texts = (item.strip() for item in items if isinstance(item, str))
        return tuple(dict.fromkeys(text for text in texts if text))

    def flag(self, parent: Mapping[str, object], key: str, *, default: bool) -> bool:
        """Return a truth value."""
        value = parent.get(key)
        if isinstance(value, bool):
            return value
        if value is not None:
            self.warn(key, f"`{key}` is neither true nor false")
        return default

    def number(self, parent: Mapping[str, object], key: str, *, default: int, most: int) -> int:
        """Return a whole number from 1 to `most`."""
        value = parent.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
            return value
        if value is not None:
            self.warn(key, f"`{key}` is not a whole number from 1 to {most}", f"{default} is used")
        return default

    def warn(self, key: str, message: str, hint: str = "") -> None:
        """Note what is wrong, at the place where the key (or a text) first stands."""
        if self.findings.is_full:
            return
        place = self.source.text.find(msgspec.json.encode(key).decode())
        line, column = position(self.source.text, place) if place >= 0 else (1, 1)
        self.findings.warn(line, message, hint, column=column)


def _malformed(source: Source, problem: str) -> SourceError:
    match = _PROBLEM.fullmatch(problem)
    assert match is not None
    text = (
        source.text if "truncated" in problem else source.text.encode()[: int(match[2] or 0)].decode(errors="replace")
    )
    line, column = position(text, len(text))
    return source.error(line, f"this is not JSON: {match[1][:1].lower()}{match[1][1:]}", column=column)


def position(text: str, index: int) -> tuple[int, int]:
    """Give the line and column of a character."""
    before = text[:index].replace("\r\n", " \n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")
