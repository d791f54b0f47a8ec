"""The rungs of the load study's ladders in words: which stand for a mechanism, what each step of the engine adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from experiments.report import text

NO_MECHANISM = ("", "none", "all", "in-loop")
"""Variants in an ablation ladder that stand for no mechanism: its ends, and the systems beside it."""

# The steps of the engine's ladder by their variants, and what each adds to the one before it.
_STEPS = {
    "serial": "threads",
    "one-slot": "one slot of the batched engine",
    "batching": "batching",
    "prefixes": "prefixes",
    "states": "states",
    "cache": "cache",
}


def steps(
    subjects: Iterable[str], reference: str, variants: Mapping[str, str], systems: Mapping[str, str]
) -> dict[str, str]:
    """Return what each of ``subjects``, the rungs of the engine's ladder, adds to the one before it, in their order.

    ``variants`` and ``systems`` are those of each subject. A system that is its own reference is on few of the steps:
    it comes after those that climb, by its whole name.
    """
    order = list(_STEPS)

    def place(name: str) -> tuple[bool, str, int]:
        variant = variants[name]
        there = order.index(variant) if variant in order else len(order)
        return systems[name] == systems[reference], systems[name], there

    rungs = sorted(subjects, key=place)
    climbing = {systems[name] for name in rungs} - {systems[reference]}
    return {
        name: f"+ {_STEPS.get(variants[name], text.plain(variants[name]))}"
        if climbing == {systems[name]}
        else text.plain(name)
        for name in rungs
    }
