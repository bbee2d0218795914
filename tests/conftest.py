"""What all tests share: deterministic Hypothesis runs, and outside material that tests may read but don't ship."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import hypothesis
import pytest

PROJECT = Path(__file__).resolve().parent.parent
SCRIPTS = PROJECT / "scripts"

sys.path.insert(0, str(SCRIPTS))  # `bench_lib`, as scripts/bench finds it

# A run in a shell's background ignores signals, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# `--hypothesis-profile=explore` draws new examples each time; a failure prints how to run it again.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("explore", deadline=None, print_blob=True, max_examples=1000)
hypothesis.settings.load_profile("same")


def _outside(path: Path, what: str) -> Path:
    """Return `path`; where it is absent, skip the test on a developer's machine, and fail it in CI."""
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{what} is missing: {path}")
        pytest.skip(f"{what} is not here: {path}")
    return path


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's root."""
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real blogs and conformance suites beside the project."""
    return _outside(PROJECT.parent / "shared", "the folder of real blogs and suites")


@pytest.fixture(scope="session")
def vnu_jar() -> Path:
    """The reference HTML checker, a jar that Java 17 runs; `VNU_JAR` says where it is."""
    jar = PROJECT / "build/tools/node_modules/vnu-jar/build/dist/vnu.jar"
    return _outside(Path(os.environ.get("VNU_JAR", jar)), "npm's vnu-jar")
