"""What the README says of frameworks, from a run's records: a figure and a paragraph; nothing where it has none."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from experiments.analysis.frames import as_they_come, of_study, where
from experiments.analysis.run import Run
from experiments.report import text
from experiments.report.figures.frameworks.cost_memory_remembered import NAME
from experiments.workloads.framework_levels import BARE, OURS, WINDOW, WINDOWS

_STUDY, _PAGE = "frameworks", "docs/frameworks/README.md"


def section(run: Run) -> str:
    """Return the figure and the paragraph in Markdown; empty where no framework was measured beside a bare client.

    Means over blocks. Where the study was run twice, those of the first.
    """
    mine = next((part for each in run.split() if len(part := _as_they_come(each))), None)
    if mine is None:
        return ""
    long: dict[str, str | int] = {"part": "turns", "sessions": 1, "window": WINDOW}
    cpu, memory = _means(mine, "turn_cpu", **long), _means(mine, "system_memory", **long)
    frameworks = [name for name in cpu.index if name not in (BARE, *OURS) and name in memory.index]
    if BARE not in cpu.index or BARE not in memory.index or not frameworks:
        return ""
    costs = (
        f"With {WINDOWS[WINDOW]} in every prompt, no model running, a turn takes on average "
        f"{text.quantity(cpu[BARE], 's')} of processor time with a bare client and "
        f"{_least_to_most(cpu[frameworks], 's')} with {_counted(frameworks)}; "
        f"after the session they hold {_least_to_most(memory[frameworks], 'bytes')}, the bare client "
        f"{text.quantity(memory[BARE], 'bytes')}."
    )
    remembered = _means(mine, "evidence_in_prompt", part="recall", window=0)
    remembered = remembered[[name for name in frameworks if name in remembered.index]]
    if remembered.empty:
        return f"**What a framework costs.** {costs} [How]({_PAGE})."
    picture = (
        "![Cost, memory and what is remembered, a mark a system: processor time a turn, resident memory, and the share "
        f"of questions whose evidence is in the prompt](results/reference/figures/{NAME}.svg)"
    )
    kept = (
        f"As each comes, what decides an answer is in the prompts of {text.share(remembered.min())} "
        f"({remembered.idxmin()}) to {text.share(remembered.max())} ({remembered.idxmax()}) of the questions."
    )
    return f"{picture}\n\n**What a framework costs, and what it remembers.** {costs} {kept} [How]({_PAGE})."


def _as_they_come(run: Run) -> pd.DataFrame:
    """Return the study's measures of the systems themselves, without those of their variants."""
    measures = of_study(run.measures, _STUDY, twins=False)
    return measures[measures["subject"].isin(as_they_come(of_study(run.trials, _STUDY)))]


def _means(measures: pd.DataFrame, metric: str, **factors: str | int) -> pd.Series[float]:
    """Return the mean of a metric of every system as it comes, by its name."""
    here = where(measures[measures["metric"] == metric], **factors)
    return here.groupby("subject")["value"].mean()


def _least_to_most(means: pd.Series[float], unit: str) -> str:
    least, most = (
        f"{text.quantity(value, unit)} ({name})"
        for value, name in ((means.min(), means.idxmin()), (means.max(), means.idxmax()))
    )
    return least if len(means) == 1 else f"{least} to {most}"


def _counted(names: Iterable[str]) -> str:
    count = len(list(names))
    return "the framework" if count == 1 else f"the {count} frameworks"
