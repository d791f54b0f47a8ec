"""A page's letters: their outlines stand in it once, not once in every figure."""

from __future__ import annotations

import re

_NAME = r"[^\"]*?(DejaVuSans(?:-[A-Za-z]+)*-[0-9a-f]+)"
_OUTLINE = re.compile(rf'<path id="{_NAME}"((?: d="[^"]*")? transform="[^"]*"/>)')
_USE = re.compile(rf'xlink:href="#{_NAME}"(?: transform="translate\(([-\d.]+) 0\)")?')
_EMPTY = re.compile(r"<defs>\s*</defs>\n?")


def shared(page: str) -> str:
    """Return ``page`` with every outline its figures use in one place, at the head of its body."""
    outlines: dict[str, str] = {}

    def moved(match: re.Match[str]) -> str:
        outlines.setdefault(match[1], match[2])
        return ""

    page = _EMPTY.sub("", _OUTLINE.sub(moved, page))
    page = _USE.sub(lambda match: f'href="#{match[1]}"' + (f' x="{match[2]}"' if match[2] else ""), page)
    if not outlines:
        return page
    # Not "display: none": that would also hide the figures that use these outlines.
    paths = "\n".join(f'<path id="{name}"{rest}' for name, rest in outlines.items())
    sheet = f'<svg width="0" height="0" style="position: absolute" aria-hidden="true"><defs>\n{paths}\n</defs></svg>'
    return page.replace("<body>", f"<body>\n{sheet}", 1)
