"""A place to work in, and oracles that are closed in the end."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.oracle.oracle import Oracle, workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.oracle.edits import Edit


@pytest.fixture
def oracle() -> Iterator[Callable[[Sequence[Edit]], Oracle]]:
    """Make a site by some edits, and an oracle that follows it; once in a test."""
    folder = workplace()
    opened: list[Oracle] = []

    def make(start: Sequence[Edit]) -> Oracle:
        opened.append(Oracle(folder, start))
        return opened[0]

    yield make
    for found in opened:
        with closing(found):
            pass
    shutil.rmtree(folder)
