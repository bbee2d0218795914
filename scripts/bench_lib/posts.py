"""The posts of a made-up blog, each a function of (spec, number) alone.

So 100,000 posts are written one after the other without holding any, and a post can link to any other by computing
that one's date and slug. Posts 0 … N-1 lie evenly over twelve years, oldest first; about ten posts a list page and two
tags a post make some two pages of output per post. The more posts, the fewer lists for each, unless a spec wants sizes
to be `alike`.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

from bench_lib.prose import Writer, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = datetime(2013, 7, 1, tzinfo=UTC)
LAST = datetime(2025, 6, 30, tzinfo=UTC)
TAGS = 150
_TYPICAL_POSTS = 10_000  # for these years and tags
CATEGORIES = (
    "article",
    "aside",
    "picture",
    "news",
    "travel",
    "code",
    "books",
    "food",
    "music",
    "garden",
    "work",
    "film",
)
AUTHORS = ("Ada Brunner", "Noé Lefèvre", "Sam O'Neill")
_CATEGORY_WEIGHTS = (30, 8, 6, 12, 10, 10, 6, 5, 5, 3, 3, 2)
_TAG_COUNTS = (0.36, 0.34, 0.2, 0.1)
_MEDIAN_WORDS = 310  # before the rest of a block is written to its end: 350 in the outcome
_MOST_WORDS = 20_000
_POSTS_PER_IMAGE = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What blog to make; the first language is the main one.

    Blogs that are `alike` have as many posts a day and a tag whatever their size, so also as many pages for each post.
    """

    posts: int
    languages: tuple[str, ...] = ("en",)
    seed: int = 1
    per_page: int = 10
    highlight: bool = True
    macros: bool = False
    alike: bool = False

    @property
    def first(self) -> datetime:
        """The day of the oldest post."""
        return LAST - (LAST - FIRST) * self._growth

    @property
    def tags(self) -> int:
        """How many tags there are."""
        return max(round(TAGS * self._growth), 1)

    @property
    def _growth(self) -> float:
        return self.posts / _TYPICAL_POSTS if self.alike else 1


@dataclass(frozen=True, slots=True)
class Identity:
    """What other posts know of a post."""

    number: int
    id: str
    slug: str
    title: str
    created: datetime

    @property
    def folder(self) -> str:
        """The folder of its source below `posts/`, and of its image below `media/`."""
        return f"{self.created:%Y/%m}"

    @property
    def source(self) -> str:
        """Its source, relative to the project."""
        return f"posts/{self.folder}/{self.slug}.md"

    @property
    def route(self) -> str:
        """Its page, without slashes around."""
        return f"{self.created:%Y/%m/%d}/{self.slug}"

    @property
    def image(self) -> str:
        """Its image, relative to the project, if it `has_image`."""
        return f"media/{self.folder}/{self.slug}.png"

    @property
    def has_image(self) -> bool:
        """Whether the blog holds an image for it."""
        return self.number % _POSTS_PER_IMAGE == 0


def draws(spec: Spec, *purpose: object) -> Random:
    """Return the random numbers for one purpose; different purposes don't disturb each other."""
    return Random(f"{spec.seed} {purpose}")


def identity(spec: Spec, number: int) -> Identity:
    """Return what is known of post `number`."""
    rng = draws(spec, number, "identity")
    title = Writer(rng, spec.languages[0]).title()
    slot = (LAST - spec.first) / max(spec.posts, 1)
    created = spec.first + timedelta(seconds=int(slot.total_seconds() * (number + rng.random())))
    post_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    return Identity(number, post_id, f"{_ascii(title)}-{number}", title, created)


@cache
def tag_names(count: int = TAGS) -> tuple[str, ...]:
    """Return that many tags, most used first; some hold what URLs and JSON have to escape."""
    words = vocabulary("en").words
    odd = {3: "node.js", 11: "C++", 17: "déjà vu", 29: "Q&A", 41: "日本", 53: 'the "best"', 67: "50% off"}
    return tuple(
        odd.get(rank, f"{words[300 + rank]} {words[rank]}" if rank % 7 == 0 else words[300 + rank])
        for rank in range(count)
    )


def post_files(spec: Spec, number: int) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of the post and of its translations."""
    who, rng = identity(spec, number), draws(spec, number, "post")
    main, *others = spec.languages
    foreign = bool(others) and rng.random() < 0.05
    alone = bool(others) and rng.random() < 0.03
    language = others[0] if foreign else main
    words = _word_count(rng)
    fields = _fields(spec, rng, who, language) + ([("doNotTranslate", "true")] if alone else [])
    yield who.source, _document(fields, _writer(spec, rng, who, language).body(words))
    for other in spec.languages:
        if other != language and not alone and rng.random() < 0.5:
            yield _translation(spec, rng, who, other, words)


def _translation(spec: Spec, rng: Random, who: Identity, language: str, words: int) -> tuple[str, str]:
    writer = _writer(spec, rng, who, language)
    fields = [("translationFor", who.id), ("language", language), ("title", _quoted(writer.title()))]
    fields += [("excerpt", _quoted(writer.sentence()))] if rng.random() < 0.4 else []
    return f"posts/{who.folder}/{who.slug}.{language}.md", _document(fields, writer.body(words))


def _fields(spec: Spec, rng: Random, who: Identity, language: str) -> list[tuple[str, str]]:
    fields = [("id", who.id), ("title", _quoted(who.title)), ("slug", who.slug), ("status", "published")]
    fields += [("author", _quoted(rng.choice(AUTHORS))), ("language", language)]
    fields += [(key, f"{who.created:%Y-%m-%dT%H:%M:%S.000Z}") for key in ("createdAt", "updatedAt", "publishedAt")]
    fields += [("tags", _listed(_tags(spec, rng))), ("categories", _listed(_categories(rng)))]
    return fields + ([("excerpt", _quoted(Writer(rng, language).sentence()))] if rng.random() < 0.4 else [])


def _tags(spec: Spec, rng: Random) -> list[str]:
    (count,) = rng.choices((1, 2, 3, 4), _TAG_COUNTS)
    return list(dict.fromkeys(rng.choices(tag_names(spec.tags), cum_weights=_tag_weights(spec.tags), k=count)))


@cache
def _tag_weights(count: int) -> tuple[float, ...]:
    return tuple(accumulate(1 / (rank + 1) for rank in range(count)))


def _categories(rng: Random) -> list[str]:
    return list(dict.fromkeys(rng.choices(CATEGORIES, _CATEGORY_WEIGHTS, k=1 if rng.random() < 0.9 else 2)))


def _word_count(rng: Random) -> int:
    words = _MEDIAN_WORDS * rng.lognormvariate(0, 0.5)
    if rng.random() < 0.01:
        words *= 2 * rng.paretovariate(1.2)
    return min(max(int(words), 12), _MOST_WORDS)


def _writer(spec: Spec, rng: Random, who: Identity, language: str) -> Writer:
    links = [_link(spec, rng) for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3)))]
    images = [f"![{who.title}](/{who.image})"] if who.has_image else []
    if spec.macros and rng.random() < 0.2:
        images.append(_macro(rng, who))
    return Writer(rng, language, links, images)


def _link(spec: Spec, rng: Random) -> str:
    """Link to any other post in one of the forms that site folders hold."""
    target = identity(spec, rng.randrange(spec.posts))
    forms = (
        f"/post/{target.slug}",
        f"/posts/{target.slug}.html",
        f"/{target.route}",
        f"/{target.route}/#top",
        f"/posts/{target.folder}/{target.slug}",
        f"../../{target.folder}/{target.slug}.md",
    )
    return f"[{target.title}]({rng.choice(forms)})"


def _macro(rng: Random, who: Identity) -> str:
    return rng.choice(
        (
            f'[[youtube id="{who.slug[:11]}" title="{_ascii(who.title)}"]]',
            "[[gallery columns=2]]",
            f"[[photo_archive year={who.created:%Y} month={who.created.month}]]",
            '[[tag_cloud orientation="mixed-hv"]]',
            f'[[badge label="{who.created:%B}"]]',
            f'[[badge label="{who.number % 97}" colour=teal]]',
        )
    )


def _document(fields: list[tuple[str, str]], body: str) -> str:
    head = "\n".join(f"{key}: {value}" for key, value in fields)
    return f"---\n{head}\n---\n\n{body}"


def _listed(names: list[str]) -> str:
    return f"[{', '.join(map(_quoted, names))}]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _ascii(title: str) -> str:
    return title.lower().encode("ascii", "ignore").decode().replace(" ", "-")
