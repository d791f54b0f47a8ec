"""One published claim beside the measured effect, a line a condition."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from matplotlib.axes import Axes

from experiments import metrics
from experiments.analysis.claims import Claim
from experiments.analysis.verdict_rules import Verdict
from experiments.analysis.verdicts import ClaimVerdict
from experiments.analysis.work import UNEQUAL
from experiments.report import drawing
from experiments.report.drawing import Drawn

_NAME_WIDTH = 44
_LINE = 0.14  # inches of a name's line

# So many conditions of unequal work are told one by one; the ledger tells all.
_TOLD = 2

_LOOKS = {
    Verdict.REPRODUCED: ("#009E73", "o"),
    Verdict.PARTLY: ("#E69F00", "^"),
    Verdict.CONTRADICTED: ("#D55E00", "X"),
    Verdict.INCONCLUSIVE: ("#6b6b6b", "D"),
}


def draw(claim: Claim, verdicts: Sequence[ClaimVerdict]) -> list[Drawn]:
    """Return the claim's figure: the effect or the level in each condition; none where nothing was measured."""
    shown = [one for one in verdicts if one.test is not None and one.verdict is not Verdict.NOT_MEASURED]
    if all(one.effect is None for one in shown):
        return []
    counts = Counter(one.verdict for one in shown)
    counted = ", ".join(f"{verdict} in {counts[verdict]}" for verdict in _LOOKS if counts[verdict])
    conditions = "condition" if len(shown) == 1 else "conditions"
    title = f"{claim.id}, “{claim.statement}”: {counted} of {len(shown)} {conditions}"
    names = _names(shown)
    lines = max(name.count("\n") + 1 for name in names)
    figure, [axes] = drawing.canvas(title, height=1.9 + (0.2 + _LINE * lines) * len(shown))
    for place, one in enumerate(shown):
        color, marker = _LOOKS[one.verdict]
        if one.floor is not None:
            axes.fill_between(
                _around_none(claim, one.floor), place - 0.4, place + 0.4, color="#56B4E9", alpha=0.3, linewidth=0,
                label="noise floor: equals differ by as much",
            )  # fmt: skip
        if one.robust_low is not None and one.robust_high is not None:
            robust = [_drawn(claim, one.robust_low), _drawn(claim, one.robust_high)]
            axes.plot(robust, [place + 0.22, place + 0.22], color=color, linewidth=0.8)
        if one.low is not None and one.high is not None:
            axes.plot([_drawn(claim, one.low), _drawn(claim, one.high)], [place, place], color=color, linewidth=1.8)
        if one.effect is None:
            where = axes.get_yaxis_transform()
            axes.text(0.02, place, "nothing was measured", transform=where, va="center", fontsize=8, color=color)
            continue
        axes.plot(
            [_drawn(claim, one.effect)], [place], color=color, marker=marker, linestyle="none", label=str(one.verdict)
        )
    _published(axes, claim)
    if claim.is_effect:
        axes.axvline(_drawn(claim, 0.0), color="#000000", linewidth=0.8)
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    if _spreads(claim, shown):
        drawing.logarithmic(axes, "x")
    axes.set_xlabel(_label(claim, shown))
    blocks = sorted({len(one.blocks) for one in shown if one.blocks})
    intervals = "thick lines are 95 % intervals, thin ones robust intervals, drawn from six blocks on"
    notes = [f"{' and '.join(map(str, blocks))} complete blocks; {intervals}"]
    notes += _unequal(shown)
    alt = f"{title}. A line a condition, with its interval, beside what was published."
    return [drawing.finish(figure, f"claim-{claim.id}", title, alt, notes)]


def _unequal(shown: Sequence[ClaimVerdict]) -> list[str]:
    """Return in which conditions the work was unequal, or in how many."""
    found = [sentence for one in shown for sentence in one.caveats if sentence.startswith(UNEQUAL)]
    told = list(dict.fromkeys(found))
    if len(told) <= _TOLD:
        return told
    return [f"{UNEQUAL} in {len(found)} of {len(shown)} conditions: the ledger says in what"]


def _names(shown: Sequence[ClaimVerdict]) -> list[str]:
    """Return each row's name: its test, with its metric where one test stands there in several."""
    names = [one.test.title if one.test else "" for one in shown]
    if len(set(names)) < len(names):
        names = [f"{name}: {metrics.get(one.metric).title.lower()}" for name, one in zip(names, shown, strict=True)]
    return ["\n".join(textwrap.wrap(name, _NAME_WIDTH)) for name in names]


def _around_none(claim: Claim, floor: float) -> list[float]:
    """Return the ends of the noise floor around no effect."""
    if _is_ratio(claim):
        return [1 / _drawn(claim, floor), _drawn(claim, floor)]
    return [-floor, floor]


def _is_ratio(claim: Claim) -> bool:
    return claim.is_effect and claim.unit == "percent change"


def _drawn(claim: Claim, value: float) -> float:
    """Return a change in percent as a ratio; anything else as it is."""
    return 1 + value / 100 if _is_ratio(claim) else value


def _spreads(claim: Claim, shown: Sequence[ClaimVerdict]) -> bool:
    """Return whether the figure needs a logarithmic axis."""
    published = [claim.low, claim.high] if claim.is_effect else [claim.at_least, claim.at_most]
    values = [_drawn(claim, each) for each in (*published, *(one.effect for one in shown)) if each is not None]
    return min(values) > 0 and max(values) > 3 * min(values) and claim.unit != "percentage points"


def _published(axes: Axes, claim: Claim) -> None:
    if claim.is_effect and claim.low is not None and claim.high is not None:
        drawing.ends(
            axes, claim, _drawn(claim, claim.low), _drawn(claim, claim.high), f"published: {claim.figure}", "x"
        )
        return
    for end, words in ((claim.at_least, "at least"), (claim.at_most, "at most")):
        if end is not None:
            drawing.ends(axes, claim, end, end, f"criterion: {words} this", "x")


def _label(claim: Claim, shown: Sequence[ClaimVerdict]) -> str:
    measure = metrics.get(shown[0].metric)
    name = measure.title.lower() if len({one.metric for one in shown}) == 1 else "each measure"
    if _is_ratio(claim):
        return f"{name}, subject ÷ reference\n(1: no change)"
    if claim.is_effect:
        return f"{name}, subject − reference\n({claim.unit})"
    return f"{name} ({measure.unit})"
