"""The title and the readable text of an HTML page, in one pass from its beginning to its end.

A parser that builds a tree keeps a hundred bytes or more for each tag, so that two megabytes of tags become hundreds;
this keeps the text alone, and time grows with the page's length whatever is in it. It decides what a reader sees as
text, as browsers do where pages are broken: a tag or a comment that never ends takes the rest of the page with it.
"""

from __future__ import annotations

import re
from html import unescape

from systems.research.sources.documents import CannotRead

MOST_TAGS = 100_000
"""More than the largest real pages have: what has more is made to keep a reader busy."""

_OPENING = re.compile(r"<(?=[a-zA-Z/!?])")
# A quote opens a value after "=" alone, and one that is never closed opens none. Nothing here is tried twice.
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+>")
_BEGINS_TAG = re.compile(r"</?[a-zA-Z]")
_SPACES = re.compile(r"[^\S\n]+")
_ANY_SPACES = re.compile(r"\s+")
_BLANK_LINES = re.compile(r"\n{3,}")
# Of a character's number: zeros before it, and more digits than any has. Python turns no more than some thousands of
# digits into a number, and raises.
_ZEROS, _TOO_HIGH = re.compile(r"(?<=&#)0++(?=[0-9])"), re.compile(r"&#[0-9]{8,}+;?")

# Their content is no markup: it ends at their end tag and nowhere else.
_RAW = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("script", "style", "title", "iframe")}
_HIDDEN = frozenset(("svg", "math", "template"))
_PARAGRAPHS = frozenset(
    "address article aside blockquote body dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 "
    "h6 header hr main nav ol p pre section table ul".split()
)
_LINES = frozenset(("br", "li", "option", "summary", "tr"))
_CELLS = frozenset(("td", "th"))


def read_page(html: str) -> tuple[str, str]:
    """Return the title, empty where there is none, and the text. Raises `CannotRead` where it is nothing but tags."""
    return _Reading(html).read()


class _Reading:
    def __init__(self, html: str) -> None:
        self._html = html
        self._pieces: list[str] = []
        self._title = ""
        self._as_written = 0  # how many <pre> are open
        self._hidden = ("", 0)  # which element hides what is read, and how often it is open

    def read(self) -> tuple[str, str]:
        at, tags = 0, 0
        while (opening := _OPENING.search(self._html, at)) is not None:
            self._text(at, opening.start())
            at = self._after(opening.start())
            tags += 1
            if tags > MOST_TAGS:
                raise CannotRead(f"it has more than {MOST_TAGS:,} tags")
        self._text(at, len(self._html))
        text = _SPACES.sub(" ", "".join(self._pieces))
        lines = "\n".join(line.strip() for line in text.split("\n"))
        return self._title, _BLANK_LINES.sub("\n\n", lines).strip()

    def _text(self, start: int, end: int) -> None:
        if start < end and not self._hidden[1]:
            piece = _unescaped(self._html[start:end])
            self._pieces.append(piece if self._as_written else _ANY_SPACES.sub(" ", piece))

    def _after(self, start: int) -> int:
        """Take what opens at ``start``, and return where what follows it begins."""
        html, end = self._html, len(self._html)
        if html.startswith("<!--", start):
            close = html.find("-->", start + 2)  # <!--> is a whole one
            return close + 3 if close >= 0 else end
        tag = _TAG.match(html, start)
        if tag is not None:
            return self._tag(tag[2].lower(), tag.end(), closes=bool(tag[1]), empty=tag[0].endswith("/>"))
        if _BEGINS_TAG.match(html, start):
            return end
        close = html.find(">", start)  # a declaration, or what browsers take for a comment
        return close + 1 if close >= 0 else end

    def _tag(self, name: str, after: int, *, closes: bool, empty: bool) -> int:
        hiding, depth = self._hidden
        if name in _HIDDEN and name == (hiding or name) and not empty:
            depth += -1 if closes else 1
            self._hidden = (name, depth) if depth > 0 else ("", 0)
        elif name in _RAW and not closes:
            return self._raw(name, after)
        elif name in _PARAGRAPHS:
            self._space("\n\n")
            if name == "pre":
                self._as_written = max(0, self._as_written + (-1 if closes else 1))
        elif name in _LINES:
            self._space("\n")
        elif name in _CELLS:
            self._space(" ")
        return after

    def _space(self, space: str) -> None:
        if not self._hidden[1]:
            self._pieces.append(space)

    def _raw(self, name: str, after: int) -> int:
        close = _RAW[name].search(self._html, after)
        end = close.start() if close else len(self._html)
        if name == "title" and not self._title and not self._hidden[1]:
            self._title = _ANY_SPACES.sub(" ", _unescaped(self._html[after:end])).strip()
        return end


def _unescaped(text: str) -> str:
    """Return ``text`` with its references to characters replaced; one that no character has becomes U+FFFD."""
    if "&#" in text:
        text = _TOO_HIGH.sub("\N{REPLACEMENT CHARACTER}", _ZEROS.sub("", text))
    return unescape(text)
