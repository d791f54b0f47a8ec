"""What a study is: a question, a grid of trials, what each role does in one, and the measures to read from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

import msgspec

from experiments.measuring.records import EngineSpec, Scalar, ServiceSpec, TrialSpec
from experiments.measuring.role import Role
from systems.registry import Registry

Preset = Literal["smoke", "quick", "standard", "wide", "paper"]
"""How much is run.

``smoke`` shows that everything works; ``quick`` gives indications, in ten minutes at most; ``standard`` has the blocks
and the A/A arms that a verdict needs, in some hours; ``wide`` adds what takes longer, and a taste (one block or two) of
what takes very long; ``paper`` has every condition.
"""

BLOCKS: dict[Preset, int] = {"smoke": 1, "quick": 1, "standard": 6, "wide": 6, "paper": 12}

GRADED: tuple[Preset, ...] = ("standard", "wide", "paper")
"""The presets whose results may be judged: they have A/A arms, which say how much equals differ."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One subject in one condition, before it is repeated over blocks.

    ``part`` is one of the study's `Study.parts`. ``variant`` names in what the subject differs from its
    ``system`` as it comes: settings, hosting or engine.
    ``estimate_s`` is a guess of the trial's duration in seconds, used only until a measured one is known.
    ``blocks`` bounds the repetitions (a memory trace is not a sample: one is enough); None: as many as the run has.
    ``twin`` makes it the second half of an A/A arm: the same subject once more, to see how much equals differ.
    ``profile`` names other limits than the run's.
    What is said in it is the run's workload, or, ``says_itself``, the study's own words.
    ``services`` are started for the trial. ``requires`` names what else it needs that a machine may lack
    (`experiments.measuring.requirements`); ``impossible`` says why the subject cannot be put in this condition at all.
    A cell that lacks something, or is impossible, is skipped with the reason.
    """

    part: str
    condition: dict[str, Scalar]
    subject: str
    system: str | None = None
    variant: str = ""
    hosting: Literal["alone", "in-loop"] | None = None
    settings: dict[str, Scalar] = {}
    engine: EngineSpec | None = None
    traced: bool = False
    blocks: int | None = None
    twin: bool = False
    profile: str | None = None
    says_itself: bool = False
    services: tuple[ServiceSpec, ...] = ()
    requires: tuple[str, ...] = ()
    impossible: str = ""
    labels: tuple[str, ...] = ()
    estimate_s: float = 5.0
    timeout_s: float = 180.0


def twins(cells: Iterable[Cell]) -> list[Cell]:
    """Return the second halves of the A/A arms of ``cells``."""
    return [msgspec.structs.replace(cell, twin=True) for cell in cells]


class GridRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for: the preset, the systems to compare, and the engine of record.

    ``shapes`` holds an engine with a made model for each name that `Study.shapes` asked for; it is empty where the
    engine of record runs no model.
    """

    preset: Preset
    systems: tuple[str, ...]
    engine: EngineSpec
    shapes: Mapping[str, EngineSpec] = {}


def narrowed(request: GridRequest) -> GridRequest:
    """Return ``request`` for what has nothing to add in the preset ``wide``: there it is that of ``standard``."""
    return msgspec.structs.replace(request, preset="standard") if request.preset == "wide" else request


class Study(ABC):
    """A question and how it is put to the systems.

    ``parts`` tells by name what each part of the study asks; every cell belongs to one. ``references`` names the
    subjects others are compared with inside a condition (a ratio is theirs over its): the first that is present counts.
    ``measures`` are names of metrics; the ``primary`` ones among them answer the question, and are what the report
    judges. ``loads`` names the systems whose code its trials of components load.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    parts: ClassVar[Mapping[str, str]]
    references: ClassVar[tuple[str, ...]]
    measures: ClassVar[tuple[str, ...]]
    primary: ClassVar[tuple[str, ...]] = ()
    loads: ClassVar[tuple[str, ...]] = ()

    def shapes(self, preset: Preset) -> tuple[str, ...]:  # noqa: ARG002 - most studies need none
        """Return the model shapes this study needs besides the model of record."""
        return ()

    @abstractmethod
    def grid(self, request: GridRequest) -> Sequence[Cell]:
        """Return the cells of this study."""

    def has_client(self, spec: TrialSpec) -> bool:  # noqa: ARG002 - most studies need none
        """Return whether a client role drives this trial from outside the limits."""
        return False

    @abstractmethod
    def run_subject(self, role: Role) -> None:
        """Do the subject's part of one trial, inside the limits."""

    def run_client(self, role: Role) -> None:
        """Do the client's part of one trial, outside the limits."""
        raise TypeError(f"The study {self.name} has no client; {role.spec.subject} asked for one.")


studies: Registry[type[Study]] = Registry(
    "study",
    "fourgig.studies",
    {
        "isolation": "experiments.studies.isolation:Isolation",
        "lazy-loading": "experiments.studies.lazy_loading:LazyLoading",
        "memory": "experiments.studies.memory:Memory",
        "load": "experiments.studies.load:Load",
        "density": "experiments.studies.density:Density",
        "research": "experiments.studies.research:Researching",
        "strategies": "experiments.studies.strategies:Strategies",
        "frameworks": "experiments.studies.frameworks:Frameworks",
    },
)
