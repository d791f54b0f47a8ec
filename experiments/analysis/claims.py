"""The published claims, read from the ledger ``claims.toml``, the only place where their figures stand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from experiments.measuring.records import Scalar
from systems.errors import BadInput, UnknownName

_HERE = Path(__file__).resolve()


class Fitting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which conditions are meant: those that have all of ``factors`` and none of ``without``."""

    factors: dict[str, Scalar]
    without: tuple[str, ...] = ()

    def fits(self, condition: Mapping[str, Scalar]) -> bool:
        """Return whether a condition is one of these."""
        absent = all(name not in condition for name in self.without)
        return absent and all(condition.get(name) == level for name, level in self.factors.items())


class Test(Fitting, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a claim is tested: one verdict for each condition of the claim's study that fits."""

    title: str
    subject: str
    reference: str | None = None
    metric: str | None = None


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sourced figure. The ledger's head says what each field means."""

    id: str
    source: str
    statement: str
    unit: str
    low: float | None = None
    high: float | None = None
    before: tuple[float, float] | None = None
    after: tuple[float, float] | None = None
    level_unit: str = ""
    study: str | None = None
    metric: str | None = None
    conditions: str = ""
    criterion: str = ""
    at_least: float | None = None
    at_most: float | None = None
    every: bool = False
    tolerance: float = 0.0
    tests: tuple[Test, ...] = ()
    not_measured: str = ""

    @property
    def is_effect(self) -> bool:
        """Whether the claim is of one subject against another; else it is of one subject against a criterion."""
        return self.at_least is None and self.at_most is None

    @property
    def figure(self) -> str:
        """The claimed effect in words and signs; the criterion where no figure was published."""
        if self.low is None or self.high is None:
            return self.criterion
        sign = "+" if self.unit in ("percent change", "percentage points") else ""
        unit = {"percent change": "%"}.get(self.unit, self.unit)
        ends = [self.low] if self.low == self.high else [self.low, self.high]
        if max(ends) < 0:
            ends.reverse()  # a fall is written from its smaller end on, as a rise is
        return " … ".join(f"{end:{sign}g}".replace("-", "−") for end in ends) + f" {unit}"


class _Ledger(msgspec.Struct, forbid_unknown_fields=True):
    claims: list[Claim]


def path() -> Path:
    """Return the ledger: the one packaged beside this module, else the repository's. Raises `BadInput`."""
    for candidate in (_HERE.with_name("claims.toml"), _HERE.parents[2] / "paper" / "claims.toml"):
        if candidate.is_file():
            return candidate
    raise BadInput("The claims ledger claims.toml is missing from this installation; install it again.")


def load(ledger: Path | None = None) -> dict[str, Claim]:
    """Return every claim by id. Raises `BadInput` on a malformed ledger or an id that stands twice.

    The lab's own is read once: every figure that shows a claim asks for it.
    """
    return _read(ledger) if ledger is not None else dict(_own())


@cache
def _own() -> dict[str, Claim]:
    return _read(path())


def _read(source: Path) -> dict[str, Claim]:
    try:
        entries = msgspec.toml.decode(source.read_bytes(), type=_Ledger).claims
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"The claims ledger {source} cannot be read: {error}.") from error
    claims = {claim.id: claim for claim in entries}
    if len(claims) != len(entries):
        raise BadInput(f"The claims ledger {source} names a claim twice.")
    for claim in entries:
        if bool(claim.tests) == bool(claim.not_measured):
            raise BadInput(f"The claims ledger {source}: {claim.id} needs either tests or why it has none.")
        if any((test.reference is not None) != claim.is_effect for test in claim.tests):
            raise BadInput(
                f"The claims ledger {source}: tests of {claim.id} need a reference, or a criterion, not both."
            )
    return claims


def get(claim_id: str) -> Claim:
    """Return one claim of the ledger. Raises `UnknownName`."""
    claims = load()
    if claim_id not in claims:
        raise UnknownName("claim", claim_id, claims)
    return claims[claim_id]
