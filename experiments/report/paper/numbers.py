"""The paper's numbers by name, each computed from the records of one run or taken from the ledger.

``NAME.FIELD`` is a comparison (a key comparison or a declared one) or a declared level; ``run.*``, ``ledger.*``,
``verdict.CLAIM``, ``published.CLAIM``, ``asserted.CLAIM``, ``law.N.W``, ``factor.*``, ``kept.*`` and ``constant.*``
are what their names say.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from experiments import metrics
from experiments.analysis.conclusions import MARGIN, Conclusion
from experiments.analysis.multiplicity import FALSE_SHARE
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.analysis.run import Run
from experiments.analysis.verdict_rules import Verdict
from experiments.analysis.verdicts import ClaimVerdict
from experiments.measuring.records import Scalar
from experiments.metrics.generation import USABLE_RATE, USABLE_WAIT_S
from experiments.metrics.measured_over_law import change_by_law
from experiments.metrics.objective import FIRST_TOKEN_S, REPLY_S
from experiments.report import decisions, key_comparisons, ledger, text
from experiments.report.key_comparisons import KeyComparison, MeasuredComparison, measured, noise, surest
from experiments.report.paper import run_facts
from experiments.report.paper.declared import Declared
from systems.errors import UnknownName

_VERBS = {
    Conclusion.SAME: "stays the same:",
    Conclusion.BELOW: "changes by less than the noise floor:",
    Conclusion.OPEN: "shows no change that can be told from noise:",
    Conclusion.INDICATIVE: "points to",
    Conclusion.NONE: "gets no verdict, as trials were lost unevenly:",
}
"""What a comparison does, by its conclusion. One that helps or hurts rises or falls."""

_ROOT = Path(__file__).resolve().parents[3]
"""The folder that the committed records lie below."""
_NBSP = "\u00a0"
_RULES = {
    "blocks": str(ENOUGH_BLOCKS),
    "coverage": text.share(0.95),
    "false-share": text.share(FALSE_SHARE),
    "margin": text.share(math.expm1(MARGIN)),
    "first-token": text.quantity(FIRST_TOKEN_S, "s"),
    "reply": text.quantity(REPLY_S, "s"),
    "usable-wait": text.quantity(USABLE_WAIT_S, "s"),
    "usable-rate": text.quantity(USABLE_RATE, "1/s"),
}
"""What was decided before any run, in words, from where the code holds it."""


class PartNotMeasured(Exception):
    """A number of a part that the run does not have: the paper says so instead of giving it."""


class NoRecord(Exception):
    """A number without a record; the text says which records it needs."""


class Numbers:
    """Every number of one run that the text may name, computed when it is asked for."""

    def __init__(self, run: Run, declared: Declared) -> None:
        self.run = run
        self.declared = declared
        self._facts: dict[str, Callable[[str], str]] = {
            "run": self._of_run,
            "ledger": self._of_ledger,
            "verdict": lambda claim: ledger.summary(self._about(claim)),
            "published": lambda claim: self._about(claim)[0].claim.figure,
            "asserted": lambda claim: self._about(claim)[0].claim.source_measured,
            "before": lambda claim: self._published_level(claim, "before"),
            "after": lambda claim: self._published_level(claim, "after"),
            "rule": lambda name: _known("rule", name, _RULES),
            "law": _by_law,
            "factor": self._of_factor,
            "kept": self._of_record,
            "constant": lambda name: _known("constant", name, declared.constants).value,
        }

    def __getitem__(self, name: str) -> str:
        """Return a number in words.

        Raises `PartNotMeasured`, `NoRecord` or, where nothing has this name, `UnknownName`.
        """
        first, _, rest = name.partition(".")
        if first in self._facts:
            words = self._facts[first](rest)
        elif first in self.declared.levels:
            words = _known("field", rest, self._level(first))
        else:
            words = _known("field", rest, _fields(self.measured(first)))
        return _unbroken(words)

    def measured(self, name: str) -> MeasuredComparison:
        """Return a comparison by its name; of several runs that have it, that of the one in which equals differ least.

        Raises as indexing does.
        """
        key = _known("number", name, self._keys)
        of_name = [one for one in self._measured if one.key.name == name and one.comparison is not None]
        conditions = surest(of_name)
        if len(conditions) == len({one.run for one in conditions}) > 0:
            return min(conditions, key=noise)
        if conditions:
            raise NoRecord(f"{name} is ambiguous: {len(conditions)} conditions of the run have its factors")
        factors = key.factors | dict.fromkeys(key.without)
        raise self._none(name, key.study, key.metric, (key.reference, key.subject), factors, key.part)

    def conclusion(self, name: str) -> str:
        """Return the conclusion of a comparison by its name. Raises as indexing does."""
        return _fields(self.measured(name))["conclusion"]

    def verdicts(self, claim: str) -> set[str]:
        """Return the different verdicts on a claim."""
        return {str(one.verdict) for one in self._about(claim)}

    def has(self, part: str) -> bool:
        """Return whether the run has any trial of a part."""
        return not self._tried(part).empty

    @cached_property
    def judged(self) -> list[ClaimVerdict]:
        """Every claim's verdicts, in the ledger's order."""
        return ledger.judge(self.run)

    @cached_property
    def key_comparisons(self) -> list[MeasuredComparison]:
        """The key comparisons as the run measured them, judged as in the report: as one family with its map."""
        return decisions.judged(self.run)[0]

    @cached_property
    def _keys(self) -> dict[str, KeyComparison]:
        return {key.name: key for key in key_comparisons.load()}

    @cached_property
    def _measured(self) -> list[MeasuredComparison]:
        # Two families: the titled comparisons with the map, as in the report, and the paper's own.
        return [*self.key_comparisons, *measured(self.run, [key for key in self._keys.values() if not key.title])]

    def _level(self, name: str) -> dict[str, str]:
        one = self.declared.levels[name]
        measures = self.run.measures
        named = measures[(measures["metric"] == one.metric) & (measures["subject"] == one.subject)]
        here = _fitting(named, one.study, one.where())
        if here.empty:
            raise self._none(name, one.study, one.metric, (one.subject,), one.where(), one.part)
        having = set(here["run"])
        here = here[here["run"] == next(part.run for part in self.run.parts if part.run in having)]
        values, unit = here["value"], metrics.get(one.metric).unit
        percent = unit == "ratio"
        return {
            "median": text.share(values.median()) if percent else text.quantity(values.median(), unit),
            "times": text.significant(values.median()),
            "exact": repr(float(values.median())),
            "range": text.span(values.min(), values.max(), unit),
            "blocks": str(here["block"].nunique()),
        }

    def _none(
        self,
        name: str,
        study: str,
        metric: str,
        subjects: tuple[str, ...],
        factors: Mapping[str, Scalar],
        part: str,
    ) -> Exception:
        if part and not self.has(part):
            return PartNotMeasured(part)
        tried = _fitting(self.run.trials, study, factors)
        lacking = [each for each in subjects if each not in set(tried["subject"])]
        where = ", ".join(f"{key}={level}" for key, level in factors.items()) or "anywhere"
        why = (
            f"has no trial of {' and '.join(lacking)} there"
            if lacking
            else f"has such trials, but no {metrics.get(metric).title.lower()} of them in one block"
        )
        return NoRecord(
            f"{name} needs the {metrics.get(metric).title.lower()} of {' and '.join(subjects)} in the study {study} "
            f"where {where}; the run {why}"
        )

    def _about(self, claim: str) -> list[ClaimVerdict]:
        _known("claim", claim, {one.claim.id: one.claim for one in self.judged})
        return [one for one in self.judged if one.claim.id == claim]

    def _published_level(self, claim: str, side: str) -> str:
        one = self._about(claim)[0].claim
        ends = _known("published level", side, {"before": one.before, "after": one.after})
        if ends is None:
            raise UnknownName("published level of the paper", f"{side}.{claim}", ())
        return f"{' … '.join(f'{end:g}' for end in dict.fromkeys(ends))}{_NBSP}{one.level_unit}"

    def _of_run(self, name: str) -> str:
        try:
            return text.plain(_known("fact of the run", name, run_facts.facts(self.run))())
        except (KeyError, TypeError) as error:
            raise NoRecord(
                f"run.{name} needs {error} in the environment that run.json holds; it is not there"
            ) from error

    def _of_ledger(self, name: str) -> str:
        claims = {one.claim.id for one in self.judged}
        tested = {one.claim.id for one in self.judged if one.verdict is not Verdict.NOT_MEASURED}
        counts = Counter(one.verdict for one in self.judged)
        facts = {
            "documents": len({one.claim.document for one in self.judged}),
            "claims": len(claims),
            "tested": len(tested),
            "judged": sum(counts.values()) - counts[Verdict.NOT_MEASURED],
        } | {str(verdict): counts[verdict] for verdict in Verdict}
        return str(_known("fact of the ledger", name, facts))

    def _tried(self, part: str) -> pd.DataFrame:
        one = _known("part", part, self.declared.parts)
        tried = _fitting(self.run.trials, one.study, one.factors)
        return tried[tried["subject"] == one.subject] if one.subject else tried

    def _of_factor(self, name: str) -> str:
        """Return the level, or the levels, that a factor had in a part."""
        one = _known("factor", name, self.declared.factors)
        tried = self._tried(one.part)
        if tried.empty:
            raise PartNotMeasured(one.part)
        levels = {given[one.factor]: None for given in tried["factors"] if one.factor in given}
        if not levels:
            raise NoRecord(f"factor.{name} needs trials with the factor {one.factor}; those of the part have none")
        return " and ".join(text.plain(level) for level in sorted(levels, key=str))

    def _of_record(self, name: str) -> str:
        """Return what a committed record beside the runs holds: one number, or the range of several."""
        one = _known("kept number", name, self.declared.kept)
        try:
            found = re.findall(one.at, (_ROOT / one.record).read_text(encoding="utf-8"), re.MULTILINE)
        except OSError as error:
            raise NoRecord(f"kept.{name} needs the record {one.record}; it cannot be read: {error}") from error
        if not found:
            raise NoRecord(f"kept.{name} needs {one.at!r} in the record {one.record}; it is not there")
        if len(found) == 1 and not one.share:
            return str(found[0])
        numbers = sorted(map(float, found))
        ends = [text.share(each) if one.share else text.significant(each) for each in (numbers[0], numbers[-1])]
        return " … ".join(dict.fromkeys(ends))


def _fields(one: MeasuredComparison) -> dict[str, str]:
    """Return what the text may name of a comparison; ``moves`` is the ratio with a verb, chosen by the conclusion."""
    comparison, unit = one.comparison, one.metric.unit
    assert comparison is not None  # `Numbers.measured` gives no other
    summary, interval = comparison.summary, key_comparisons.ratio(one)
    ratio = math.nan if summary is None else summary.geometric_mean
    direction = "falls to" if ratio < 1 else "rises to"
    return {
        "ratio": f"×{_NBSP}{text.significant(ratio)}",
        "interval": interval,
        "change": text.percent(100 * (ratio - 1)),
        "before": _value(one.reference, unit),
        "after": _value(one.subject, unit),
        "floor": text.floor(comparison.pair.floor),
        "smallest": text.share(comparison.smallest_effect),
        "conclusion": str(comparison.conclusion),
        "blocks": "0" if summary is None else str(summary.blocks),
        "moves": f"{_VERBS.get(comparison.conclusion, direction)} {interval}",
    }


def _unbroken(words: str) -> str:
    """Keep a ratio beside its sign, and an interval in one line."""
    return re.sub(r"\([^()]*…[^()]*\)", lambda hit: hit.group().replace(" ", _NBSP), words.replace("× ", f"×{_NBSP}"))


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return text.share(value) if unit == "ratio" else text.quantity(value, unit)


def _by_law(name: str) -> str:
    requests, _, workers = name.partition(".")
    if not (requests.isdecimal() and workers.isdecimal()):
        raise UnknownName("law of the paper", name, ("50.7",))
    return text.percent(change_by_law(int(requests), int(workers)))


def _fitting(frame: pd.DataFrame, study: str, factors: Mapping[str, Scalar]) -> pd.DataFrame:
    """Return the rows of a study's conditions with these factors, without the second halves of A/A arms."""
    mine = frame[(frame["study"] == study) & ~frame["twin"].astype(bool)]
    fits = [all(given.get(name) == level for name, level in factors.items()) for given in mine["factors"]]
    return mine[pd.Series(fits, index=mine.index, dtype=bool)]


def _known(kind: str, name: str, among: Mapping[str, Any]) -> Any:
    if name not in among:
        raise UnknownName(f"{kind} of the paper", name, among)
    return among[name]
