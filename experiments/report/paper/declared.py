"""What ``paper/numbers.toml`` declares: numbers that the paper's text may name, and digits it may hold as typed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from experiments.measuring.records import Scalar
from systems.errors import BadInput


class PaperPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Trials that not every run has: those of the conditions with ``factors``, of ``subject`` alone if it names one.

    Where a run has none, the paper says so; where it has some, nothing may be missing.
    """

    title: str
    study: str
    factors: dict[str, Scalar]
    subject: str = ""
    figures: tuple[str, ...] = ()


class DeclaredLevel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One subject in one measure over the blocks, where the condition has these factors and none of ``without``."""

    study: str
    metric: str
    subject: str
    factors: dict[str, Scalar]
    without: tuple[str, ...] = ()
    part: str = ""

    def where(self) -> dict[str, Scalar]:
        """Return the levels that the condition must have; None: none at all."""
        return self.factors | dict.fromkeys(self.without)


class DeclaredFactor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What level a factor had in the trials of a part."""

    part: str
    factor: str


class DeclaredConstant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure that no run measures, and where it comes from."""

    value: str
    origin: str


class DeclaredRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a committed record beside the runs holds: the group of the pattern ``at`` in the file ``record``.

    ``share`` where the record has shares of one, which the paper gives in percent.
    """

    record: str
    at: str
    share: bool = False


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. ``typed`` holds the phrases with digits that may stand in the text, each with the reason."""

    parts: dict[str, PaperPart] = {}
    levels: dict[str, DeclaredLevel] = {}
    factors: dict[str, DeclaredFactor] = {}
    constants: dict[str, DeclaredConstant] = {}
    kept: dict[str, DeclaredRecord] = {}
    typed: dict[str, str] = {}


def load(path: Path) -> Declared:
    """Read the declarations. Raises `BadInput` where they are malformed or name a part that is not declared."""
    try:
        declared = msgspec.toml.decode(path.read_bytes(), type=Declared)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"The paper's numbers {path} cannot be read: {error}.") from error
    parts = {name: one.part for name, one in declared.levels.items()}
    parts |= {name: one.part for name, one in declared.factors.items()}
    for name, part in parts.items():
        if part and part not in declared.parts:
            raise BadInput(f"The paper's numbers {path}: {name} is of the part {part!r}, which is not declared.")
    return declared
