"""From values to bytes: what a post is, the site, its pages, Markdown and Liquid."""
