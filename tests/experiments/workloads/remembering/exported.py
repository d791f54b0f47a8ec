"""A natural conversation that went through a file in LoCoMo's format, and what a store finds in it."""

from __future__ import annotations

from pathlib import Path

from experiments.grading.archives import grade
from experiments.workloads.archives import read
from experiments.workloads.archives.interface import Archive
from experiments.workloads.remembering.locomo import exported
from experiments.workloads.remembering.natural.conversation import converse_naturally

SEED = 1907  # the study's seeds are hashes, of fifteen digits or so: never this one


def archives(folder: Path, turns: int = 500) -> list[Archive]:
    """Return what is read of a file with 200 questions in both languages."""
    path = folder / "natural.json"
    path.write_bytes(exported(converse_naturally(SEED, turns, 200), "natural"))
    return read(path)


def found(store: str, conversations: list[Archive], places: int = 10) -> float:
    """Return the share of questions of which ``store`` finds any evidence among so many."""
    return grade(conversations, store)["all"][f"any@{places}"]
