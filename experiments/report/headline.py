"""The README's table: a few lines of a run, generated from its records and never typed.

``python -m experiments.report.headline`` writes it between the two marks in README.md; a test fails when it is not
what the reference run says.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pandas as pd

from experiments import metrics
from experiments.analysis.frames import Run, load_run
from experiments.records import Scalar
from experiments.report import text

BEGIN, END = "<!-- begin: generated from results/reference -->", "<!-- end: generated -->"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table: a measure of two subjects in the conditions that have these factors."""

    title: str
    study: str
    metric: str
    before: str
    after: str
    factors: dict[str, Scalar] = {}


_SLEEPS: dict[str, Scalar] = {"work": "sleep", "requests": 50}
_USERS: dict[str, Scalar] = {"work": "inference", "users": 50}
LINES = (
    Line(title="50 sleeping requests, 3 threads (no model)", study="isolation", metric="total_time",
         before="serial", after="offloaded-3", factors=_SLEEPS),
    Line(title="50 sleeping requests, 7 threads (no model)", study="isolation", metric="total_time",
         before="serial", after="offloaded-7", factors=_SLEEPS),
    Line(title="5 users at once, real inference", study="isolation", metric="total_time",
         before="baseline", after="asynchronous", factors={"work": "inference"}),
    Line(title="the same: how long the event loop stands still", study="isolation", metric="loop_delay_max",
         before="baseline", after="asynchronous", factors={"work": "inference"}),
    Line(title="cold start, eager", study="lazy-loading", metric="time_to_ready",
         before="baseline", after="asynchronous-eager"),
    Line(title="cold start, lazy", study="lazy-loading", metric="time_to_ready",
         before="baseline", after="asynchronous-lazy"),
    Line(title="cold start to first reply, lazy", study="lazy-loading", metric="time_to_first_reply",
         before="baseline", after="asynchronous-lazy"),
    Line(title="published cache trace, 50 entries", study="memory", metric="hit_rate",
         before="fifo", after="lru", factors={"trace": "published", "capacity": 50}),
    Line(title="lookup among 4,000 memories", study="memory", metric="retrieval_p50",
         before="like", after="full-text", factors={"memories": 4000}),
    Line(title="the same: memories found again", study="memory", metric="recall",
         before="like", after="full-text", factors={"memories": 4000}),
    Line(title="50 users over a socket, real inference", study="load", metric="throughput",
         before="baseline", after="asynchronous", factors=_USERS),
    Line(title="the same", study="load", metric="latency_p50",
         before="baseline", after="asynchronous", factors=_USERS),
    Line(title="the same", study="load", metric="group_peak_memory",
         before="baseline", after="asynchronous", factors=_USERS),
    Line(title="50 users, a sleep in the model's place (no model)", study="load", metric="throughput",
         before="baseline", after="asynchronous", factors={"work": "simulation"}),
)  # fmt: skip


def table(run: Run) -> str:
    """Return the lines that the run measured as a Markdown table: medians, and each block's ratio."""
    rows = ["| what | measure | traditional | asynchronous | ratio, block by block |", "|---|---|---|---|---|"]
    for line in LINES:
        values = _values(run, line)
        if {line.before, line.after} <= set(values.columns):
            values = values.dropna(subset=[line.before, line.after])
            metric = metrics.get(line.metric)
            before, after = (
                f"{text.quantity(values[subject].median(), metric.unit)} ({subject})"
                for subject in (line.before, line.after)
            )
            pairs = zip(values[line.before], values[line.after], strict=True)
            ratios = ", ".join(f"× {text.significant(ours / theirs)}" for theirs, ours in pairs if theirs > 0)
            rows.append(f"| {line.title} | {metric.title.lower()} | {before} | {after} | {ratios} |")
    return "\n".join(rows)


def _values(run: Run, line: Line) -> pd.DataFrame:
    """Return the metric's values: a row a block, a column a subject."""
    measures = run.measures
    matching = measures["factors"].map(lambda found: all(found.get(k) == v for k, v in line.factors.items()))
    chosen = measures[(measures["study"] == line.study) & (measures["metric"] == line.metric) & matching]
    return chosen.pivot_table(index="block", columns="subject", values="value").sort_index()


def section(run: Run) -> str:
    """Return everything between the marks: the table, and on what it was measured."""
    info = run.info
    place = info.environment
    machine = (
        f"{place.get('cpus')} × {place.get('cpu_model')}, {int(place.get('memory_bytes') or 0) / 2**30:.0f} GiB, "
        f"Linux {str(place.get('kernel')).split('-')[0]}"
    )
    limits = f"profile {info.profile.name}, {'enforced by ' + info.backend if info.enforced else 'NOT enforced'}"
    note = (
        f"Preset {info.preset}, {info.blocks} blocks: indicative, no verdicts. {len(run.trials)} trials on {machine}; "
        f"{limits}; model {info.engine.model}"
        f"{' (its words mean nothing)' if info.engine.words_are_meaningless else ''}; "
        f"{info.created[:10]}."
    )
    return f"{table(run)}\n\n{note}"


def replaced(page: str, new: str) -> str:
    """Return ``page`` with ``new`` between the marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{new}\n\n{END}{after}"


if __name__ == "__main__":
    readme = Path(sys.argv[1] if len(sys.argv) > 1 else "README.md")
    readme.write_text(replaced(readme.read_text(), section(load_run())))
