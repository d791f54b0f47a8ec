"""What a person's word for a source means: a web page, or a file or folder of this machine."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from systems.research.sources.addresses import WebAddress, web_address
from systems.research.sources.documents import CannotRead

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")


def place_of(source: str) -> WebAddress | Path:
    """Return where a source is. Raises `CannotRead` for a scheme other than http, https and file."""
    scheme = _SCHEME.match(source.strip())
    if scheme is None:
        return _path(source)
    if scheme[1].lower() == "file":
        parts = urlsplit(source.strip())
        if parts.netloc not in ("", "localhost"):
            raise CannotRead("it is a file of another machine")
        return _path(unquote(parts.path))
    return web_address(source)


def _path(name: str) -> Path:
    if "\0" in name or not name.strip():
        raise CannotRead("it names neither a file nor a web page")
    return Path(name).expanduser()
