"""The interpreters of such systems: where the cache keeps each, and what was noted when it was made.

One lies in ``frameworks/NAME-HASH`` of the cache, where HASH is that of its requirements. `NOTE` is written when all
else is done: a folder without it is half made, and is taken for nothing.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from systems.errors import CannotWrite
from systems.frameworks.folders import Framework
from systems.models import cache

FOLDER = "frameworks"
NOTE = "environment.json"


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """An interpreter with packages, as it was made.

    ``python`` is its version, ``installer`` what brought the packages, and ``packages`` are their versions by name.
    ``size_bytes`` is what its files hold, those of the Python beside it not counted; ``took_s`` how long making it
    took, in seconds, of which the network's share is anybody's guess; ``made`` the date, in UTC.
    """

    python: str
    installer: str
    packages: dict[str, str]
    size_bytes: int
    took_s: float
    made: str

    @property
    def listed(self) -> str:
        """Every package with its version, and the Python, in one line."""
        packages = [f"{name} {version}" for name, version in sorted(self.packages.items())]
        return ", ".join([f"Python {self.python}", *packages])


def place(framework: Framework) -> Path:
    """Return where the cache keeps the interpreter of ``framework``, made or not. Raises `CannotWrite`, `BadInput`."""
    return cache.cache_folder() / FOLDER / f"{framework.name}-{framework.digest}"


def python_in(folder: Path) -> Path:
    """Return the interpreter in ``folder``."""
    return folder / "bin" / "python"


def interpreter(framework: Framework) -> str:
    """Return the path of the interpreter, made or not; an empty one where this machine has no place to keep it."""
    try:
        return str(python_in(place(framework)))
    except CannotWrite:
        return ""


def found(framework: Framework) -> Environment | None:
    """Return what was noted of the interpreter of ``framework``; None if it is not made, or its Python has gone."""
    try:
        return noted(place(framework))
    except CannotWrite:
        return None


def noted(folder: Path) -> Environment | None:
    """Return what was noted of the interpreter in ``folder``; None if it is half made, or its Python has gone."""
    try:
        made = msgspec.json.decode((folder / NOTE).read_bytes(), type=Environment)
    except (OSError, msgspec.MsgspecError):
        return None
    return made if python_in(folder).is_file() else None


def missing(framework: Framework) -> str:
    """Return why trials of ``framework`` are skipped, with the remedy; empty where it can be run."""
    return "" if found(framework) else f"it is not installed: `{remedy(framework.name)}`"


def remedy(name: str) -> str:
    """Return the command that makes the interpreter of the system ``name``."""
    return f"fourgig systems install {name}"
