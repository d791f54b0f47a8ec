"""Writing the documents that the agent ships with: ``python -m experiments.workloads.research.writing``."""

from __future__ import annotations

from pathlib import Path

from experiments.workloads.research.world import World
from systems.research import corpus


def write(folder: Path) -> int:
    """Write every document into ``folder``, in place of those that are there; return how many."""
    for old in folder.glob("*.md"):
        old.unlink()
    documents = World().documents()
    for document in documents:
        (folder / document.file).write_text(document.text, encoding="utf-8")
    return len(documents)


if __name__ == "__main__":
    print(f"{write(corpus.folder())} documents written.")
