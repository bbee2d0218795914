"""The program `blogd`; a spawned worker imports this module again, so it does nothing by itself."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; Ctrl-C while modules are loading ends it without a traceback."""
    try:
        from blogd.daemon.cli import run  # noqa: PLC0415 the import is what may be interrupted

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
