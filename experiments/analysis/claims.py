"""The published claims: the ledger ``claims.toml``, and in ``claims/`` beside it a file for each source added to it.

They are the only place where published figures stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from experiments.measuring.records import Scalar
from systems.errors import BadInput, UnknownName

_HERE = Path(__file__).resolve()


class ClaimSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document that claims stand in. ``year`` is 0 where it names none, ``where`` an address or an identifier.

    ``says`` is in a few words what the document asserts.
    """

    title: str
    authors: tuple[str, ...] = ()
    year: int = 0
    where: str = ""
    says: str = ""

    @property
    def by(self) -> str:
        """By whom the document is, and when it was published, as far as it says so."""
        return f"{', '.join(self.authors) or 'no author named'}, {self.year or 'undated'}"

    @property
    def cited(self) -> str:
        """The title, with authors, year and address as far as the document gives them."""
        return f"“{self.title}” ({self.by}){f', {self.where}' if self.where else ''}"


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


class ClaimGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tests of a claim that a reader tells apart, and the words for them: those that fit all that is given here."""

    words: str
    subjects: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    factors: dict[str, Scalar] = {}

    def holds(self, test: Test) -> bool:
        """Return whether a test is one of these."""
        given = ((self.subjects, test.subject), (self.references, test.reference), (self.metrics, test.metric))
        named = all(not among or one in among for among, one in given)
        return named and all(test.factors.get(name) == level for name, level in self.factors.items())


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
    source_measured: str = ""
    what: str = ""
    groups: tuple[ClaimGroup, ...] = ()
    study: str | None = None
    metric: str | None = None
    conditions: str = ""
    criterion: str = ""
    at_least: float | None = None
    at_most: float | None = None
    every: bool = False
    tolerance: float = 0.0
    up_to: bool = False
    tests: tuple[Test, ...] = ()
    not_measured: str = ""

    @property
    def is_effect(self) -> bool:
        """Whether the claim is of one subject against another; else it is of one subject against a criterion."""
        return self.at_least is None and self.at_most is None

    @property
    def document(self) -> str:
        """The name of the source that the claim stands in, without the place there."""
        return self.source.partition(",")[0]

    @property
    def figure(self) -> str:
        """The claimed effect in words and signs, "up to" where that is the most; the criterion where there is none."""
        if self.low is None or self.high is None:
            return self.criterion
        sign = "+" if self.unit in ("percent change", "percentage points") else ""
        unit = {"percent change": "%"}.get(self.unit, self.unit)
        ends = [self.low] if self.low == self.high else [self.low, self.high]
        if max(ends) < 0:
            ends.reverse()  # a fall is written from its smaller end on, as a rise is
        written = " … ".join(f"{end:{sign}g}".replace("-", "−") for end in ends)
        return f"{'up to ' if self.up_to else ''}{written} {unit}"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """One file of claims, and the documents that they stand in."""

    sources: dict[str, ClaimSource] = {}
    claims: list[Claim] = []


class _Ledger(msgspec.Struct):
    sources: dict[str, ClaimSource]
    claims: dict[str, Claim]


def path() -> Path:
    """Return the ledger: the one packaged beside this module, else the repository's. Raises `BadInput`."""
    for candidate in (_HERE.with_name("claims.toml"), _HERE.parents[2] / "paper" / "claims.toml"):
        if candidate.is_file():
            return candidate
    raise BadInput("The claims ledger claims.toml is missing from this installation; install it again.")


def load(ledger: Path | None = None) -> dict[str, Claim]:
    """Return every claim by id: those of the ledger, then those of each file in ``claims/`` beside it, by name.

    Raises `BadInput`, which names the file, where one is malformed, has a field that there is none of, a claim whose id
    is there already or whose source no file names. The lab's own ledger is read once: every figure that shows a claim
    asks for it.
    """
    return dict((_own() if ledger is None else _read(ledger)).claims)


def sources(ledger: Path | None = None) -> dict[str, ClaimSource]:
    """Return every document that claims stand in, by the name that they call it. Raises as `load` does."""
    return dict((_own() if ledger is None else _read(ledger)).sources)


@cache
def _own() -> _Ledger:
    return _read(path())


def _read(ledger: Path) -> _Ledger:
    whole, stands = _Ledger(sources={}, claims={}), dict[str, Path]()
    added = sorted((ledger.parent / "claims").glob("*.toml"))
    for file in (ledger, *added):
        try:
            read = msgspec.toml.decode(file.read_bytes(), type=_File)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadInput(f"The claims ledger {file} cannot be read: {error}.") from error
        for name, source in read.sources.items():
            if name in whole.sources:
                raise BadInput(f"The claims ledger {file} names the source {name!r}, which is there already.")
            whole.sources[name] = source
        for claim in read.claims:
            if claim.id in whole.claims:
                raise BadInput(f"The claims ledger {file}: the claim {claim.id} is in {stands[claim.id]} already.")
            if why := _fault(claim, whole.sources):
                raise BadInput(f"The claims ledger {file}: {why}.")
            whole.claims[claim.id], stands[claim.id] = claim, file
    return whole


def _fault(claim: Claim, known: Mapping[str, ClaimSource]) -> str:
    """Return what does not go together in a claim's fields; nothing where all does."""
    if claim.document not in known:
        names = ", ".join(known) or "there is none"
        return f"the source of {claim.id} begins with no name of [sources] ({names})"
    if bool(claim.tests) == bool(claim.not_measured):
        return f"{claim.id} needs either tests or why it has none"
    if any((test.reference is not None) != claim.is_effect for test in claim.tests):
        return f"tests of {claim.id} need a reference, or a criterion, not both"
    if claim.tests and not (claim.study and all(test.metric or claim.metric for test in claim.tests)):
        return f"the tests of {claim.id} need a study and a metric"
    if claim.tests and claim.is_effect and claim.unit not in ("percent change", "percentage points"):
        return f"{claim.id} is an effect in {claim.unit!r}, and must be in percent change or percentage points"
    if claim.up_to and (claim.low is None or claim.low != claim.high or not claim.is_effect):
        return f"{claim.id} is published as up to a figure, and needs it as low and as high"
    if claim.tests and claim.is_effect and (claim.low is None or claim.high is None):
        return f"{claim.id} needs low and high, or at_least, or at_most"
    return ""


def get(claim_id: str) -> Claim:
    """Return one claim of the ledger. Raises `UnknownName`."""
    claims = load()
    if claim_id not in claims:
        raise UnknownName("claim", claim_id, claims)
    return claims[claim_id]
