"""The claims ledger of a run: a page of the report, its tables, and a table of docs/results.md.

``python -m experiments.report.headline`` writes the last; a test fails when it is not what the reference run says.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from experiments import metrics
from experiments.analysis import claims, verdicts
from experiments.analysis.claims import Claim
from experiments.analysis.frames import Run
from experiments.analysis.verdicts import Ruling, Verdict
from experiments.measuring.runs import RunInfo
from experiments.report import drawing, figures, text
from experiments.report.drawing import Drawn


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One ruling in words."""

    title: str
    condition: str
    measure: str
    effect: str
    floor: str
    verdict: Verdict
    why: str
    blocks: list[tuple[str, str, str]]
    trials: list[str]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One claim with its rulings. ``command`` repeats what tested it; empty where nothing did."""

    claim: Claim
    summary: str
    rulings: list[Told]
    figures: list[Drawn]
    command: str


def judged(run: Run) -> list[Ruling]:
    """Return every claim of the ledger as ``run`` judges it."""
    return verdicts.rulings(run, claims.load())


def entries(rulings: Sequence[Ruling], info: RunInfo) -> list[Entry]:
    """Return the page's part on each claim."""
    found = []
    for claim, mine in by_claim(rulings):
        with drawing.style():
            drawn = figures.claims.draw(claim, mine)
        found.append(
            Entry(
                claim=claim,
                summary=summary(mine),
                rulings=[_told(one) for one in mine if one.test is not None],
                figures=drawn,
                command=command(info, claim.study) if claim.study and claim.tests else "",
            )
        )
    return found


def summary(mine: Sequence[Ruling]) -> str:
    """Return how often each verdict was given, or why none was."""
    if all(one.verdict is Verdict.NOT_MEASURED for one in mine):
        return f"{Verdict.NOT_MEASURED}: {mine[0].why}"
    counts = Counter(one.verdict for one in mine)
    return ", ".join(f"{counts[verdict]} × {verdict}" for verdict in Verdict if counts[verdict])


def command(info: RunInfo, study: str) -> str:
    """Return the command that runs ``study`` as this run did."""
    words = [
        "fourgig", "run", study, "--systems", ",".join(info.systems), "--profile", info.profile.name,
        "--preset", info.preset, "--blocks", str(info.blocks), "--seed", str(info.seed), "--engine", info.engine.name,
    ]  # fmt: skip
    if info.engine.model:
        words += ["--model", info.engine.model_shape or info.engine.model]
    if "url" in info.engine.settings:
        words += ["--url", str(info.engine.settings["url"])]
    for system, settings in info.settings.items():
        for name, value in settings.items():
            words += ["--set", f"{system}.{name}={value}"]
    return shlex.join(words)


def table(rulings: Sequence[Ruling]) -> str:
    """Return the ledger as a Markdown table: what was tested, and below it what was not."""
    rows = ["| claim | published | verdict of the reference run |", "|---|---|---|"]
    untested: dict[str, list[str]] = {}
    for claim, mine in by_claim(rulings):
        if claim.not_measured:
            untested.setdefault(claim.not_measured, []).append(claim.id)
            continue
        said = {verdict: [one.test.title for one in mine if one.verdict is verdict and one.test] for verdict in Verdict}
        words = "<br>".join(f"**{verdict}**: {'; '.join(titles)}" for verdict, titles in said.items() if titles)
        rows.append(f"| {claim.id}: {claim.statement} | {claim.figure} | {words} |")
    count = sum(map(len, untested.values()))
    rows += ["", f"<details><summary>{count} more are not measured, for these reasons</summary>", ""]
    rows += [f"- {', '.join(ids)}: {why}." for why, ids in untested.items()]
    return "\n".join([*rows, "", "</details>"])


def by_claim(rulings: Sequence[Ruling]) -> Iterator[tuple[Claim, list[Ruling]]]:
    """Return each claim with its rulings."""
    for _, group in groupby(rulings, key=lambda one: one.claim.id):
        mine = list(group)
        yield mine[0].claim, mine


def _told(one: Ruling) -> Told:
    assert one.test is not None
    unit = metrics.get(one.metric).unit
    shown = [text.quantity(value, unit) for value in one.values]
    beside = [text.quantity(value, unit) for value in one.reference_values] or [""] * len(shown)
    return Told(
        title=one.test.title,
        condition=text.plain(one.condition),
        measure=metrics.get(one.metric).title,
        effect=effect_said(one),
        floor="–" if one.floor is None else f"± {text.share(one.floor / 100)}",
        verdict=one.verdict,
        why=one.why,
        blocks=list(zip(map(str, one.blocks), shown, beside, strict=True)),
        trials=list(one.keys),
    )


def effect_said(one: Ruling) -> str:
    """Return the effect, or the level, with its interval; a dash where nothing was measured."""
    if one.effect is None:
        return "–"
    if one.low is None or one.high is None:
        return _written(one, one.effect)
    return f"{_written(one, one.effect)} ({_written(one, one.low)} … {_written(one, one.high)})"


def _written(one: Ruling, value: float) -> str:
    if one.claim.is_effect:
        return text.percent(value).replace("%", "%" if one.claim.unit == "percent change" else "points")
    return text.quantity(value, metrics.get(one.metric).unit)
