"""How much memory a run's processes have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from blogd.daemon.memory import MemoryGauge, family

CHILD = "print(flush=True); input()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux")


@linux
def test_what_processes_start_belongs_to_them() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the child is there
        own, *started = family(os.getpid())
        parent, *children = family(process.pid)
        process.communicate("\n")

    assert (own, parent) == (os.getpid(), process.pid)
    assert len(children) == 1
    assert {parent, *children} <= {*started}
    assert not {parent, *children} & {*family(own)}


@linux
def test_the_peak_counts_them_and_stays() -> None:
    gauge = MemoryGauge()
    command = [sys.executable, "-c", "held = b'x' * 50_000_000; print(flush=True); input()"]
    gauge.measure()
    alone = gauge.peak
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert not gauge.measure()
        assert gauge.measure(now=True)
        process.communicate("\n")
    gauge.measure(now=True)

    assert alone > 0
    assert gauge.peak - alone > 50_000_000


def test_what_takes_less_than_a_moment_is_not_measured() -> None:
    gauge = MemoryGauge()
    gauge.rest()

    assert not gauge.measure()
    assert gauge.peak == 0
