"""
The process that renders one description: text on standard input, safe HTML on standard output.

Run by file name (`python -I child.py markdown`), so it imports nothing of ours and knows no settings, no
secrets and no database. Any failure is an exit code; the caller then shows the text as it is.
"""

from __future__ import annotations

import re
import resource
import sys
from urllib.parse import urlsplit

CPU_S = 3
MEMORY_BYTES = 768 << 20
OUTPUT_MAX_CHARS = 4_000_000

TAGS = """
a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure h1
h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp section small span strong strike sub
summary sup table tbody td tfoot th thead tr tt u ul var wbr aside
"""
ATTRIBUTES = {
    "*": {"id", "title", "dir"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "align"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "tr": {"align"},
    "p": {"align"},
    "div": {"align"},
    "h1": {"align"},
    "h2": {"align"},
    "h3": {"align"},
    "ol": {"start"},
    "details": {"open"},
}
LINKS = frozenset({"http", "https", "mailto", "ftp"})
PICTURES = frozenset({"http", "https"})


def limit() -> None:
    """Bound what this process may use; the kernel ends it beyond."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def markdown(text: str) -> str:
    """GitHub-flavoured Markdown (CommonMark is a part of it). Raw HTML stays, to be cleaned with the rest."""
    import cmarkgfm
    from cmarkgfm.cmark import Options

    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES | Options.CMARK_OPT_VALIDATE_UTF8
    return str(cmarkgfm.github_flavored_markdown_to_html(text, options=options))


def rst(text: str) -> str:
    """reStructuredText without files and raw HTML. Text with errors is refused, as maintainers are used to."""
    from readme_renderer import rst as renderer

    renderer.SETTINGS.update(
        file_insertion_enabled=False, raw_enabled=False, section_self_link=False, id_prefix="", line_length_limit=20_000
    )
    html = renderer.render(text)
    if html is None:
        raise ValueError("not reStructuredText")
    return str(html)


def clean(html: str) -> str:
    """Keep what only shows."""
    import nh3

    safe = nh3.clean(
        html,
        tags=set(TAGS.split()),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=attribute,
        url_schemes=set(LINKS),
        link_rel="nofollow noopener",
        set_tag_attribute_values={
            "img": {"loading": "lazy", "referrerpolicy": "no-referrer"},
            "pre": {"tabindex": "0"},  # scrolls by keyboard
        },
    )
    return outlined(re.sub(r"<img(?![^>]* src=)[^>]*>", "", safe))


def outlined(html: str) -> str:
    """
    Headings below the page's own two levels and without gaps, whatever levels the author chose.

    The cleaner writes tags in one way, so a pattern is enough; in texts and attributes the change would be harmless.
    """
    above: list[int] = []

    def renumbered(found: re.Match[str]) -> str:
        if not found[1]:
            while above and above[-1] >= int(found[2]):
                above.pop()
            above.append(int(found[2]))
        return f"<{found[1]}h{min(6, 2 + max(1, len(above)))}"

    return re.sub(r"<(/?)h([1-6])(?=[ >])", renumbered, html)


def attribute(tag: str, name: str, value: str) -> str | None:
    """Own names for anchors, and no address but a whole one: a relative one would point into this index."""
    if name == "id":
        return f"readme-{value[:100]}"
    if name == "href" and value.startswith("#"):
        return f"#readme-{value[1:101]}"
    if name in ("href", "src"):
        return value if scheme(value) in (LINKS if name == "href" else PICTURES) else None
    return value


def scheme(url: str) -> str:
    """The scheme of an address, empty for relative and unreadable ones."""
    try:
        return urlsplit(url.strip()).scheme.lower()
    except ValueError:
        return ""


def main(form: str) -> None:
    """Render standard input."""
    limit()
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    html = clean({"markdown": markdown, "rst": rst}[form](text))
    if len(html) > OUTPUT_MAX_CHARS:
        raise ValueError("too long")
    sys.stdout.buffer.write(html.encode("utf-8", "replace"))


if __name__ == "__main__":
    main(sys.argv[1])
