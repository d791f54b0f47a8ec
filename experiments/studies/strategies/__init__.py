"""What do strategies in pairs bring on two processors and 4 GB? One module a pair or family."""

from __future__ import annotations

from experiments.studies.by_file import StudyByFile


class Strategies(StudyByFile):
    """Reused processes, pools, caches, indexes, compression, and what else is advised, each against doing without."""

    name = "strategies"
    question = "What do strategies in pairs bring on two processors and 4 GB?"
