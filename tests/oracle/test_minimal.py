"""Nothing is rendered in vain: what an edit has made anew has other bytes than before.

The blog has blogd's own templates, which read what blogs show: bodies, neighbours, backlinks, a menu, two languages.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Final

import pytest

from tests.oracle.edits import Body, Delete, Edit, Field, Rename, Resave, Touch, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.oracle.oracle import Oracle

    Make = Callable[[Sequence[Edit]], Oracle]

POSTS: Final = 40
WORDS: Final = (
    "ash",
    "birch",
    "cedar",
    "elm",
    "fir",
    "hazel",
    "larch",
    "maple",
    "oak",
    "pine",
    "rowan",
    "spruce",
    "yew",
)


def path(number: int) -> str:
    return f"posts/2024/{number % 12 + 1:02}/post-{number}.md"


def text(chance: random.Random) -> str:
    words = " ".join(chance.choices(WORDS, k=20))
    return f"{words}\n\nsee [it](/posts/post-{chance.randrange(POSTS)})\n"


def blog() -> Iterator[Edit]:
    """Make a blog of some posts in two languages, with tags, categories, excerpts, links and a menu."""
    chance = random.Random(1)
    yield Write("meta/project.json", json.dumps({"name": "Trees", "blogLanguages": ["en", "de"], "maxPostsPerPage": 5}))
    yield Write("meta/menu.opml", '<opml><outline text="1" pageSlug="post-1"/></opml>')
    for number in range(POSTS):
        head = {"title": f"Post {number}", "createdAt": f"2024-{number % 12 + 1:02}-{number % 28 + 1:02}T10:00:00Z"}
        head["tags"] = f"[{', '.join(chance.sample(WORDS[:6], k=2))}]"
        head["categories"] = chance.choice(("[article]", "[aside]", "[page]"))
        if chance.random() < 0.3:
            head["excerpt"] = " ".join(chance.choices(WORDS, k=4))
        lines = "".join(f"{name}: {value}\n" for name, value in head.items())
        yield Write(path(number), f"---\n{lines}---\n{text(chance)}")
        if chance.random() < 0.2:
            translation = f"---\nlanguage: de\ntitle: Beitrag {number}\n---\n{text(chance)}"
            yield Write(path(number).replace(".md", ".de.md"), translation)


@pytest.fixture
def site(oracle: Make) -> Oracle:
    return oracle(tuple(blog()))


def made_in_vain(site: Oracle, *edits: Edit) -> tuple[int, list[str]]:
    """Count the outputs that some edits have made anew, and give those that are as they were."""
    before = site.outputs()
    site.edit(edits)
    after = site.outputs()
    return len(site.made), [path for path in site.made if before.get(path) == after[path]]


def test_whatever_a_new_body_makes_anew_has_other_bytes(site: Oracle) -> None:
    for number in range(POSTS):
        made, in_vain = made_in_vain(site, Body(path(number), text(random.Random(number))))
        assert made
        assert not in_vain


@pytest.mark.parametrize(
    "edit", [Touch(path(3)), Resave(path(3)), Touch("meta/project.json"), Resave("meta/menu.opml")]
)
def test_the_same_bytes_make_nothing(edit: Edit, site: Oracle) -> None:
    assert made_in_vain(site, edit) == (0, [])


def test_what_does_not_change_the_bytes_makes_nothing(site: Oracle) -> None:
    (site.ground.root / path(3)).chmod(0o600)
    site.tell({path(3)})
    site.look_everywhere()
    assert not site.made


def test_the_page_of_what_was_edited_is_made_first_and_first_pages_of_lists_next(site: Oracle) -> None:
    site.edit([Field(path(3), "title", "New")])
    own = [made for made in site.made if made.endswith("post-3/index.html")]
    is_further = ["/page/" in f"/{made}" for made in site.made if "post-" not in made]
    assert site.made[: len(own)] == own != []
    assert is_further == sorted(is_further)
    assert set(is_further) == {False, True}


def test_a_change_and_its_revert_in_one_batch_make_nothing(site: Oracle) -> None:
    old = site.ground.read(path(3)).decode()
    assert made_in_vain(site, Body(path(3), "other"), Write(path(3), old)) == (0, [])


def test_whatever_a_writers_edits_make_anew_has_other_bytes(site: Oracle) -> None:
    chance = random.Random(2)
    for number in range(POSTS):
        edit = writers_edit(chance, number)
        _, in_vain = made_in_vain(site, edit)
        assert not in_vain, edit
    site.check()


def writers_edit(chance: random.Random, number: int) -> Edit:
    """Give an edit of the kinds that `scripts/bench edits` makes, the kinds in turn."""
    old, day = path(number), f"2024-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    new = f"posts/2024/new-{number}.md"
    kinds: list[Edit] = [
        Body(old, text(chance)),
        Field(old, "title", " ".join(chance.choices(WORDS, k=3))),
        Field(old, "excerpt", " ".join(chance.choices(WORDS, k=3))),
        Field(old, "createdAt", f"{day}T11:00:00Z"),
        Field(old, "tags", f"[{chance.choice(WORDS)}]"),
        Write(new, f"---\ntitle: New\ncreatedAt: {day}T12:00:00Z\n---\n{text(chance)}"),
        Delete(old),
        Rename(old, f"posts/2024/renamed-{number}.md"),
    ]
    return kinds[number % len(kinds)]
