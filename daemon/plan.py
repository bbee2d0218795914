"""Which outputs a site has and who they belong to, kept current from change to change.

Every post, list and copied file is an *owner* that *claims* paths, each with a page key. Usually one claims a path;
where several do, `routes.rank` says who gets it, and the clash is reported. After a change only the claims of what
changed are worked out anew, so planning grows with the change. The result is work for the manifest: outputs to add or
to give to another key, and outputs that nobody claims any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from blogd.daemon.output import LEDGER, TEMPORARY
from blogd.render.diagnostic import Diagnostic
from blogd.render.reads import ASPECT
from blogd.render.routes import (
    INDEX,
    SITE_FILES,
    Outputs,
    PageKey,
    claim_source,
    core_outputs,
    list_outputs,
    page_count,
    post_outputs,
    rank,
    sitemap_outputs,
    unwritable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blogd.render.changes import Changes
    from blogd.render.site import Site

ROUTED: Final = ASPECT["path"] | ASPECT["categories"] | ASPECT["translations"] | ASPECT["extra"]
RANKED: Final = ASPECT["created_at"]
OWN_PAGES: Final = frozenset({"style", "search"})  # a site may have its own in their place

_LISTED: Final = frozenset({"post", "page", "extra", "list"})
_OWN_NAMES: Final = (LEDGER, TEMPORARY)
ROUTING_SETTINGS: Final = ("max_posts_per_page", "search")

Owner = tuple[str, ...]
Claim = tuple[Owner, PageKey]


class Reassigned(msgspec.Struct):
    """What a change means for outputs: `assigned` have a new key, `dropped` are claimed by nobody any more."""

    assigned: Outputs
    dropped: set[str]

    def then(self, later: Reassigned) -> Reassigned:
        """Give what this and a later change come to."""
        assigned = {path: key for path, key in self.assigned.items() if path not in later.dropped}
        return Reassigned(assigned | later.assigned, (self.dropped - later.assigned.keys()) | later.dropped)


class Plan:
    """All claims of a site. The first claim on each path is the one that gets it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._claims: dict[str, tuple[Claim, ...]] = {}
        self._owned: dict[Owner, tuple[str, ...]] = {}
        self._refused: dict[Owner, Diagnostic] = {}
        self._clashes: dict[str, tuple[Diagnostic, ...]] = {}
        self._pages = 0

    def outputs(self) -> Outputs:
        """Give the key of every output."""
        return {path: claims[0][1] for path, claims in self._claims.items()}

    def problems(self) -> list[Diagnostic]:
        """Give all clashes, and all outputs that no file system takes."""
        clashes = (finding for findings in self._clashes.values() for finding in findings)
        return [*self._refused.values(), *clashes]

    def start(self, copies: Iterable[str]) -> None:
        """Work out all claims of the site."""
        self._reclaim([("core",), *self._all_owners()], dict.fromkeys(copies, True))

    def claim_index(self, outputs: Outputs) -> Reassigned:
        """Work out what another search index means."""
        before: dict[str, PageKey | None] = {}
        self._exchange(("index",), outputs, before)
        return self._award(before)

    def follow(self, changes: Changes, copies: Mapping[str, bool]) -> Reassigned:
        """Work out what a change means; `copies` says which copied files have come and gone."""
        if changes.everything or any(changes.masks.get(("project", field)) for field in ROUTING_SETTINGS):
            known = [owner for owner in self._owned if owner[0] in {"post", "list"}]
            return self._reclaim(dict.fromkeys([("core",), *known, *self._all_owners()]), copies)
        masks = changes.masks.items()
        posts = {str(entity[1]) for entity, mask in masks if entity[0] == "post" and mask & (ROUTED | RANKED)}
        owners: list[Owner] = [("post", path) for path in posts]
        counts = {key: [page_count(self._site, len(posts)) for posts in lists] for key, lists in changes.lists.items()}
        owners += [("list", *key) for key, (before, after) in counts.items() if before != after]
        return self._reclaim(owners, copies)

    def _all_owners(self) -> list[Owner]:
        posts: list[Owner] = [("post", path) for path in self._site.order]
        return posts + [("list", *key) for key in self._site.lists.members]

    def _reclaim(self, owners: Iterable[Owner], copies: Mapping[str, bool]) -> Reassigned:
        before: dict[str, PageKey | None] = {}
        for owner in owners:
            self._exchange(owner, self._outputs_of(owner), before)
        for path, is_there in copies.items():
            outputs: Outputs = {path: ("copy", "", path)} if is_there else {}
            self._exchange(("copy", path), outputs, before)
        self._exchange(("sitemap",), sitemap_outputs(self._pages), before)
        return self._award(before)

    def _outputs_of(self, owner: Owner) -> Outputs:
        match owner:
            case ("post", path):
                return post_outputs(self._site, path) if path in self._site.order else {}
            case ("list", scope, kind, name):
                key = (scope, kind, name)
                return list_outputs(self._site, key, self._site.members(key))
            case _:
                return core_outputs(self._site)

    def _exchange(self, owner: Owner, outputs: Outputs, before: dict[str, PageKey | None]) -> None:
        """Replace an owner's claims; `before` notes who had each path that is touched."""
        self._refused.pop(owner, None)
        wanted = {path: key for path, key in outputs.items() if not self._refuse(owner, path, key)}
        old = self._owned.pop(owner, ())
        for path in {*old, *wanted}:
            claims = self._claims.get(path, ())
            left = tuple(claim for claim in claims if claim[0] != owner)
            now = (*left, (owner, wanted[path])) if path in wanted else left
            if now != claims or len(now) > 1:  # it may go to another claim, also if the claims are the same
                before.setdefault(path, claims[0][1] if claims else None)
                self._set(path, claims, now)
        if wanted:
            self._owned[owner] = tuple(wanted)

    def _set(self, path: str, old: tuple[Claim, ...], new: tuple[Claim, ...]) -> None:
        if new:
            self._claims[path] = new
        else:
            del self._claims[path]
        self._pages += _is_listed(new) - _is_listed(old)

    def _award(self, before: Mapping[str, PageKey | None]) -> Reassigned:
        """Decide who gets the paths that were touched."""
        result = Reassigned({}, set())
        for path, key in before.items():
            claims = self._claims.get(path)
            self._clashes.pop(path, None)
            if claims is None:
                result.dropped.add(path)
                continue
            first, *others = claims
            if others:
                first, *others = sorted(claims, key=lambda claim: rank(self._site, claim[1]))
                self._claims[path] = (first, *others)
                self._report(path, first[1], others)
            if first[1] != key:
                result.assigned[path] = first[1]
        return result

    def _report(self, path: str, winner: PageKey, others: Iterable[Claim]) -> None:
        losers = [key for _, key in others if key != winner and key[0] not in OWN_PAGES]
        url, by = "/" + path.removesuffix("index.html"), claim_source(winner)
        if losers:
            self._clashes[path] = tuple(
                _finding(
                    key, f"its URL {url} is also that of {by}, which gets it", "change the slug or the date of one"
                )
                for key in losers
            )

    def _refuse(self, owner: Owner, path: str, key: PageKey) -> bool:
        """Refuse what can't be written, or would be taken for a file of blogd's own."""
        component = unwritable(path) or (path.partition("/")[0] if path.startswith(_OWN_NAMES) else None)
        folder = path.split("/")[-2] if key[0] in {"post", "page"} else ""
        if component is not None:
            message = f"no file can have the name that its URL asks for: {component[:40]!r}…"
            hint = "give it a shorter slug or name"
        elif folder == INDEX or (folder in SITE_FILES and key[0] == "page"):
            message = f"its URL /{path.removesuffix('index.html')} is also that of blogd's {folder}, which gets it"
            hint = "change the slug"
        else:
            return False
        self._refused[owner] = _finding(key, message, hint)
        return True


def _finding(key: PageKey, message: str, hint: str) -> Diagnostic:
    place = 0 if key[0] == "list" else 1
    return Diagnostic(severity="error", path=claim_source(key), line=place, column=place, message=message, hint=hint)


def _is_listed(claims: tuple[Claim, ...]) -> bool:
    """Tell whether a path is in the sitemap."""
    return any(key[0] in _LISTED for _, key in claims)
