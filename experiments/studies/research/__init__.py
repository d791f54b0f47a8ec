"""What do tasks, threads and processes bring a research agent, and what does each lose? One module a part."""

from __future__ import annotations

from experiments.studies.by_file import StudyByFile


class Researching(StudyByFile):
    """Fetching, saving, analysis, embeddings and summaries in several patterns, and the agent that has them."""

    name = "research"
    question = "What do tasks, threads and processes bring a research agent, and what does each lose?"
    references = ("sequential", "in-loop", "none")
    loads = ("research",)
