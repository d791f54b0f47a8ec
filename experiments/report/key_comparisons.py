"""The comparisons a reader comes for, as a run measured them: each with its conclusion.

They are declared in ``paper/comparisons.toml``, beside the claims. The table of results in Markdown, the head of the
report, its first figure and the paper are made of the same rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from experiments import metrics
from experiments.analysis.cells import Side
from experiments.analysis.claims import Fitting
from experiments.analysis.comparisons import Comparison, compare
from experiments.analysis.pairing import Pair
from experiments.analysis.run import Run
from experiments.measuring.records import Scalar
from experiments.metrics.interface import Metric
from experiments.report import provenance, text
from systems.errors import BadInput

_HERE = Path(__file__).resolve()
_OWN = ("baseline", "asynchronous")


class KeyComparison(Fitting, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be compared: a metric of two subjects in the conditions that fit.

    The paper calls it ``name``; one without a ``title`` is the paper's alone, and ``part`` names its trials where not
    every run has them.
    """

    name: str
    title: str = ""
    part: str = ""
    study: str
    metric: str
    reference: str
    subject: str
    factors: dict[str, Scalar] = msgspec.field(default_factory=dict)


class MeasuredComparison(msgspec.Struct, frozen=True, kw_only=True):
    """A key comparison as a run measured it: medians over complete blocks, and ``subject`` over ``reference``.

    ``run`` and ``condition`` say where, and ``beside`` which run that is where another one has the same comparison.
    Without a ``comparison`` the run has no such trials.
    """

    key: KeyComparison
    metric: Metric
    beside: str = ""
    run: str = ""
    condition: str = ""
    reference: float | None = None
    subject: float | None = None
    comparison: Comparison | None = None

    @property
    def title(self) -> str:
        """What is compared, in words."""
        return self.called(self.key.title)

    def called(self, title: str) -> str:
        """Return ``title`` with the run that this is of, where another one has the same comparison."""
        return f"{title} ({self.beside})" if self.beside else title


class _Declared(msgspec.Struct, forbid_unknown_fields=True):
    comparisons: list[KeyComparison]


def load(path: Path | None = None) -> list[KeyComparison]:
    """Return every declared comparison, in order. Raises `BadInput` where the file is malformed or names one twice."""
    candidates = (_HERE.with_name("comparisons.toml"), _HERE.parents[2] / "paper" / "comparisons.toml")
    source = path or next((candidate for candidate in candidates if candidate.is_file()), candidates[0])
    try:
        declared = msgspec.toml.decode(source.read_bytes(), type=_Declared).comparisons
    except (OSError, msgspec.MsgspecError) as error:
        raise BadInput(f"The comparisons {source} cannot be read: {error}.") from error
    if len({one.name for one in declared}) != len(declared):
        raise BadInput(f"The comparisons {source} name one twice.")
    return declared


def of_run(run: Run) -> list[KeyComparison]:
    """Return the titled comparisons for a run's systems: the declared ones, then the same for every other system.

    A comparison of the lab's own two agents is made for each further system as it comes, beside the same reference.
    """
    titled = [key for key in load() if key.title]
    others = [name for name in run.systems if name not in _OWN]
    again = [
        msgspec.structs.replace(key, name=f"{key.name}-{name}", title=f"{key.title}: {name}", subject=name)
        for name in others
        for key in titled
        if (key.reference, key.subject) == _OWN
    ]
    return [*titled, *again]


def measured(run: Run, wanted: Sequence[KeyComparison] | None = None) -> list[MeasuredComparison]:
    """Return ``wanted`` as the run measured it, in order, compared as one family; None: those `of_run`.

    One whose factors fit two conditions comes twice; one whose trials the run lacks comes without a comparison.
    """
    return measured_together(run, of_run(run) if wanted is None else wanted)[0]


def measured_together(run: Run, *wanted: Sequence[KeyComparison]) -> list[list[MeasuredComparison]]:
    """Return several lists as the run measured them, each as `measured` does, all compared as one family.

    What stands in two of them is one comparison: it counts once, and is judged alike in both.
    """
    lists = [[line for key in keys for line in _lines(run, key)] for keys in wanted]
    family = {_identity(one): pair for lines in lists for one, pair in lines if pair is not None}
    compared = dict(zip(family, compare(list(family.values())), strict=True))
    return [[one if pair is None else _with(one, compared[_identity(one)]) for one, pair in lines] for lines in lists]


def _identity(one: MeasuredComparison) -> tuple[str, ...]:
    return (one.run, one.key.study, one.condition, one.key.metric, one.key.reference, one.key.subject)


def surest(found: Sequence[MeasuredComparison]) -> list[MeasuredComparison]:
    """Return ``found`` in order; of what several runs have under one condition, that in which equals differ less.

    The choice is by their noise alone, and says nothing of the effect.
    """
    best: dict[tuple[str, str], MeasuredComparison] = {}
    for one in found:
        named = (one.key.name, one.condition)
        if named not in best or noise(one) < noise(best[named]):
            best[named] = one
    return [one for one in found if best[one.key.name, one.condition] is one]


def noise(one: MeasuredComparison) -> float:
    """Return the noise floor of a comparison, as a share; infinity where none is known."""
    floor = None if one.comparison is None else one.comparison.pair.floor
    return math.inf if floor is None else floor


def ratio(one: MeasuredComparison) -> str:
    """Return the ratio with its interval; the ratio of every block where blocks are too few for an interval."""
    summary = None if one.comparison is None else one.comparison.summary
    if one.comparison is None or summary is None:
        return "–"
    if summary.indicative:
        return ", ".join(f"× {text.significant(each)}" for each in one.comparison.pair.ratios)
    return text.interval(summary.geometric_mean, summary.low, summary.high)


def _lines(run: Run, key: KeyComparison) -> list[tuple[MeasuredComparison, Pair | None]]:
    """Return each condition that fits with the pair it holds; the key alone where none does."""
    metric = metrics.get(key.metric)
    found: list[tuple[MeasuredComparison, Pair | None]] = []
    for place in run.cells.places(key.study, key.fits):
        sides = [run.cells.side(place, subject, key.metric) for subject in (key.subject, key.reference)]
        ours, theirs = sides
        if ours is None or theirs is None or not any(side.values or side.failed for side in (ours, theirs)):
            continue
        floor = run.noise.of(place, key.metric)
        pair = Pair(subject=ours, reference=theirs, better=metric.better, floor=floor, exact=metric.exact)
        found.append((MeasuredComparison(key=key, metric=metric, run=place.run, condition=place.condition), pair))
    if len({one.run for one, _ in found}) > 1:
        infos = {part.run: part.info for part in run.parts}
        found = [
            (msgspec.structs.replace(one, beside=provenance.told_apart(infos[one.run])), pair) for one, pair in found
        ]
    return found or [(MeasuredComparison(key=key, metric=metric), None)]


def _with(one: MeasuredComparison, comparison: Comparison) -> MeasuredComparison:
    pair = comparison.pair
    assert pair.reference is not None
    return msgspec.structs.replace(
        one, subject=_median(pair.subject, pair), reference=_median(pair.reference, pair), comparison=comparison
    )


def _median(side: Side, pair: Pair) -> float | None:
    """Return the median over complete blocks; over all that were measured where none is complete."""
    values = [side.values[block] for block in pair.numbers] or list(side.values.values())
    return median(values) if values else None
