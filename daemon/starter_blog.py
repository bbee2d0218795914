"""The starter blog: the files under `starter/`, which `blogd init` writes into a folder of its own.

They are copied byte for byte and nothing is filled in, so that one version of blogd writes the same blog everywhere.
What installers leave beside a `.py` file (`__pycache__`) is not part of it; permissions are the new folder's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from blogd.daemon.exits import RefusalError

SOURCE: Final = Path(__file__).with_name("starter")
_LEFT_ALONE: Final = {".git"}


def write_starter(directory: Path) -> list[str]:
    """Fill a new or empty folder with the starter blog; give the paths of its files, sorted.

    A fresh git repository counts as empty. Raises RefusalError for a folder that holds something else, and for one
    that can't be written.
    """
    try:
        if directory.exists() and {path.name for path in directory.iterdir()} - _LEFT_ALONE:
            raise RefusalError(f"{directory}: not an empty folder", "name a folder that doesn't exist yet")
        for name in starter_files():
            _write(directory / name, (SOURCE / name).read_bytes())
    except OSError as error:
        hint = "name a folder that doesn't exist yet, where you may write"
        raise RefusalError(f"{directory}: {(error.strerror or str(error)).lower()}", hint) from error
    return starter_files()


def starter_files() -> list[str]:
    """Give the paths of the starter blog's files, relative to it, sorted."""
    files = (path.relative_to(SOURCE) for path in SOURCE.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in files if "__pycache__" not in path.parts)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
