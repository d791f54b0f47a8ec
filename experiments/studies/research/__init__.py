"""What do tasks, threads and processes bring a research agent, and what does each lose? One module a part."""

from __future__ import annotations

from experiments.measuring.study import Preset
from experiments.studies.by_file import StudyByFile
from experiments.studies.research._pipeline_names import MODEL


class Researching(StudyByFile):
    """Fetching, saving, analysis, embeddings and summaries in several patterns, and the agent that has them."""

    name = "research"
    question = "What do tasks, threads and processes bring a research agent, and what does each lose?"
    references = ("sequential", "in-loop", "none")
    loads = ("research",)

    def shapes(self, preset: Preset) -> tuple[str, ...]:  # noqa: ARG002 - as every preset has answers in own words
        """Return the real model, which answers in its own words."""
        return (MODEL,)
