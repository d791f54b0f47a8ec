"""The tables of a report: every measure per condition and subject, and its ratio to the reference."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis import order
from experiments.report import text
from experiments.report.scene import Scene

_WIDTH = 3  # subjects beside the reference that a printed page holds


class TableCell(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of one subject in one condition, in words. Empty where it was not measured."""

    median: str = "–"
    range: str = ""
    ratio: str = ""
    certainty: str = ""


class TableRow(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of every subject in one condition."""

    title: str
    formula: str
    better: str
    cells: list[TableCell]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One condition: a row a measure, a column a subject. ``labels`` must be shown with it.

    A condition with many subjects takes several tables, each with the reference in its first column.
    """

    condition: str
    labels: list[str]
    reference: str
    subjects: list[str]
    rows: list[TableRow]


def measures(scene: Scene) -> pd.DataFrame:
    """Return the median and range over blocks of every measure, per condition and subject, with its labels."""
    keys = ["study", "condition", "subject", "metric", "unit"]
    summed = scene.measures.groupby(keys, sort=False, as_index=False).agg(
        blocks=("block", "nunique"), median=("value", "median"), smallest=("value", "min"), largest=("value", "max")
    )
    summed["labels"] = ["; ".join(scene.labels.get(place, [])) for place in summed["condition"]]
    return summed


def ratios(scene: Scene) -> pd.DataFrame:
    """Return the ratios to the reference, summed up over blocks, with the labels of their conditions."""
    summed = scene.summaries
    return summed.assign(labels=["; ".join(scene.labels.get(place, [])) for place in summed["condition"]])


def csv(frame: pd.DataFrame) -> bytes:
    """Return a frame as it lies beside a page."""
    return frame.to_csv(index=False, lineterminator="\n").encode()


def by_condition(scene: Scene, summed: pd.DataFrame, compared: pd.DataFrame, wanted: Sequence[str]) -> list[Table]:
    """Return the tables of every condition in which some of the ``wanted`` metrics were measured.

    They are made of the scene's `measures`, ``summed`` up, and of its `ratios`, ``compared``.
    """
    known = metrics.registered()
    measured, paired = (
        {str(condition): group for condition, group in frame.groupby("condition", sort=False)}
        for frame in (summed, compared)
    )
    tables = []
    for condition in sorted(measured, key=order.natural):
        here, against = measured[condition], paired.get(condition, compared[:0])
        there = set(here["metric"])
        names = [name for name in wanted if name in there]
        if not names:
            continue
        values, pairs = _by_cell(here), _by_cell(against)
        tables += [
            Table(
                condition=text.plain(condition),
                labels=scene.labels.get(condition, []),
                reference=text.plain(against["reference"].iloc[0]) if len(against) else "",
                subjects=[text.plain(subject) for subject in subjects],
                rows=[
                    TableRow(
                        title=known[name].title,
                        formula=known[name].formula,
                        better=known[name].better,
                        cells=[_cell(values.get((name, each)), pairs.get((name, each))) for each in subjects],
                    )
                    for name in names
                ],
            )
            for subjects in _columns(scene.subjects(here["subject"]))
        ]
    return tables


def _columns(subjects: list[str]) -> list[list[str]]:
    """Return the subjects of each table: no more than fit a sheet of paper, the reference first in every table."""
    first, *rest = subjects
    return [[first, *rest[start : start + _WIDTH]] for start in range(0, max(1, len(rest)), _WIDTH)]


def _by_cell(frame: pd.DataFrame) -> dict[tuple[str, str], dict[Hashable, Any]]:
    return {(row["metric"], row["subject"]): row for row in frame.to_dict("records")}


def _ratio(pair: Mapping[Hashable, Any]) -> tuple[str, str]:
    """Return a ratio, and how certain it is: its intervals, or the range of few blocks, and what was lost."""
    lost = text.plain(pair["lost"])
    if not pair["blocks"]:
        return "no ratio", lost or "no complete block"
    if pair["indicative"]:
        ends = text.ends(pair["smallest"], pair["largest"])
        certainty = f"{ends}, indicative, {pair['blocks']} block{'s' if pair['blocks'] != 1 else ''}"
    else:
        robust = text.ends(pair["robust_low"], pair["robust_high"])
        certainty = f"{text.ends(pair['low'], pair['high'])}, 95 % interval; robust {robust}"
    return f"× {text.significant(pair['geometric_mean'])}", f"{certainty}; {lost}" if lost else certainty


def _cell(value: Mapping[Hashable, Any] | None, pair: Mapping[Hashable, Any] | None) -> TableCell:
    if value is None:
        return TableCell()
    unit, blocks = str(value["unit"]), int(value["blocks"])
    ratio = certainty = ""
    if pair is not None:
        ratio, certainty = _ratio(pair)
    return TableCell(
        median=text.quantity(value["median"], unit),
        range=text.span(value["smallest"], value["largest"], unit) if blocks > 1 else "1 block",
        ratio=ratio,
        certainty=certainty,
    )
