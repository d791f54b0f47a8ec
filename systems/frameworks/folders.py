"""The folders that are systems: what a file says of each, and where they lie.

A folder holds ``system.toml`` (`SystemFile`), ``requirements.txt`` and ``adapter.py``, whose class ``Agent`` meets the
contract of `systems.elsewhere.worker`. Where there is an ``in_process.py`` too, what it holds answers in the endpoint's
place if the setting ``in_process`` is on. Folders beside this file come with the lab; those in a person's own place
were added by a command. A system is called as its folder is, with hyphens for underscores.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from systems.errors import BadInput, UnknownName

VARIABLE = "FOURGIG_SYSTEMS"
"""The environment variable that names another place for systems that were added."""

HERE = Path(__file__).parent

SAYS = "system.toml"
REQUIREMENTS = "requirements.txt"
ADAPTER = "adapter.py"
FILES = (SAYS, REQUIREMENTS, ADAPTER)

IN_PROCESS = "in_process.py"
"""What a folder has besides where its framework takes a model as an object: one that answers by itself."""

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""What such a system may be called."""

_DIGITS = 12  # hexadecimal, of a hash


class StorageVariant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variant that a study may compare: its name, and the settings that make it."""

    name: str
    settings: dict[str, bool | int | float | str]


class SystemFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``system.toml`` says of a system.

    ``package`` is the distribution whose version counts, empty where there is none; ``python`` the oldest Python that
    it takes. ``memory`` says whose store keeps what was said, and where that lies. ``environment`` are variables that
    are set before its interpreter starts; ``switched_off`` says why, for each variable or option that switches
    something off. ``settings`` are its own, with their defaults, beside those that every such system has.
    """

    name: str
    summary: str
    homepage: str
    python: Annotated[str, msgspec.Meta(pattern=r"^3\.\d+$")]
    streams: bool
    memory: str
    package: str = ""
    environment: dict[str, str] = {}
    switched_off: dict[str, str] = {}
    settings: dict[str, bool | int | float | str] = {}
    variants: tuple[StorageVariant, ...] = ()


class Framework(msgspec.Struct, frozen=True):
    """A folder that is a system, and what its file says."""

    folder: Path
    says: SystemFile

    @property
    def name(self) -> str:
        """What the system is called."""
        return self.says.name

    @property
    def is_added(self) -> bool:
        """Whether a person added it; it is not one of the lab's then."""
        return self.folder.parent != HERE

    @property
    def requirements(self) -> Path:
        """The file of what its interpreter must have."""
        return self.folder / REQUIREMENTS

    @property
    def digest(self) -> str:
        """A hash of its requirements. Raises `BadInput` where they cannot be read."""
        return hashlib.sha256(_read(self.requirements)).hexdigest()[:_DIGITS]

    @property
    def answers_in_process(self) -> bool:
        """Whether its adapter can have a model that answers in its own process."""
        return (self.folder / IN_PROCESS).is_file()

    def files(self) -> list[Path]:
        """Return what of the folder a trial depends on: code, requirements and what the file says."""
        return sorted(path for path in self.folder.rglob("*") if path.suffix in (".py", ".toml", ".txt"))


def own_place() -> Path | None:
    """Return where systems are that a person added; None where this machine offers no place."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if base := os.environ.get("XDG_CONFIG_HOME"):
        return Path(base) / "fourgig" / "systems"
    try:
        return Path.home() / ".config" / "fourgig" / "systems"
    except RuntimeError:  # no HOME, and this user is not in the list of users
        return None


def built_in() -> list[str]:
    """Return the names of those that come with the lab."""
    return list(_names_in(HERE))


def names() -> list[str]:
    """Return the name of every one, those that come with the lab first."""
    own = own_place()
    return list(dict.fromkeys([*_names_in(HERE), *(_names_in(own) if own is not None else ())]))


def find(name: str) -> Framework | None:
    """Return the system called ``name``; None if there is no such folder. Raises `BadInput` for one that is amiss."""
    if not NAME.fullmatch(name):
        return None
    for place in (HERE, own_place()):
        folder = place and place / folder_name(name)
        if folder and (folder / SAYS).is_file():
            return read(folder)
    return None


def get(name: str) -> Framework:
    """Return the system called ``name``. Raises `UnknownName`, or `BadInput` for a folder that is amiss."""
    found = find(name)
    if found is None:
        raise UnknownName("system with an interpreter of its own", name, names())
    return found


def read(folder: Path) -> Framework:
    """Return the system in ``folder``. Raises `BadInput`, which names the file that is missing or amiss."""
    for name in FILES:
        if not (folder / name).is_file():
            raise BadInput(f"The system in {folder} has no file {name}.")
    path = folder / SAYS
    try:
        says = msgspec.toml.decode(_read(path), type=SystemFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} does not say what a system is: {error}.") from error
    if says.name.replace("-", "_") != folder.name or not NAME.fullmatch(says.name):
        raise BadInput(
            f"{path} calls its system {says.name!r}: the name is small letters, digits and hyphens, and the folder's, "
            f"with underscores for the hyphens; this folder is {folder.name}."
        )
    return Framework(folder, says)


def folder_name(name: str) -> str:
    """Return what the folder of the system ``name`` is called: a Python identifier."""
    return name.replace("-", "_")


def _names_in(place: Path) -> Iterator[str]:
    try:
        inside = sorted(place.iterdir())
    except OSError:  # nobody added any, or it cannot be looked into
        return
    for folder in inside:
        name = folder.name.replace("_", "-")
        if NAME.fullmatch(name) and (folder / SAYS).is_file():
            yield name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
