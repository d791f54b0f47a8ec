"""The tables on the pages of the study `frameworks`: what each system took and kept, from a run's records alone.

A table of a page has a row a system and a column a measure in a condition. `headline` writes them between the marks of
each page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from experiments import metrics
from experiments.analysis.frames import of_study, where
from experiments.analysis.run import Run
from experiments.report import text
from experiments.workloads.framework_levels import BARE, CLOSED, FULL_CONTEXT, KILLED, OURS, REFUSES, TRIMS, WINDOW

STUDY = "frameworks"

_Factors = Mapping[str, str | int]


class FrameworkColumn(NamedTuple):
    """A measure in the conditions that fit ``factors``, under ``title``.

    In place of a measure may stand the beginning of its name, where of several that differ in their ends one is true.
    """

    title: str
    measure: str
    factors: _Factors


class FrameworkTable(NamedTuple):
    """A table of a page: the sentence above it, and its columns."""

    about: str
    columns: tuple[FrameworkColumn, ...]


_LONG = {"sessions": 1}
_COSTS = (
    ("processor time a turn", "turn_cpu"),
    ("last quarter over first", "turn_cpu_growth"),
    ("resident memory", "system_memory"),
    ("growth of memory", "turn_memory"),
    ("disk", "session_disk"),
    ("messages in the last prompt", "prompt_messages_last"),
    ("tokens in it", "prompt_tokens_last"),
    ("of these, the system's", "prompt_instructions"),
)


def _columns(named: Sequence[tuple[str, str]], **factors: str | int) -> tuple[FrameworkColumn, ...]:
    return tuple(FrameworkColumn(title, measure, factors) for title, measure in named)


PAGES: Mapping[str, tuple[FrameworkTable, ...]] = {
    "turns": (
        FrameworkTable(f"One window of {WINDOW} messages, 200 turns:", _columns(_COSTS, window=WINDOW, **_LONG)),
        FrameworkTable("As each comes, 200 turns:", _columns(_COSTS, window=0, **_LONG)),
        FrameworkTable(
            "What 21 sessions of one turn each keep open, with one window:",
            _columns((("descriptors", "descriptors"), ("threads", "threads")), sessions=21, window=WINDOW),
        ),
    ),
    "users": tuple(
        FrameworkTable(
            f"{users} user{'s' if users > 1 else ''} at once:",
            _columns(
                (
                    ("throughput", "throughput"),
                    ("latency, median", "latency_p50"),
                    ("95th percentile", "latency_p95"),
                    ("processor time a request", "cpu_per_request"),
                    ("peak memory of the group", "group_peak_memory"),
                    ("answered", "success_rate"),
                ),
                users=users,
            ),
        )
        for users in (1, 10, 50)
    ),
    "start": (
        FrameworkTable(
            "Each is started twice; all but the last column is of the second time:",
            _columns(
                (
                    ("first reply", "system_start"),
                    ("ready", "system_ready"),
                    ("resident memory, idle", "system_idle_memory"),
                    ("first reply of the first start", "system_first_start"),
                )
            ),
        ),
    ),
    "kills": (
        FrameworkTable(
            "Acknowledged turns, of five, that stand in the prompt after a new start:",
            (
                *(
                    FrameworkColumn(f"{ends}, {words}", "turns_kept", {"end": end, "window": window})
                    for window, words in ((WINDOW, "one window"), (0, "as it comes"))
                    for end, ends in ((KILLED, "kill -9"), (CLOSED, "closed"))
                ),
                FrameworkColumn("goes on after a kill", "goes_on", {"end": KILLED, "window": WINDOW}),
            ),
        ),
    ),
    "overflow": tuple(
        FrameworkTable(
            f"An endpoint that {endpoint} what is too long:",
            tuple(
                FrameworkColumn(f"{title}, {words}", measure, {"endpoint": endpoint, "window": window})
                for window, words in ((WINDOW, "one window"), (0, "as it comes"))
                for title, measure in (
                    ("outcome", "overflow_"),
                    ("turns answered", "overflow_answered"),
                    ("longest prompt over the context", "overflow_sent"),
                )
            ),
        )
        for endpoint in (REFUSES, TRIMS)
    ),
    "recall": tuple(
        FrameworkTable(
            f"{words}:",
            _columns(
                (
                    ("evidence in the prompt", "evidence_in_prompt"),
                    ("right answers", "right_answers"),
                    ("answered from the prompt", "answers_from_prompt"),
                    ("another value", "other_values"),
                ),
                window=window,
            ),
        )
        for window, words in ((WINDOW, f"One window of {WINDOW} messages"), (0, "As each comes"))
    ),
}
"""The tables of each part's page, by the part."""


def path(part: str) -> Path:
    """Return the page of a part, in the repository."""
    return Path(f"docs/{STUDY}/{part}.md")


def mark(part: str) -> str:
    """Return what the marks on a part's page are called."""
    return f"{part}, generated from results/reference"


def section(run: Run, part: str) -> str:
    """Return the tables of a part's page in Markdown; empty where the run has nothing of it.

    A cell is the median over the blocks, in parentheses the least and the most where they read differently. Where the
    study was run more than once, a table is of the first run that has it.
    """
    measures = [where(of_study(each.measures, STUDY, twins=False), part=part) for each in run.split()]
    tables = (next(filter(None, (_table(mine, table) for mine in measures)), "") for table in PAGES[part])
    return "\n\n".join(filter(None, tables))


def _table(measures: pd.DataFrame, table: FrameworkTable) -> str:
    """Return one table; empty where nothing of it was measured."""
    chosen = [where(measures, **column.factors) for column in table.columns]
    rows = [
        (
            name,
            [_cell(here[here["subject"] == name], column) for here, column in zip(chosen, table.columns, strict=True)],
        )
        for name in _ordered({name for here in chosen for name in here["subject"]})
    ]
    rows = [(name, cells) for name, cells in rows if any(cells)]
    if not rows:
        return ""
    head = [
        f"| system | {' | '.join(column.title for column in table.columns)} |",
        f"|---|{'---:|' * len(table.columns)}",
    ]
    lines = [f"| {name} | {' | '.join(cell or '–' for cell in cells)} |" for name, cells in rows]
    return f"{table.about}\n\n" + "\n".join([*head, *lines])


def _ordered(names: set[str]) -> list[str]:
    """Return the floor first, then the lab's agents, then the others."""
    first = (BARE, *OURS)
    return [*(name for name in first if name in names), *sorted(names - {*first})]


def _cell(measures: pd.DataFrame, column: FrameworkColumn) -> str:
    """Return what was measured, in words; empty where nothing was."""
    if column.measure.endswith("_"):
        return " or ".join(_true(measures, column.measure))
    values = measures[measures["metric"] == column.measure]["value"].dropna()
    if values.empty:
        return ""
    unit = metrics.get(column.measure).unit
    middle, *ends = (_shown(value, column.measure, unit) for value in (values.median(), values.min(), values.max()))
    return middle if len(set(ends)) == 1 else f"{middle} ({ends[0]} … {ends[1]})"


def _true(measures: pd.DataFrame, prefix: str) -> Iterator[str]:
    """Yield what of the outcomes of a full context came in any block."""
    for outcome in FULL_CONTEXT:
        if (measures[measures["metric"] == f"{prefix}{outcome}"]["value"] > 0).any():
            yield outcome


def _shown(value: float, measure: str, unit: str) -> str:
    if measure in _TIMES:
        return f"× {text.significant(value)}"
    return text.share(value) if unit == "ratio" else text.quantity(value, unit)


_TIMES = ("turn_cpu_growth", "overflow_sent")  # the others of this unit are shares
