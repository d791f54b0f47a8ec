"""How many live agents fit into a small machine's memory, and what does each mechanism save? One module a part."""

from __future__ import annotations

from experiments.studies.by_file import StudyByFile


class Density(StudyByFile):
    """Live agents under a limit, memory over conversations, and what each mechanism of the tiered agent saves."""

    name = "density"
    question = "How many live agents fit into a small machine's memory, and what does each mechanism save?"
    references = ("per-process", "objects", "baseline", "none", "full", "float", "private", "exact", "threshold", "all")
