"""The command line: arguments in, one run of the engine, an exit code out.

Start-up is quick because everything heavy is imported where it is used: a mistyped option, `--help` and `--version`
load click alone. Exit codes are those of `exits`. Everything a run prints goes through its reporter; only refusals,
which take the place of a run, are printed here, on stderr.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack

import click

from blogd.daemon.exits import OUTPUT_CLOSED, RefusalError, StopRequest, stop_signals
from blogd.daemon.starter_blog import write_starter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from blogd.daemon.exits import ExitCode
    from blogd.daemon.options import Mode, Options
    from blogd.daemon.reporter import Reporter

    Engine = Callable[[Options, Reporter], ExitCode]

MOST_WORKERS = 1024
_FIRST_STEPS = """\b
To begin:
  blogd init my-blog
  blogd watch my-blog
"""

Command = TypeVar("Command", bound="Callable[..., int]")


class _Arguments(TypedDict):
    site: Path
    out: Path | None
    workers: int | None
    drafts: bool
    clean: bool
    json: bool
    quiet: bool
    verbose: bool


class _WatchArguments(_Arguments):
    poll: bool


class _VerifyArguments(TypedDict):
    site: Path
    out: Path | None
    workers: int | None
    json: bool
    quiet: bool


def _workers(_context: click.Context, _parameter: click.Parameter, value: str) -> int | None:
    """Read a number of processes, or `auto`, which is None."""
    if value == "auto":
        return None
    if value.isascii() and value.isdecimal() and 1 <= int(value) <= MOST_WORKERS:
        return int(value)
    raise click.BadParameter(f"{value!r} is neither 'auto' nor a number from 1 to {MOST_WORKERS}")


_FOLDER = click.Path(path_type=Path)
_SITE = click.argument("site", type=_FOLDER, default=Path())
_OUT = click.option("--out", type=_FOLDER, metavar="DIR", help="The output folder.  [default: SITE/html]")
_JSON = click.option("--json", is_flag=True, help="Print one JSON object a line, for programs.")
_QUIET = click.option("--quiet", is_flag=True, help="Print errors only.")
_WORKERS = click.option(
    "--workers",
    default="auto",
    show_default=True,
    metavar="N|auto",
    callback=_workers,
    help="Processes that render.",
)


def _site_command(command: Command) -> Command:
    """Give a command the arguments that all builds share."""
    for parameter in (
        click.option("--verbose", is_flag=True, help="Say why pages are rendered, and show every finding."),
        _QUIET,
        _JSON,
        click.option("--clean", is_flag=True, help="Forget the cache first: everything is rendered."),
        click.option("--drafts", is_flag=True, help="Render drafts too."),
        _WORKERS,
        _OUT,
        _SITE,
    ):
        command = parameter(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=_FIRST_STEPS)
@click.version_option(package_name="blogd", message="%(prog)s %(version)s")
def blogd() -> None:
    """Render a blog of Markdown posts, in parallel, and after a change only what depends on it.

    SITE is a folder with posts/ in it; by default, the one you are in.
    """


@blogd.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> int:
    """Write a starter blog into DIR.

    DIR is a folder that is new or empty. The posts of the blog tell how it is made.
    """
    count = len(write_starter(folder))
    click.echo(f"wrote a starter blog of {count} files to {folder}; next: blogd watch {folder}")
    return 0


@blogd.command()
@_site_command
@click.pass_obj
def build(engine: Engine, **given: Unpack[_Arguments]) -> int:
    """Render what has changed in SITE into the output folder.

    Exits with 0 when all went well, 1 when something failed and the rest is built, 2 when SITE is no project.
    """
    return _run(engine, "build", given, poll=False)


@blogd.command()
@_site_command
@click.option("--poll", is_flag=True, help="Look for changes by the clock, where the system sends no events.")
@click.pass_obj
def watch(engine: Engine, **given: Unpack[_WatchArguments]) -> int:
    """Build SITE, then render what each change asks for, until Ctrl-C."""
    return _run(engine, "watch", given, poll=given["poll"])


@blogd.command(short_help="Say what a page reads, and why it was last rendered.")
@click.argument("page")
@_SITE
@_OUT
@_JSON
def why(page: str, site: Path, out: Path | None, json: bool) -> int:  # noqa: FBT001 - click's way
    """Say what a page is made of, what it reads, and why it was last rendered.

    PAGE is a URL of SITE, or a file of its output.
    """
    from blogd.daemon.options import Options, checked  # noqa: PLC0415 - brings msgspec
    from blogd.daemon.why import run_why  # noqa: PLC0415 - brings all that renders

    try:
        click.echo(run_why(checked(Options(mode="build", site=site, out=out)), page, as_json=json))
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return OUTPUT_CLOSED
    return 0


@blogd.command()
@_SITE
@_OUT
@_WORKERS
@_JSON
@_QUIET
@click.pass_obj
def verify(engine: Engine, **given: Unpack[_VerifyArguments]) -> int:
    """Compare the output of SITE with a clean build.

    Exits with 0 when they are the same, 1 when a file differs, is missing or should not be there.
    """
    return _run(engine, "verify", {**given, "drafts": False, "clean": False, "verbose": False}, poll=False)


def run(arguments: Sequence[str], engine: Engine | None = None) -> int:
    """Carry out a command line; give the exit code."""
    _open_standard_streams()
    try:
        code: object = blogd.main(list(arguments), "blogd", standalone_mode=False, obj=engine or _engine)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except RefusalError as refusal:
        hint = f"\nhint: {refusal.hint}" if refusal.hint else ""
        click.echo(f"blogd: {refusal.message}{hint}", err=True)
        return 2
    except click.Abort:
        return 128 + signal.SIGINT
    return code if isinstance(code, int) else 0


def _run(engine: Engine, mode: Mode, given: _Arguments, *, poll: bool) -> int:
    from blogd.daemon.options import Options, checked  # noqa: PLC0415 - brings msgspec

    if given["quiet"] and (given["json"] or given["verbose"]):
        raise click.UsageError("--quiet goes neither with --json nor with --verbose")
    options = Options(
        mode=mode,
        site=given["site"],
        out=given["out"],
        workers=given["workers"],
        drafts=given["drafts"],
        clean=given["clean"],
        verbose=given["verbose"],
        poll=poll,
    )
    return _reported(engine, checked(options), _reporter(given))


def _reported(engine: Engine, options: Options, reporter: Reporter) -> int:
    """Run the engine; a signal or a closed output ends it, and says so in the exit code."""
    from blogd.daemon.events import Stopped  # noqa: PLC0415 - brings msgspec
    from blogd.daemon.reporter import OutputClosedError  # noqa: PLC0415 - brings msgspec

    try:
        with stop_signals():
            return engine(options, reporter)
    except KeyboardInterrupt as stop:
        number = stop.signal if isinstance(stop, StopRequest) else signal.SIGINT
        with suppress(OutputClosedError):
            reporter.emit(Stopped(signal=number.name))
        return 128 + number
    except OutputClosedError:
        _discard_output()
        return OUTPUT_CLOSED
    finally:
        reporter.close()


def _reporter(given: _Arguments) -> Reporter:
    """Choose who prints: for machines, for silence, for a terminal, for a pipe."""
    from blogd.daemon.reporter import JsonReporter, PlainReporter, QuietReporter  # noqa: PLC0415 - brings msgspec

    if given["json"]:
        return JsonReporter(sys.stdout.buffer, sys.stderr)
    if given["quiet"]:
        return QuietReporter(sys.stderr)
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return PlainReporter(sys.stdout, verbose=given["verbose"])
    from rich.console import Console  # noqa: PLC0415 - slow to load; terminals alone need it

    from blogd.daemon.console import RichReporter  # noqa: PLC0415 - so is what draws on it

    console = Console(force_terminal=True, force_interactive=True, highlight=False, markup=False, emoji=False)
    return RichReporter(console, verbose=given["verbose"])


def _engine(options: Options, reporter: Reporter) -> ExitCode:
    if options.mode == "verify":
        from blogd.daemon.verify import run_verify  # noqa: PLC0415 - brings all that renders

        return run_verify(options, reporter)
    from blogd.daemon.session import run_build, run_watch  # noqa: PLC0415 - brings the database and the engine

    return run_watch(options, reporter) if options.mode == "watch" else run_build(options, reporter)


def _open_standard_streams() -> None:
    """Put something in the place of closed standard streams, lest a file of ours gets their numbers."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name may hold what the locale's encoding doesn't


def _discard_output() -> None:
    """Let what is still in stdout's buffer go nowhere when Python flushes it at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(null, sys.stdout.fileno())
    os.close(null)
