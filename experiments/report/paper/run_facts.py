"""What the paper says of a run itself: ``run.NAME``. Where the parts of a run differ, it says which says what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from experiments.analysis.installed import installed
from experiments.analysis.parts import RunPart
from experiments.analysis.run import Run
from experiments.measuring.records import Outcome
from experiments.report import provenance, quality, text


def facts(run: Run) -> dict[str, Callable[[], object]]:
    """Return by name how to find each fact, which raises `KeyError` or `TypeError` where an environment lacks it."""
    ended = Counter(run.trials["outcome"])
    lost = [f"{count} {outcome}" for outcome, count in ended.items() if outcome != Outcome.OK]
    of_all: dict[str, Callable[[], object]] = {
        "runs": lambda: len(run.parts),
        "trials": lambda: f"{len(run.trials):,}",
        "ok": lambda: f"{ended[Outcome.OK]:,}",
        "lost": lambda: ", ".join(lost) or "none",
        "equals": lambda: _equals(run),
        "machines": lambda: len({provenance.machine(part.info) for part in run.parts}),
    }
    return of_all | {name: partial(provenance.differing, run, of) for name, of in _OF_A_PART.items()}


def _equals(run: Run) -> str:
    here, _ = installed(run.studies)
    sentence = quality.equals(run, {name: study.primary for name, study in here.items()})
    return sentence or "The run has no A/A arms: no noise floor was measured."


_OF_A_PART: dict[str, Callable[[RunPart], object]] = {
    "cores": lambda part: part.info.environment["cpus"],
    "memory": lambda part: text.quantity(float(part.info.environment["memory_bytes"]), "bytes"),
    "kernel": lambda part: str(part.info.environment["kernel"]).split("-")[0],
    "python": lambda part: part.info.environment["python"],
    "llama": lambda part: part.info.environment["package.llama-cpp-python"],
    "executor": lambda part: min(32, int(part.info.environment["cpus"]) + 4),
    "limit": lambda part: part.info.profile.description,
    "enforced": lambda part: provenance.enforced(part.info),
}
