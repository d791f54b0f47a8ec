"""What the paper says of a run itself: ``run.NAME``. Where the parts of a run differ, it says which says what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from experiments.analysis.installed import installed
from experiments.analysis.pairing import ENOUGH_BLOCKS
from experiments.analysis.parts import RunPart
from experiments.analysis.run import Run
from experiments.measuring.records import Outcome
from experiments.report import provenance, quality, text


def facts(run: Run) -> dict[str, Callable[[], object]]:
    """Return by name how to find each fact, which raises `KeyError` or `TypeError` where an environment lacks it."""
    ended = Counter(run.trials["outcome"])
    lost = [f"{count} {outcome}" for outcome, count in ended.items() if outcome != Outcome.OK]
    of_all: dict[str, Callable[[], object]] = {
        "trials": lambda: f"{len(run.trials):,}",
        "ok": lambda: f"{ended[Outcome.OK]:,}",
        "lost": lambda: ", ".join(lost) or "none",
        "equals": lambda: _equals(run),
        "machine": lambda: _machines(run),
        "parts": lambda: _parts(run),
    }
    return of_all | {name: partial(provenance.differing, run, of) for name, of in _OF_A_PART.items()}


def _equals(run: Run) -> str:
    here, _ = installed(run.studies)
    sentence = quality.equals(run, {name: study.primary for name, study in here.items()})
    return sentence or "The run has no A/A arms: no noise floor was measured."


def _machines(run: Run) -> str:
    """Return how many machines there were, and with how many cores."""
    machines = {provenance.machine(part.info) for part in run.parts}
    count = "one" if len(machines) == 1 else f"not one but {len(machines)}"
    return f"{count}, with {provenance.differing(run, _OF_A_PART['cores'])} cores"


def _parts(run: Run) -> str:
    """Return in sentences which runs the studies are from, with what code, and where."""
    if len(run.parts) == 1:
        return "All studies are one run."
    begun = provenance.differing(run, lambda part: f"begun {part.info.created[:10]} by code {part.info.code_version}")
    place = provenance.differing(run, lambda part: f"on {provenance.machine(part.info)}")
    return f"The studies are {len(run.parts)} runs: {begun}; {place}. Nothing is compared across runs."


def _words(part: RunPart) -> str:
    if part.info.engine.words_are_meaningless:
        return "it has random weights; its speed and memory are those of its shape, and its words mean nothing"
    return "one, at one quantization; others differ in speed and memory, and in how they use a prompt"


def _certainty(part: RunPart) -> str:
    if part.info.blocks >= ENOUGH_BLOCKS:
        return "ratios have intervals and verdicts"
    return "everything below is indicative: too few blocks for intervals"


_OF_A_PART: dict[str, Callable[[RunPart], object]] = {
    "blocks": lambda part: part.info.blocks,
    "preset": lambda part: part.info.preset,
    "cores": lambda part: part.info.environment["cpus"],
    "processor": lambda part: part.info.environment["cpu_model"],
    "memory": lambda part: text.quantity(float(part.info.environment["memory_bytes"]), "bytes"),
    "kernel": lambda part: str(part.info.environment["kernel"]).split("-")[0],
    "python": lambda part: part.info.environment["python"],
    "llama": lambda part: part.info.environment["package.llama-cpp-python"],
    "executor": lambda part: min(32, int(part.info.environment["cpus"]) + 4),
    "limit": lambda part: part.info.profile.description,
    "enforced": lambda part: provenance.enforced(part.info),
    "model": lambda part: part.info.engine.model,
    "date": lambda part: part.info.created[:10],
    "words": _words,
    "certainty": _certainty,
}
