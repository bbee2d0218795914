"""A stand-in for blogd, as small as the bench can bear: a page per post and a front page, `build` and `watch --json`.

It believes nothing but the posts' front matter, knows no translations, keeps no cache, reads every post over and over,
and rewrites the front page after every save.
"""

import contextlib
import json
import re
import sys
from pathlib import Path

from watchfiles import watch


def say(event: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def read(site: Path, before: dict[str, str]) -> dict[str, str]:
    """Return all posts by path; one caught between truncation and writing is as it was before."""
    found: dict[str, str] = {}
    for path in sorted((site / "posts").rglob("*.md")):
        name = str(path.relative_to(site))
        with contextlib.suppress(FileNotFoundError):
            found[name] = path.read_text() or before.get(name, "")
    return {name: text for name, text in found.items() if text and "translationFor: " not in text}


def page_of(text: str) -> str:
    created, slug = (re.search(rf"^{key}: (\S+)$", text, re.MULTILINE) for key in ("createdAt", "slug"))
    assert created
    assert slug
    return f"{created[1][:10].replace('-', '/')}/{slug[1]}/index.html"


def put(path: Path, text: str) -> bool:
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return True


def render(out: Path, old: dict[str, str], new: dict[str, str]) -> None:
    changed = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    pages = {page_of(new[path]): new[path] for path in changed if path in new}
    pages["index.html"] = "\n".join(new.values())
    written = sum(put(out / page, text) for page, text in pages.items())
    removed = {page_of(old[path]) for path in changed if path in old} - {page_of(text) for text in new.values()}
    for page in removed:
        (out / page).unlink()
    say(
        "built", changed=changed, pages=len(new) + 1, rendered=len(pages), written=written, unchanged=0,
        removed=len(removed), failed=0, elapsed_ms=1.5, planning_ms=0.25,
    )  # fmt: skip


def main() -> None:
    verb, site, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[4])
    posts = read(site, {})
    say("started", version="0", site=str(site), out=str(out), workers=1)
    render(out, {}, posts)
    if verb != "watch":
        return
    say("ready")
    for _ in watch(site / "posts", step=5, yield_on_timeout=True, rust_timeout=10, raise_interrupt=False):
        now = read(site, posts)
        if now != posts:
            render(out, posts, now)
            posts = now


main()
