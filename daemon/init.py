"""Write the starter blog: a copy of the `starter` folder that comes with blogd, into a folder of its own."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from blogd.daemon.exits import RefusalError

if TYPE_CHECKING:
    from pathlib import Path


def write_starter(folder: Path) -> int:
    """Fill a new or empty folder with the starter blog; give the number of files.

    Raises RefusalError for a folder that holds something, or can't be written to.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise RefusalError(f"{folder}: not an empty folder", "name a folder that doesn't exist yet")
    try:
        with as_file(files("blogd.daemon") / "starter") as starter:
            ignored = shutil.ignore_patterns("__pycache__")  # of the starter's macros, made when blogd is installed
            shutil.copytree(starter, folder, ignore=ignored, copy_function=shutil.copyfile, dirs_exist_ok=True)
    except OSError as error:
        raise RefusalError(f"{folder}: {error.strerror or error}", "name a folder that you may write to") from error
    return sum(1 for path in folder.rglob("*") if path.is_file())
