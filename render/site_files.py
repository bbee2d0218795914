"""The files that speak of the whole site: feeds, sitemap and calendar, from the site to the writers' plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blogd.render.calendar import calendar_json
from blogd.render.drops import ListedPost, local_time
from blogd.render.feeds import Feed, FeedItem, atom_feed, rss_feed
from blogd.render.routes import SITE_FILES, is_writable, list_href, page_count
from blogd.render.sitemap import SitemapUrl, sitemap
from blogd.render.urls import absolute_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from blogd.render.pages import Page
    from blogd.render.site import Site


def feed_file(page: Page, name: str, body: Callable[[Page, str], str]) -> str:
    """Give `rss.xml` or `atom.xml`."""
    size = int(str(page.project("max_posts_per_page")))
    key = (page.site.scope(page.tree), "root", "")
    page.recorder.read(("slice", *key, 0, size))
    posts = [ListedPost(page, path) for path in page.site.members(key)[:size]]
    root, prefix = str(page.project("public_url")), page.site.prefix(page.tree)
    bodies = (absolute_urls(body(page, post.path), prefix, root, page.site.prefixes()) for post in posts)
    items = [_feed_item(post, root + prefix, html) for post, html in zip(posts, bodies, strict=True)]
    feed = Feed(
        title=page.name() or page.page_title() or "Blog",
        description=page.page_title(),
        url=f"{root}{prefix}/",
        feed_url=f"{root}{prefix}/{name}",
        language=page.tree,
        items=tuple(items),
    )
    return rss_feed(feed) if name == "rss.xml" else atom_feed(feed)


def _feed_item(post: ListedPost, root: str, html: str) -> FeedItem:
    return FeedItem(
        url=root + post.text("path"),
        title=post.text("title"),
        html=html,
        summary=str(post["excerpt"] or ""),
        author=post.text("author"),
        published=post.instant("created_at"),
        updated=post.instant("updated_at"),
        categories=tuple(dict.fromkeys((*post.names("categories"), *post.names("tags")))),
    )


def calendar_file(page: Page) -> str:
    """Give `calendar.json`: how many posts of the list set there are by year, month and day."""
    site, scope = page.site, page.site.scope(page.tree)
    page.recorder.read(("calendar", scope))

    def counts(kind: str) -> dict[str, int]:
        names = sorted(site.lists.names.get((scope, kind), ()))
        return {name.replace("/", "-"): len(site.members((scope, kind, name))) for name in names}

    return calendar_json(counts("year"), counts("month"), counts("day"))


def sitemap_file(page: Page, name: str) -> str:
    """Give one file of the sitemap."""
    page.recorder.read(("sitemap",))
    root = str(page.project("public_url"))
    page.project("max_posts_per_page")
    urls = {url.loc: url for url in _sitemap_urls(page.site, root)}
    return sitemap(list(urls.values()), root, name)


def _sitemap_urls(site: Site, root: str) -> Iterator[SitemapUrl]:
    for tree in site.meta.trees:
        yield from _list_urls(site, root, tree)
        yield from _post_urls(site, root, tree)


def _post_urls(site: Site, root: str, tree: str) -> Iterator[SitemapUrl]:
    prefix = site.prefix(tree)
    for path in sorted(site.order, key=site.order.__getitem__):
        slug = site.entries[path].post.slug
        if not site.is_in(path, tree) or not is_writable(slug):
            continue
        route, updated = site.route(path), _updated(site, path, tree)
        trees = site.alternates(path)
        alternates = tuple((other, f"{root}{site.prefix(other)}{route}") for other in trees) if len(trees) > 1 else ()
        yield SitemapUrl(loc=f"{root}{prefix}{route}", lastmod=local_time(site, updated), alternates=alternates)
        if site.is_page(path) and slug not in SITE_FILES:
            short = f"/{route.split('/')[4]}/"
            yield SitemapUrl(loc=f"{root}{prefix}{short}", lastmod=local_time(site, updated), alternates=())
        for record in site.untreed(path) if tree == site.main else ():
            post = site.entries[record].post
            language = post.language or post.sibling_language
            if is_writable(f"{slug}.{language}"):
                loc = f"{root}{route.rstrip('/')}.{language}/"
                yield SitemapUrl(loc=loc, lastmod=local_time(site, updated), alternates=())


def _list_urls(site: Site, root: str, tree: str) -> Iterator[SitemapUrl]:
    size, prefix, scope = site.meta.project.max_posts_per_page, site.prefix(tree), site.scope(tree)
    if not site.members((scope, "root", "")):
        yield SitemapUrl(loc=f"{root}{prefix}/", lastmod=None, alternates=())
    for key in sorted(key for key in site.lists.members if key[0] == scope):
        posts = site.members(key) if key[1] not in {"tag", "category"} or is_writable(key[2]) else ()
        for number in range(1, page_count(site, len(posts)) + 1):
            shown = posts[(number - 1) * size : number * size]
            updated = max(_updated(site, path, tree) for path in shown)
            loc = f"{root}{prefix}{list_href(key[1], key[2], number)}"
            yield SitemapUrl(loc=loc, lastmod=local_time(site, updated), alternates=())


def _updated(site: Site, path: str, tree: str) -> int:
    base, shown = site.entries[path].post, site.view(path, tree).post
    return shown.updated_at or base.updated_at or base.created_at or 0
