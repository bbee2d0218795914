"""blogd's own templates and stylesheet, from the package."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from blogd.render.records import TemplateSource

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

SUFFIX = ".liquid"


@cache
def bundled_templates() -> dict[str, TemplateSource]:
    """Give the bundled templates by name."""
    return dict(_templates(_bundled(), ""))


@cache
def stylesheet_source() -> str:
    """Give the stylesheet of the bundled templates."""
    return _bundled().joinpath("blogd.css").read_text("utf-8")


def bundled_digest() -> str:
    """Give a digest of the bundled templates and their stylesheet."""
    texts = [stylesheet_source(), *(f"{name}\0{source.text}" for name, source in bundled_templates().items())]
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()


def _bundled() -> Traversable:
    return files("blogd.render").joinpath("bundled")


def _templates(folder: Traversable, prefix: str) -> list[tuple[str, TemplateSource]]:
    found: list[tuple[str, TemplateSource]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _templates(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(SUFFIX):
            name = prefix + entry.name.removesuffix(SUFFIX)
            path = f"(bundled)/{name}{SUFFIX}"
            found.append((name, TemplateSource(name=name, path=path, text=entry.read_text("utf-8"), bundled=True)))
    return found
