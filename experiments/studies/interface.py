"""What a study is: a question, a grid of trials, what each role does in one, and the measures to read from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from experiments.records import EngineSpec, Scalar, TrialSpec

if TYPE_CHECKING:
    from experiments.role import Role

Preset = Literal["smoke", "quick"]
"""How much is run. ``smoke`` shows that everything works; ``quick`` gives indications. Neither gives verdicts."""

BLOCKS: dict[Preset, int] = {"smoke": 1, "quick": 2}


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One subject in one condition, before it is repeated over blocks.

    ``estimate_s`` is a guess of the trial's duration in seconds, used only until a measured one is known.
    ``once`` asks for a single repetition (a memory trace, which is not a sample).
    """

    condition: dict[str, Scalar]
    subject: str
    system: str | None = None
    hosting: Literal["alone", "in-loop"] | None = None
    settings: dict[str, Scalar] = {}
    engine: EngineSpec | None = None
    traced: bool = False
    once: bool = False
    labels: tuple[str, ...] = ()
    estimate_s: float = 5.0
    timeout_s: float = 180.0


class GridRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for: the preset, the systems to compare, and the engine of record."""

    preset: Preset
    systems: tuple[str, ...]
    engine: EngineSpec


class Study(ABC):
    """A question and how it is put to the systems.

    ``references`` names the subjects others are compared with inside a condition (a ratio is theirs over its): the
    first that is present counts. ``measures`` are names of metrics.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    references: ClassVar[tuple[str, ...]]
    measures: ClassVar[tuple[str, ...]]

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
