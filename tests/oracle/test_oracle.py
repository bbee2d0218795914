"""The law that blogd is for: after any edits, the output is what a clean build would make.

`BLOGD_ORACLE_STEPS` says how many steps are taken, 2,000 by default; these are the same each time. With
`--hypothesis-profile=explore` they are others each time.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from blogd.daemon.policy import Policy
from tests.oracle.oracle import NOON, Deed, Later, Oracle, workplace
from tests.oracle.strategy import START, edits

if TYPE_CHECKING:
    from pathlib import Path

    from tests.oracle.edits import Edit

STEPS: Final = int(os.environ.get("BLOGD_ORACLE_STEPS", "2000"))
MOST_STEPS_OF_A_SITE: Final = 40
SITES: Final = 4 + STEPS // 32  # some sites take fewer steps than most
HOUR: Final = 3600
TIMES: Final = (NOON, NOON + HOUR, NOON + 24 * HOUR, NOON + 365 * 24 * HOUR)


def _overwrite(path: Path) -> None:
    path.write_bytes(b"not blogd's")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _delete(path: Path) -> None:
    path.unlink()


DEEDS: Final[tuple[Deed, ...]] = (_overwrite, _empty, _delete)


class Machine(RuleBasedStateMachine):
    """A site under edits."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self._folder = workplace()

    @initialize(is_compiled=st.booleans())
    def start(self, *, is_compiled: bool) -> None:
        self._oracle = Oracle(self._folder, START, is_compiled=is_compiled)
        self._oracle.check()

    def teardown(self) -> None:
        self._oracle.close()
        shutil.rmtree(self._folder)

    def _edits(self, data: st.DataObject, most: int = 3) -> list[Edit]:
        return data.draw(st.lists(edits(self._oracle.files()), min_size=1, max_size=most))

    def _check(self) -> None:
        self._oracle.check()
        Machine.steps += 1

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        self._oracle.edit(self._edits(data))
        self._check()

    @rule(data=st.data())
    def edit_unseen(self, data: st.DataObject) -> None:
        self._oracle.edit_unseen(self._edits(data))
        self._check()

    @rule(data=st.data(), policy=st.builds(Policy, drafts=st.booleans(), keeps_last_good=st.booleans()))
    def edit_between_runs(self, data: st.DataObject, policy: Policy) -> None:
        self._oracle.edit_between_runs(self._edits(data), policy)
        self._check()

    @rule(data=st.data(), times=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6)), min_size=1, max_size=3))
    def edit_in_work(self, data: st.DataObject, times: list[tuple[int, int]]) -> None:
        later = [Later(self._edits(data, 2), after, delay) for after, delay in times]
        self._oracle.edit_in_work(self._edits(data), later)
        self._check()

    @rule(data=st.data(), steps=st.integers(0, 15), after=st.integers(0, 12), delay=st.integers(0, 6))
    def kill(self, data: st.DataObject, steps: int, after: int, delay: int) -> None:
        later = [Later(self._edits(data, 2), after, delay)]
        self._oracle.edit_in_work(self._edits(data), later, steps)
        self._check()

    @rule(now=st.sampled_from(TIMES))
    def set_clock(self, now: int) -> None:
        self._oracle.set_clock(now)
        self._check()

    @rule(deed=st.sampled_from(DEEDS), number=st.integers(0, 60))
    def tamper(self, deed: Deed, number: int) -> None:
        self._oracle.tamper(deed, number)
        self._check()


@pytest.mark.timeout(STEPS)
def test_the_output_is_that_of_a_clean_build_whatever_is_edited_and_when() -> None:
    settings = hypothesis.settings(
        max_examples=SITES,
        stateful_step_count=MOST_STEPS_OF_A_SITE + 1,  # the first makes the site
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
    )
    run_state_machine_as_test(Machine, settings=settings)
    assert Machine.steps >= STEPS
