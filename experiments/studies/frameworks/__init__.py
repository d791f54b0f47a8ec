"""What do the frameworks that people use cost on a small machine, beside the lab's agents? One module a part."""

from __future__ import annotations

from experiments.studies.by_file import StudyByFile
from experiments.workloads.framework_levels import BARE, OURS


class Frameworks(StudyByFile):
    """A long session, many users, a start, a kill, a context that is full, and what is remembered; with equal work."""

    name = "frameworks"
    question = "What do the frameworks that people use cost on a small machine, beside the lab's agents?"
    references = (BARE, *OURS)
