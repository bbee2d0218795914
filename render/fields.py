"""Typed answers from a block of keys: text, flags, lists, dates, languages.

A key may have aliases; they count where the key itself is absent or null. A value that can't be what its key wants is
told and taken for absent: nothing here raises.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from blogd.render.instants import parse_instant
from blogd.render.source import Findings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from blogd.render.source import Source
    from blogd.render.yamltree import Field

T = TypeVar("T")

_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_LANGUAGE = re.compile(r"[a-z]{1,8}(?:-[a-z0-9]{1,8})*", re.ASCII)


def parse_language(text: str) -> str | None:
    """Bring a language code into the one form used inside (`zh_TW` → `zh-tw`); None for what can't be one (BCP 47)."""
    code = text.strip().replace("_", "-").lower()
    return code if _LANGUAGE.fullmatch(code) and len(code) <= 35 else None


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


class Fields:
    """The keys of one file, and what was found wrong with them so far."""

    def __init__(self, source: Source, fields: Mapping[str, Field]) -> None:
        self.source = source
        self.fields = fields
        self.findings = Findings(source)

    def line(self, *keys: str) -> int:
        """Tell on which line the first of these keys stands; the block's first when none does."""
        field = self._find(keys)
        return self.source.first_line if field is None else field[1].line

    def place(self, key: str) -> tuple[int, int]:
        """Tell on which line and in which column a key stands; zeros when it doesn't."""
        field = self.fields.get(key)
        return (0, 0) if field is None else (field.line, field.column)

    def text(self, *keys: str) -> str | None:
        """Return a text without surrounding white space; None when it is absent or empty."""
        for key in keys:
            field = self.fields.get(key)
            if field is not None and field.value is not None:
                if isinstance(field.value, str):
                    return field.value.strip() or None
                self.warn(field, f"`{key}` is not a text", f"write `{key}: value`, all on one line")
                break
        return None

    def flag(self, *keys: str) -> bool | None:
        """Return a truth value, as YAML 1.1 writes them or quoted; None when it is absent."""
        found = self._find(keys)
        if found is None:
            return None
        key, field = found
        flag = _FLAGS.get(field.value.strip().lower()) if isinstance(field.value, str) else None
        if flag is None:
            self.warn(field, f"`{key}` is neither true nor false", "write `true` or `false`")
        return flag

    def texts(self, *keys: str) -> tuple[str, ...]:
        """Return a list of texts: trimmed, without empty ones, each once, in order. One text is a list of one."""
        found = self._find(keys)
        if found is None:
            return ()
        key, field = found
        items = field.value if isinstance(field.value, tuple) else (field.value,)
        if not all(item is None or isinstance(item, str) for item in items):
            self.warn(field, f"`{key}` is not a list of texts", f"write `{key}: [one, two]`")
        texts = (item.strip() for item in items if isinstance(item, str))
        return tuple(dict.fromkeys(text for text in texts if text))

    def number(self, key: str) -> int:
        """Return a whole number from 0; 0 when it is absent."""
        return self._parse((key,), _whole_number, "a whole number", "write it in digits") or 0

    def language(self, *keys: str) -> str:
        """Return a language code; '' when it is absent."""
        return self._parse(keys, parse_language, "a language code", "write one like `en` or `zh-tw`") or ""

    def instant(self, zone: tzinfo, *keys: str) -> int | None:
        """Return a date as an instant; None when it is absent."""
        hint = "write `2024-01-31` or `2024-01-31T18:00:00Z`"
        return self._parse(keys, lambda text: parse_instant(text, zone), "a date", hint)

    def _parse(self, keys: tuple[str, ...], parse: Callable[[str], T | None], what: str, hint: str) -> T | None:
        text = self.text(*keys)
        if text is None:
            return None
        value = parse(text)
        if value is None:
            found = self._find(keys)
            assert found is not None
            self.warn(found[1], f"`{text[:40]}` is not {what}", hint)
        return value

    def warn(self, field: Field, message: str, hint: str) -> None:
        """Note what is wrong with a key."""
        self.findings.warn(field.line, message, hint, column=field.column)

    def _find(self, keys: tuple[str, ...]) -> tuple[str, Field] | None:
        for key in keys:
            field = self.fields.get(key)
            if field is not None and field.value is not None:
                return key, field
        return None
