"""Bytes of a file or a page to a document: what they say they are, whether they are that, and the text in them."""

from __future__ import annotations

import re
from typing import Literal

from systems.research.sources import markup
from systems.research.sources.documents import CannotRead, Document

Kind = Literal["html", "markdown", "text"]

KINDS: dict[str, Kind] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/plain": "text",
}
"""What is read, by its media type."""

SUFFIXES: dict[str, Kind] = {
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
}
"""What is read, by the end of a file's name."""

# What begins so is what it begins as, whatever it is called.
_MAGIC = {
    b"%PDF-": "a PDF",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"PK\x03\x04": "an archive",
    b"\x1f\x8b": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"\x7fELF": "a program",
}
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}

# The encodings of the web. Python knows others, such as idna, which no page is in and some of which are slow.
_ENCODINGS = re.compile(
    r"utf-?8|utf-?16(-?[lb]e)?|(us-)?ascii|latin-?1|iso-?8859-?\d{1,2}|windows-?125\d|cp125\d|koi8-?[ru]|macintosh|"
    r"gb2312|gbk|gb18030|big5(-hkscs)?|euc-?(jp|kr)|shift[_-]?jis|iso-2022-(jp|kr)"
)
# Pages that say the first are read as the second by every browser: it has all of the first, and quotes and dashes.
_MEANT = {"ascii": "cp1252", "us-ascii": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "iso-8859-1": "cp1252"}
_META = re.compile(rb"<meta[^>]{0,200}?charset\s{0,5}=\s{0,5}[\"']?\s{0,5}([\w.:-]{1,40})", re.IGNORECASE)
_META_WITHIN = 2_048
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_LONGEST_TITLE = 300
# Its closing marks are taken off afterwards: a pattern that looks for them again at each character takes the square of
# a line's length, and holds the interpreter's lock meanwhile.
_HEADING = re.compile(rf"^#{{1,2}}[ \t]++(\S.{{0,{_LONGEST_TITLE - 1}}})", re.MULTILINE)


def media_type(content_type: str) -> tuple[str, str]:
    """Return the media type and the charset that a Content-Type names; empty where it names none."""
    kind, *parameters = content_type.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return kind.strip().lower(), value.strip().strip("\"'").lower()
    return kind.strip().lower(), ""


def page(source: str, body: bytes, content_type: str) -> Document:
    """Return the document in a page's body. Raises `CannotRead`."""
    named, charset = media_type(content_type)
    if not named:
        named = "text/html" if body.lstrip()[:1] == b"<" else "text/plain"
    if named not in KINDS:
        raise CannotRead(f"it is {named[:60]}, and only text, Markdown and HTML are read")
    return document(source, body, KINDS[named], charset=charset, name=source)


def document(source: str, body: bytes, kind: Kind, *, charset: str = "", name: str) -> Document:
    """Return the document in these bytes, titled ``name`` where it has no title of its own. Raises `CannotRead`."""
    text = _decoded(body, kind, charset)
    title = ""
    if kind == "html":
        title, text = markup.read_page(text)
    else:
        text = "\n".join(line.rstrip() for line in text.splitlines()).strip()
        title = _heading(text) if kind == "markdown" else ""
    if not text:
        raise CannotRead("it holds no text")
    return Document(source, title[:_LONGEST_TITLE] or name, text)


def _heading(text: str) -> str:
    """Return the first heading of the first two levels; empty where there is none."""
    headings = (found[1].rstrip(" \t#") for found in _HEADING.finditer(text))
    return next((heading for heading in headings if heading), "")


def _decoded(body: bytes, kind: Kind, charset: str) -> str:
    found = next((what for magic, what in _MAGIC.items() if body.startswith(magic)), None)
    if found is not None:
        raise CannotRead(f"it says it is text and is {found}")
    text = _text(body, kind, charset)
    # One in a thousand is a slip of somebody's editor; a NUL is none.
    if "\0" in text or (len(text) - len(_CONTROLS.sub("", text))) * 1_000 > len(text):
        raise CannotRead("it says it is text and is binary")
    return text


def _text(body: bytes, kind: Kind, charset: str) -> str:
    mark = next((encoding for mark, encoding in _MARKS.items() if body.startswith(mark)), None)
    if mark is None and not charset and kind == "html":
        meta = _META.search(body, 0, _META_WITHIN)
        charset = meta[1].decode("ascii", "replace").lower() if meta else ""
    if mark is None and not _ENCODINGS.fullmatch(charset or "utf-8"):
        raise CannotRead(f"its charset, {charset[:40]!r}, is none of the web's")
    said = mark or _MEANT.get(charset, charset) or "utf-8"
    if mark is None and not said.startswith("utf"):
        # Bytes that are UTF-8 beyond ASCII are not so by chance: who says something else is mistaken.
        utf8 = _tried(body, "utf-8")
        if utf8 is not None and not utf8.isascii():
            return utf8
    text = _tried(body, said)
    if text is None:
        because = f"it says it is {charset} and is not" if charset else "it names no charset, and is not UTF-8"
        raise CannotRead(because)
    return text


def _tried(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding)
    except (UnicodeError, LookupError):
        return None
