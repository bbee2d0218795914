"""`blogd why PAGE`: what a page is made of, what it read, and why it was last made.

All of this is on record but the lines of templates that asked, for which the page is rendered once more (`tracing`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from blogd.cache.reasons import entity_and_mask
from blogd.cache.rows import FAILED, STALE
from blogd.daemon import reads_wording, wording
from blogd.daemon.last_run import LastRun, last_run, place_of
from blogd.daemon.page_finding import find_page, page_url
from blogd.daemon.reporter import encoded
from blogd.daemon.tracing import Tracer, trace
from blogd.render.diagnostic import Diagnostic
from blogd.render.menu import MENU_PATH
from blogd.render.project import CATEGORY_META_PATH, PROJECT_PATH, TAGS_PATH
from blogd.render.reads import Entity, mask_names
from blogd.render.routes import claim_source, section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from blogd.cache.rows import PageRow
    from blogd.daemon.options import Options

State = Literal["made", "waiting", "failed"]

LINES_MOST: Final = 3
_STATES: Final[dict[int, State]] = {STALE: "waiting", FAILED: "failed"}
_META: Final[dict[str | int, str]] = {
    "project": PROJECT_PATH,
    "menu": MENU_PATH,
    "tag": TAGS_PATH,
    "tags": TAGS_PATH,
    "category": CATEGORY_META_PATH,
}


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A question of a page: its entity and aspects as `render.reads` has them, the same in words, and who asked.

    `answer` is what was found where a name was looked up, else ''. `lines` are lines of templates, as `path:number`.
    """

    group: reads_wording.Group
    entity: Entity
    aspects: tuple[str, ...]
    words: str
    answer: str
    lines: tuple[str, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one output. `made_s` is when it was last made, in seconds since 1970, 0 for never."""

    page: str
    file: str
    section: str
    claimed_by: str
    template: str
    sources: tuple[str, ...]
    state: State
    made_s: int
    reason: str
    read_by: tuple[str, ...]
    reads: tuple[Read, ...]
    findings: tuple[Diagnostic, ...]


def run_why(options: Options, name: str, *, as_json: bool) -> str:
    """Say what is known of the output that a URL or a file's path names; RefusalError if there is none."""
    with last_run(place_of(options)) as run:
        found = explain(run, name)
    return encoded(found).decode() if as_json else "\n".join(map(wording.printable, lines_of(found)))


def explain(run: LastRun, name: str) -> Explanation:
    """Explain the output that a URL or a file's path names; RefusalError if there is none."""
    row = find_page(run, name)
    tracer = Tracer() if row.key[0] == "copy" else trace(run, row.key)
    reads = dict(run.manifest.reads_of(row))
    return Explanation(
        page=page_url(row.path),
        file=str(run.out / row.path),
        section=section(row.key),
        claimed_by=claim_source(row.key),
        template=tracer.template,
        sources=tuple(dict.fromkeys(source for entity in reads for source in _sources(run, entity))),
        state=_STATES.get(row.state, "made"),
        made_s=row.made_s,
        reason=reads_wording.reason(row.reason, run.manifest.entity),
        read_by=_asked_by(run, row, tracer),
        reads=tuple(_read(run, tracer, entity, mask) for entity, mask in reads.items()),
        findings=row.diagnostics,
    )


def _asked_by(run: LastRun, row: PageRow, tracer: Tracer) -> tuple[str, ...]:
    """Give the lines that asked what made the page stale."""
    number, mask = entity_and_mask(row.reason)
    return tracer.askers(run.manifest.entity(number), mask) if number else ()


def _read(run: LastRun, tracer: Tracer, entity: Entity, mask: int) -> Read:
    return Read(
        group=reads_wording.group(entity),
        entity=entity,
        aspects=tuple(mask_names(entity, mask)),
        words=reads_wording.question(entity, mask),
        answer=reads_wording.answer(run.site, entity),
        lines=tracer.askers(entity, mask),
    )


def _sources(run: LastRun, entity: Entity) -> Iterator[str]:
    """Give the files that hold the answer to a question."""
    match entity:
        case "post", str(path), str(tree) if path in run.site.order:
            yield run.site.view(path, tree).post.path
        case "template", str(name) if name in run.site.templates:
            yield run.site.templates[name].path
        case "media", str(name) if found := run.site.media.find(name):
            yield found
        case "asset", str(path):
            yield path
        case kind, *_ if kind in _META and (run.root / _META[kind]).exists():
            yield _META[kind]
        case _:
            pass


# For people.


def lines_of(found: Explanation) -> Iterator[str]:
    """Say all that in lines."""
    yield found.page
    yield f"  file      {found.file}"
    template = f", by template {found.template}" if found.template else ""
    yield f"  is        {found.section}: {found.claimed_by}{template}"
    yield f"  {_when(found)}"
    yield f"  because   {found.reason}{_by(found.read_by)}"
    for finding in found.findings:
        yield f"  {finding.severity:9} {wording.place(finding)}: {finding.message}"
    yield from _listed("made of", found.sources)
    yield "  reads"
    for name in dict.fromkeys(read.group for read in found.reads):
        yield f"    {name}"
        yield from _group([read for read in found.reads if read.group == name])


def _when(found: Explanation) -> str:
    label = {"made": "rendered", "waiting": "waiting", "failed": "failed"}[found.state]
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(found.made_s)) if found.made_s else "not yet rendered"
    return f"{label:9} {f'rendered {when}, to be rendered anew' if found.state == 'waiting' and found.made_s else when}"


def _listed(title: str, names: Sequence[str]) -> Iterator[str]:
    for number, name in enumerate(names):
        yield f"  {'' if number else title:9} {name}"


def _group(reads: Sequence[Read]) -> Iterator[str]:
    """Give the reads of a group; posts of which the same was asked stand together."""
    alike: dict[tuple[str, ...], list[Read]] = {}
    for read in reads:
        alike.setdefault(read.aspects or (read.words,), []).append(read)
    for same in alike.values():
        lines = tuple(dict.fromkeys(line for read in same for line in read.lines))
        answer = f": {same[0].answer}" if same[0].answer else ""
        yield f"      {_together(same)}{answer}{_by(lines, 'at')}"
        if len(same) > 1:
            yield from (f"        {read.entity[1]} ({read.entity[2]})" for read in same)


def _together(same: Sequence[Read]) -> str:
    if len(same) == 1:
        return same[0].words
    named = reads_wording.aspects(same[0].aspects)
    return f"{named} of {wording.counted(len(same), 'post')}"


def _by(lines: Sequence[str], how: str = "read by") -> str:
    if not lines:
        return ""
    more = f" and {wording.counted(len(lines) - LINES_MOST, 'more line')}" if len(lines) > LINES_MOST else ""
    return f"; {how} {', '.join(lines[:LINES_MOST])}{more}"
