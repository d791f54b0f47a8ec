"""Where made models, notes about models and parsed dictionaries are kept between commands."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from systems.errors import CannotWrite

VARIABLE = "FOURGIG_CACHE"

_REMEDY = f"set {VARIABLE} to a folder that can be written"


def cache_folder() -> Path:
    """Return the folder, which need not be there. Raises `CannotWrite` where this machine offers no place for one."""
    if chosen := os.environ.get(VARIABLE):
        return _utf8(Path(chosen))
    if base := os.environ.get("XDG_CACHE_HOME"):
        return _utf8(Path(base) / "fourgig")
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and this user is not in the list of users
        raise CannotWrite(f"There is no home folder to keep models and dictionaries in: {_REMEDY}.") from None
    return _utf8(home / ".cache" / "fourgig")


def made(name: str) -> Path:
    """Return the folder ``name`` of the cache, made and fit to be written. Raises `CannotWrite`."""
    folder = cache_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CannotWrite(f"The cache {folder} cannot be written ({error.strerror}): {_REMEDY}.") from error
    return folder


def _utf8(folder: Path) -> Path:
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(folder).decode("utf-8", "backslashreplace")
        raise CannotWrite(f"The cache's folder {shown} has a name that is not UTF-8: {_REMEDY}.") from None
    return folder
