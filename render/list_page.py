"""The variables of a page of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from blogd.render.drops import Getters, ListedPost
from blogd.render.labels import long_date
from blogd.render.pages import Page, PostPage, Stage
from blogd.render.reads import CATEGORY
from blogd.render.routes import list_href

if TYPE_CHECKING:
    from blogd.render.reads import ListKey


class ListPage(Page):
    """Page `number` of a list."""

    def __init__(self, stage: Stage, kind: str, name: str, number: int) -> None:
        super().__init__(stage)
        self.kind, self.name_of_list, self.number = kind, name, number
        self.key: ListKey = (self.site.scope(self.tree), kind, name)

    def members(self) -> list[ListedPost]:
        """Give the page's posts."""
        size = int(str(self.project("max_posts_per_page")))
        start, stop = (self.number - 1) * size, self.number * size
        self.recorder.read(("slice", *self.key, start, stop))
        return [ListedPost(self, path) for path in self.site.members(self.key)[start:stop]]

    def is_last(self) -> bool:
        """Tell whether no page follows."""
        start = self.number * int(str(self.project("max_posts_per_page")))
        self.recorder.read(("beyond", *self.key, start))
        return start >= len(self.site.members(self.key))

    def heading(self) -> str:
        """Give the list's title in the page's language."""
        match self.kind:
            case "category":
                self.recorder.read(("category", self.name_of_list), CATEGORY["title"])
                category = self.site.meta.categories.get(self.name_of_list)
                return category.title if category else self.name_of_list
            case "month" | "day":
                return long_date(self.tree, *map(int, self.name_of_list.split("/")))
            case _:
                return self.name_of_list

    def languages(self) -> list[dict[str, object]]:
        """Give the site's languages, each with the first page of this list in it, or the home page if it has none."""
        others = {tree: (self.site.scope(tree), self.kind, self.name_of_list) for tree in self.site.meta.trees}
        for key in set(others.values()):
            self.recorder.read(("beyond", *key, 0))
        href = list_href(self.kind, self.name_of_list, 1)
        return self.switcher({tree: href for tree, key in others.items() if self.site.members(key)})

    def archive(self) -> dict[str, object]:
        """Say what the list is of; numbers are those of dates, None where there are none."""
        dates = [int(part) for part in self.name_of_list.split("/")] if self.kind in {"year", "month", "day"} else []
        year, month, day = (*dates, None, None, None)[:3]
        named = self.kind in {"tag", "category"}
        name = self.name_of_list if named else None
        return {"kind": self.kind, "name": name, "year": year, "month": month, "day": day}

    def href(self, number: int) -> str:
        """Give the URL of another page of the list."""
        return self.site.prefix(self.tree) + list_href(self.kind, self.name_of_list, number)

    def date(self, which: int) -> dict[str, object] | None:
        """Give the date of the page's newest (0) or oldest (-1) post."""
        posts = self.members()
        if not posts:
            return None
        year, month, day = map(int, posts[which].day())
        return {"day": day, "month": month, "year": year}

    def day_blocks(self) -> list[dict[str, object]]:
        """Give the page's posts by the local day they were created on."""
        blocks: list[dict[str, object]] = []
        posts: list[ListedPost] = []
        last = None
        for post in self.members():
            day = post.day()
            if day != last:
                last, posts = day, []
                label = f"{day[2]}.{day[1]}.{day[0]}"
                is_later = bool(blocks)
                blocks.append(
                    {"date_label": label, "show_date_marker": True, "show_separator": is_later, "posts": posts}
                )
            posts.append(post)
        return blocks

    getters: ClassVar[Getters] = {
        **Page.common,
        "archive_context": archive,
        "archive_title": lambda self: self.heading(),
        "canonical_path": lambda self: list_href(self.kind, self.name_of_list, self.number),
        "is_date_archive": lambda self: self.kind in {"year", "month", "day"},
        "show_archive_range_heading": lambda self: self.kind in {"year", "month"},
        "min_date": lambda self: self.date(-1),
        "max_date": lambda self: self.date(0),
        "is_list_page": lambda _: True,
        "is_first_page": lambda self: self.number == 1,
        "is_last_page": is_last,
        "has_prev_page": lambda self: self.number > 1,
        "has_next_page": lambda self: not self.is_last(),
        "prev_page_href": lambda self: self.href(self.number - 1) if self.number > 1 else "",
        "next_page_href": lambda self: "" if self.is_last() else self.href(self.number + 1),
        "page_number": lambda self: self.number,
        "day_blocks": day_blocks,
        "alternate_links": lambda _: [],
    }


OWN_VARIABLES: Final = frozenset({*PostPage.getters, *ListPage.getters}).difference(Page.of_tree)
"""What hardly two pages have in common."""
