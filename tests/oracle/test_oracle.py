"""The law that blogd is for: after any edits, the output is what a clean build would make."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from blogd.daemon.sources import Policy
from tests.oracle.edits import files_of
from tests.oracle.oracle import NOON, Later, Oracle
from tests.oracle.strategy import START, edits

if TYPE_CHECKING:
    from tests.oracle.edits import Edit

MEMORY: Final = Path("/dev/shm")
STEPS: Final = int(os.environ.get("BLOGD_ORACLE_STEPS", "2000"))
STEPS_OF_A_SITE: Final = 40


class Machine(RuleBasedStateMachine):
    """A site under edits."""

    def __init__(self) -> None:
        super().__init__()
        place = MEMORY if os.access(MEMORY, os.W_OK) else None
        self._folder = Path(tempfile.mkdtemp(prefix="blogd-oracle-", dir=place))
        self._oracle = Oracle(self._folder, START)

    def teardown(self) -> None:
        self._oracle.close()
        shutil.rmtree(self._folder)

    def _edits(self, data: st.DataObject, most: int = 4) -> list[Edit]:
        files = files_of(self._oracle.ground)
        return data.draw(st.lists(edits(files), min_size=1, max_size=most))

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        self._oracle.edit(self._edits(data))
        self._oracle.check()

    @rule(data=st.data())
    def edit_unseen(self, data: st.DataObject) -> None:
        self._oracle.edit_unseen(self._edits(data))
        self._oracle.check()

    @rule(data=st.data(), drafts=st.booleans())
    def edit_between_runs(self, data: st.DataObject, drafts: bool) -> None:
        self._oracle.edit_between_runs(self._edits(data), Policy(drafts))
        self._oracle.check()


TestOracle = Machine.TestCase
TestOracle.settings = hypothesis.settings(
    max_examples=max(1, STEPS // STEPS_OF_A_SITE),
    stateful_step_count=STEPS_OF_A_SITE,
    suppress_health_check=list(hypothesis.HealthCheck),
    deadline=None,
)
