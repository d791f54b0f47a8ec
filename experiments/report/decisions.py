"""Which design decision helps under which condition: a map, computed from a run's records alone.

``decisions.toml``, beside this module, says what is asked; what is answered stands in no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from experiments.analysis.claims import Fitting
from experiments.analysis.run import Run
from experiments.report import effects
from experiments.report.effects import Effect
from experiments.report.key_comparisons import KeyComparison, MeasuredComparison, measured_together, of_run, surest
from systems.errors import BadInput

_DECLARED = Path(__file__).with_name("decisions.toml")


class DecisionTest(Fitting, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shows whether a decision helps under the condition of that name: ``shows`` is the word for it on the map."""

    condition: str
    shows: str
    study: str
    metric: str
    reference: str
    subject: str


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that whoever builds an agent can do, ``instead`` of something else, and ``why`` it might help."""

    name: str
    title: str
    instead: str
    why: str
    tests: tuple[DecisionTest, ...]


class AskedCondition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A condition as it heads a column of the map (``title``) and a line of the ``advice``; ``about`` explains it.

    ``counts`` are the words of the tests that count first under it.
    """

    name: str
    title: str
    advice: str
    about: str
    counts: tuple[str, ...]


class DeclaredMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every condition and every decision that is asked about, in order."""

    conditions: tuple[AskedCondition, ...]
    decisions: tuple[Decision, ...]


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What one test that was measured says of a decision under a condition."""

    decision: Decision
    condition: AskedCondition
    shows: str
    measured: MeasuredComparison

    @property
    def effect(self) -> Effect:
        """What is known."""
        return effects.effect(self.measured.comparison)

    @property
    def sign(self) -> str:
        """The sign of the effect."""
        return effects.SIGNS[self.effect]

    @property
    def modelled(self) -> bool:
        """Whether a real language model ran."""
        return self.measured.comparison is not None and effects.ran_model(self.measured.comparison)

    @property
    def much(self) -> str:
        """How many times better or worse in which measure, and why nothing is known where nothing is."""
        comparison = self.measured.comparison
        if comparison is None:
            return "not measured"
        named = effects.title(self.measured.metric)
        ratio = effects.times(self.measured.metric, comparison)
        said = f"{ratio} in {named}" if ratio else named
        return said if self.effect is not Effect.UNKNOWN else f"{said}: {comparison.conclusion}"


class MapRow(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with its marks by the name of the condition; those that were not measured are left out."""

    decision: Decision
    cells: dict[str, list[Mark]]

    @property
    def marks(self) -> list[Mark]:
        """Every mark, in the order of the conditions."""
        return [mark for marks in self.cells.values() for mark in marks]

    @property
    def modelled(self) -> bool:
        """Whether a real language model ran for some mark."""
        return any(mark.modelled for mark in self.marks)


class DecisionMap(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions by conditions, as a run answers them: those of which nothing was measured are ``unmeasured``."""

    conditions: tuple[AskedCondition, ...]
    rows: list[MapRow]
    unmeasured: list[Decision]

    def under(self, condition: AskedCondition) -> list[Mark]:
        """Return every mark under a condition, in the order of the decisions."""
        return [mark for row in self.rows for mark in row.cells[condition.name]]

    def of(self, decision: Decision) -> MapRow:
        """Return the row of a decision that was measured."""
        return next(row for row in self.rows if row.decision == decision)


def load(path: Path = _DECLARED) -> DeclaredMap:
    """Return what is asked. Raises `BadInput` where the file is malformed, or a test names no condition of it."""
    try:
        declared = msgspec.toml.decode(path.read_bytes(), type=DeclaredMap)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadInput(f"The decisions {path} cannot be read: {error}.") from error
    conditions = [one.name for one in declared.conditions]
    decisions = [one.name for one in declared.decisions]
    for names in (conditions, decisions):
        if len(set(names)) != len(names):
            raise BadInput(f"The decisions {path} name one twice.")
    for decision in declared.decisions:
        if unknown := [test.condition for test in decision.tests if test.condition not in conditions]:
            raise BadInput(
                f"The decisions {path}: {decision.name} is tested under {unknown[0]!r}, which is no condition."
            )
    return declared


def answered(run: Run, declared: DeclaredMap | None = None) -> DecisionMap:
    """Return the map of a run; None: what `load` returns is asked. It is judged as `judged` says."""
    return judged(run, declared)[1]


def judged(run: Run, declared: DeclaredMap | None = None) -> tuple[list[MeasuredComparison], DecisionMap]:
    """Return a run's key comparisons and its map, all judged as one family; ``declared`` as `answered` takes it.

    Both stand at the head of a report, and many comparisons in both.
    """
    asked = load() if declared is None else declared
    by_name = {one.name: one for one in asked.conditions}
    tests = [(decision, test) for decision in asked.decisions for test in decision.tests]
    keys = [_key(decision, test, place) for place, (decision, test) in enumerate(tests)]
    of_test: dict[str, tuple[Decision, DecisionTest]] = {key.name: test for key, test in zip(keys, tests, strict=True)}
    cells: dict[str, dict[str, list[Mark]]] = {
        decision.name: {one.name: [] for one in asked.conditions} for decision in asked.decisions
    }
    titled, tested = measured_together(run, of_run(run), keys)
    for one in surest(tested):
        if one.comparison is None:
            continue
        decision, test = of_test[one.key.name]
        mark = Mark(decision=decision, condition=by_name[test.condition], shows=test.shows, measured=one)
        cells[decision.name][test.condition].append(mark)
    rows = [MapRow(decision=decision, cells=cells[decision.name]) for decision in asked.decisions]
    # Those in which a real model ran come first, and the others apart.
    found = [row for row in rows if row.marks]
    answers = DecisionMap(
        conditions=asked.conditions,
        rows=sorted(found, key=lambda row: not row.modelled),
        unmeasured=[row.decision for row in rows if not row.marks],
    )
    return titled, answers


def _key(decision: Decision, test: DecisionTest, place: int) -> KeyComparison:
    return KeyComparison(
        name=f"{decision.name}-{place}",
        title=decision.title,
        study=test.study,
        metric=test.metric,
        reference=test.reference,
        subject=test.subject,
        factors=test.factors,
        without=test.without,
    )


def sizes(marks: Sequence[Mark]) -> list[Mark]:
    """Return marks with the largest effect first."""
    return sorted(marks, key=_size, reverse=True)


def _size(mark: Mark) -> float:
    comparison = mark.measured.comparison
    return 0.0 if comparison is None else effects.size(comparison)
