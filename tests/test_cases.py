"""Every case of `tests/cases/`, built in all the ways in which a site comes to be what it is.

One output folder is kept by an engine that follows the edits, as a watch does; a second by a new engine for each step,
as builds do; and after each step a third is made from nothing. All three have to be the same, byte for byte, with the
same findings. Whatever has been built is built once more: nothing may be made then.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import pytest

from tests.case_format import CaseError, Section, Step, read_case, to_path, unescape
from tests.support import Builder, Ground, Outcome, build, builder

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES: Final = Path(__file__).parent / "cases"
PATHS: Final = sorted(CASES.rglob("*.txt"))
NOTHING: Final = Outcome({}, [], [], [])
SHOWN_MOST: Final = 2_000


@pytest.fixture(autouse=True)
def _fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def _name(path: Path) -> str:
    return path.relative_to(CASES).with_suffix("").as_posix()


@pytest.mark.parametrize("path", PATHS, ids=_name)
def test_a_case_holds_built_by_a_watch_by_builds_and_from_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Play(tmp_path, monkeypatch) as play:
        for step in read_case(path).steps:
            troubles = list(play.step(step))
            if troubles:
                pytest.fail("\n\n".join([f"{path}: {step.title}", *troubles]), pytrace=False)


class Play:
    """A case being played: a project folder, and the three output folders made of it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._ground = Ground(folder / "site")
        self._drafts = False
        self._watch: Builder | None = None
        self._watched = self._built = NOTHING
        self._steps = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def step(self, step: Step) -> Iterator[str]:
        """Do what a step says, and give what is not as it should be."""
        self._steps += 1
        touched = self._do_all(step)
        watched, built = self._watched, self._built
        self._watched = self._follow(touched)
        self._built = build(self._ground.root, self._folder / "built", drafts=self._drafts)
        clean = build(self._ground.root, self._folder / f"clean-{self._steps}", drafts=self._drafts)
        yield from _check_step(step, built, self._built, clean)
        yield from self._check_watch(step, watched, clean)
        yield from self._check_rest()

    def _check_watch(self, step: Step, before: Outcome, clean: Outcome) -> Iterator[str]:
        if step.listed("watch") is not None:
            yield from _compare("a watch and itself before", self._watched.files, before.files)
            return
        yield from _check_rendered("a watch", step, before, self._watched)
        yield from _compare("a watch and a clean build", self._watched.files, _with_staying(step, before, clean))
        yield from _compare_findings("a watch", self._watched, clean.findings)

    def _check_rest(self) -> Iterator[str]:
        again = build(self._ground.root, self._folder / "built", drafts=self._drafts)
        yield from _compare_findings("one more build", again, self._built.findings)
        for who, outcome in (("one more build", again), ("one more look", self._follow(None))):
            if outcome.made:
                yield _listing(f"{who} made what was made already", outcome.made)

    # Deeds.

    def _do_all(self, step: Step) -> list[str] | None:
        """Do all deeds of a step, and give the paths they touched; None if the watch has to look everywhere."""
        touched = [path for deed in step.deeds for path in self._do(deed)]
        return None if step.listed("now") is not None else touched

    def _do(self, deed: Section) -> list[str]:
        if deed.keyword == "drafts":
            self._drafts = deed.argument == "on"
            self._stop_watch()
            return []
        if deed.keyword == "now":
            seconds = int(datetime.fromisoformat(deed.argument).timestamp())
            self._monkeypatch.setenv("SOURCE_DATE_EPOCH", str(seconds))
            return []
        return do(deed, self._ground)

    def _follow(self, touched: list[str] | None) -> Outcome:
        if self._watch is None:
            opened = builder(self._ground.root, self._folder / "watched", mode="watch", drafts=self._drafts)
            self._watch = self._stack.enter_context(opened)
            touched = None
        return self._watch.build(touched)

    def _stop_watch(self) -> None:
        self._stack.close()
        self._watch = None


def do(deed: Section, ground: Ground) -> list[str]:
    """Do to a project folder what a section says, and give the paths that were touched."""
    match deed.keyword:
        case "file":
            return ground.write(deed.path, deed.text.encode())
        case "bytes" | "edit":
            return ground.write(deed.path, _written(deed, ground))
        case "delete":
            return ground.delete(deed.path)
        case "rename":
            old, _, new = deed.argument.partition(" -> ")
            return ground.rename(to_path(old), to_path(new))
        case "touch":
            return ground.touch(deed.path)
        case _:
            return []


def _written(deed: Section, ground: Ground) -> bytes:
    if deed.keyword == "bytes":
        return unescape(deed.text.replace("\n", ""))
    return _edited(ground.read(deed.path).decode(), deed).encode()


def _edited(text: str, edit: Section) -> str:
    for old, new in edit.replacements():
        if text.count(old) != 1:
            raise CaseError(f"line {edit.line}: {old!r} stands {text.count(old)} times in {edit.argument}")
        text = text.replace(old, new)
    return text


# Checks.


def _check_step(step: Step, before: Outcome, built: Outcome, clean: Outcome) -> Iterator[str]:
    for section in step.checks:
        yield from _check_section(section, clean)
    yield from _check_rendered("a build", step, before, built)
    yield from _compare("a build and a clean one", built.files, _with_staying(step, before, clean))
    yield from _compare_findings("a build", built, clean.findings)
    yield from _compare_findings("a clean build", clean, sorted(step.listed("diagnostics") or []))


def _check_section(section: Section, clean: Outcome) -> Iterator[str]:
    found = clean.files.get(section.path)
    match section.keyword:
        case "missing":
            if there := [path for path in section.lines if to_path(path) in clean.files]:
                yield _listing("there are outputs that should be missing", there)
        case "outputs":
            yield from _check_outputs(section, clean)
        case "expect" | "contains" | "lacks":
            if found is None:
                yield _listing(f"line {section.line}: there is no {section.argument}, but", list(clean.files))
            elif not _holds(section, found.decode()):
                yield f"line {section.line}: {section.argument} is\n{found.decode()[:SHOWN_MOST]}"
        case _:
            pass


def _holds(section: Section, text: str) -> bool:
    if section.keyword == "expect":
        return text.rstrip("\n") == section.text.rstrip("\n")
    if section.keyword == "lacks":
        return not any(line in text for line in section.lines)
    at = 0
    for line in section.lines:
        at = text.find(line, at)
        if at < 0:
            return False
        at += len(line)
    return True


def _check_outputs(section: Section, clean: Outcome) -> Iterator[str]:
    found = sorted(path for path in clean.files if path.startswith(section.path))
    if found != sorted(map(to_path, section.lines)):
        yield _listing(f"line {section.line}: the outputs are", found)


def _check_rendered(who: str, step: Step, before: Outcome, after: Outcome) -> Iterator[str]:
    expected = step.listed("rendered")
    made = [path if before.files.get(path) != after.files.get(path) else f"= {path}" for path in after.made]
    found = made + [f"- {path}" for path in before.files.keys() - after.files.keys()]
    if expected is not None and sorted(found) != sorted(map(to_path, expected)):
        yield _listing(f"{who} made", sorted(found))
    if after.notes:
        yield _listing(f"{who} had troubles of its own", after.notes)


def _with_staying(step: Step, before: Outcome, clean: Outcome) -> dict[str, bytes]:
    """Give what a clean build makes and what stays although it can't be made."""
    staying = [to_path(path) for path in step.listed("stays") or []]
    return {**clean.files, **{path: before.files[path] for path in staying if path in before.files}}


def _compare(who: str, ours: dict[str, bytes], theirs: dict[str, bytes]) -> Iterator[str]:
    differing = sorted(path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path))
    if differing:
        first = differing[0]
        yield _listing(f"{who} differ in", differing)
        yield "\n--- and ---\n".join(_shown(files.get(first)) for files in (ours, theirs))


def _compare_findings(who: str, outcome: Outcome, expected: list[str]) -> Iterator[str]:
    if outcome.findings != expected:
        yield _listing(f"{who} has found", outcome.findings)


def _shown(data: bytes | None) -> str:
    return "(missing)" if data is None else data.decode(errors="backslashreplace")[:SHOWN_MOST]


def _listing(title: str, lines: list[str]) -> str:
    return "\n".join([f"{title}:", *(lines or ["(nothing)"])])


@pytest.mark.parametrize("path", PATHS, ids=_name)
def test_two_processes_make_what_one_makes(path: Path, tmp_path: Path) -> None:
    ground = Ground(tmp_path / "site")
    for deed in read_case(path).steps[0].deeds:
        do(deed, ground)
    alone = build(ground.root, tmp_path / "alone")
    crew = build(ground.root, tmp_path / "crew", workers=2)
    assert (crew.files, crew.findings) == (alone.files, alone.findings)
