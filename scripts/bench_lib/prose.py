"""Made-up prose and Markdown, the same for the same random numbers.

Words are built from syllables, their frequencies follow Zipf's law, and the short ones are the frequent ones, as in
real languages: an HTML page of it compresses, wraps and parses much like a real one. Code blocks, tables, lists, quotes
and inline markup come about as often as in technical blogs. What a post links to and shows is the caller's business:
it is handed in as ready-made links and images.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SYLLABLES = {
    "en": ("th in er an re on at en nd or es is al st ar le ing ow ea ou sh ck ble ly", "a of to in on we it so"),
    "de": ("en er ch ei ie un ge te der sch ung ich ver bü äh lös keit ßen auf nis", "zu in so da ob wo es am"),
    "fr": ("es le en de re nt on er ai ou eau qui ion é ès ment oi que ça ître", "à de la et en il au du"),
    "it": ("re la to ri no ti co ne are zio ssa gli che pò ità mo do gio vo sse", "a e di la il in un ma"),
    "es": ("de en er la es do ra ar ción ía que to os ente ñ mi lla rro ca bi", "a y de la el en un lo"),
}
_WORDS = 2500
_SENTENCE_WORDS = (5, 22)
_PARAGRAPH_SENTENCES = (2, 6)
_CODE = {
    "python": "def {0}({1}, *, {2}=None):\n    for {3} in {1}:\n        if {3}.{0} > {n}:\n"
    '            yield {{"{2}": {3}, "{1}": f"{{{2}}} {0}"}}',
    "javascript": "export const {0} = async ({1}) => {{\n  const {2} = await {1}.{3}({n});\n"
    "  return {2}.filter((x) => x !== '{0}');\n}};",
    "bash": '{0}="${{1:-{1}}}"\nfor {2} in "${{{0}}}"/*.{3}; do\n  head -n {n} "${2}" | sort -u\ndone',
    "json": '{{\n  "{0}": {{"{1}": {n}, "{2}": [1, 2, {n}]}},\n  "{3}": null\n}}',
    "css": ".{0} > .{1} {{\n  margin: {n}px auto;\n  --{2}: var(--{3}, #fed);\n}}",
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words of one language, most frequent first, with their cumulated frequencies."""

    words: tuple[str, ...]
    cumulated: tuple[float, ...]


@cache
def vocabulary(language: str) -> Vocabulary:
    """Return the words of `language`; a language without syllables of its own gets the English ones."""
    syllables, short = (row.split() for row in _SYLLABLES.get(language, _SYLLABLES["en"]))
    rng = Random(language)
    found = dict.fromkeys(short)
    while len(found) < _WORDS:
        found["".join(rng.choices(syllables, k=1 + len(found) * 4 // _WORDS))] = None
        found["".join(rng.choices(syllables, k=3))] = None
    words = tuple(found)
    return Vocabulary(words, tuple(accumulate(1 / (rank + 2.7) for rank in range(len(words)))))


@dataclass(slots=True)
class Writer:
    """Writes the Markdown of one post.

    `links` and `images` are finished Markdown; each is used once, links within sentences, images between paragraphs.
    """

    rng: Random
    language: str
    links: list[str] = field(default_factory=list[str])
    images: list[str] = field(default_factory=list[str])

    def words(self, count: int) -> list[str]:
        """Return `count` words."""
        known = vocabulary(self.language)
        return self.rng.choices(known.words, cum_weights=known.cumulated, k=count)

    def title(self) -> str:
        """Return a title of a few words."""
        return " ".join(self.words(self.rng.randint(3, 7))).capitalize()

    def sentence(self) -> str:
        """Return a plain sentence."""
        words = self.words(self.rng.randint(*_SENTENCE_WORDS))
        return f"{' '.join(words).capitalize()}{self.rng.choice('....?!')}"

    def body(self, length: int) -> str:
        """Return Markdown of about `length` words."""
        return "\n\n".join(self._blocks(length)) + "\n"

    def _blocks(self, length: int) -> Iterator[str]:
        written = 0
        while written < length:
            block = self._block() if written else self._paragraph()
            written += block.count(" ") + 1
            yield block
        yield from self.images
        if self.links:
            yield f"{self.sentence()} {', '.join(self.links)}."

    def _block(self) -> str:
        draw = self.rng.random()
        if draw < 0.70:
            return self._paragraph()
        if draw < 0.82:
            return f"{'#' * self.rng.choice((2, 2, 3))} {self.title()}"
        if draw < 0.89:
            return self._list()
        if draw < 0.93:
            return f"> {self.sentence()}\n> {self.sentence()}"
        if draw < 0.97:
            return self._code()
        return self._table() if draw < 0.99 or not self.images else self.images.pop()

    def _paragraph(self) -> str:
        sentences = [self._marked_up() for _ in range(self.rng.randint(*_PARAGRAPH_SENTENCES))]
        if self.links and self.rng.random() < 0.3:
            sentences.append(f"{self.sentence()[:-1]} {self.links.pop()}.")
        return " ".join(sentences)

    def _marked_up(self) -> str:
        plain, draw = self.sentence(), self.rng.random()
        if draw > 0.25:
            return plain
        (word,) = self.words(1)
        if draw < 0.03:
            return f"{plain[:-1]} [{word}](https://example.org/{word}?n={self.rng.randint(1, 999)})."
        mark = self.rng.choice(("*", "**", "`", "_", "~~"))
        return f"{plain[:-1]} {mark}{word}{mark}."

    def _list(self) -> str:
        marker = self.rng.choice(("-", "*", "1.", "- [ ]"))
        return "\n".join(f"{marker} {self.sentence()}" for _ in range(self.rng.randint(2, 7)))

    def _code(self) -> str:
        language = self.rng.choice(tuple(_CODE))
        code = _CODE[language].format(*self.words(4), n=self.rng.randint(2, 9999))
        return f"```{language}\n{code}\n```"

    def _table(self) -> str:
        rows = [" | ".join(self.words(3)) for _ in range(self.rng.randint(3, 9))]
        return "\n".join(f"| {row} |" for row in (rows[0], "--- | :--: | ---:", *rows[1:]))
