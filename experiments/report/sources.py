"""What is reproduced: the paper and the four documents beside it, as the ledger numbers them.

Titles and authors are those of ``paper/references.yml``, which a test holds them to. None of the documents says when it
was published.
"""

from __future__ import annotations

import msgspec


class SourceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document whose figures are tested; ``ledger`` is how the ledger names it, ``says`` what it asserts."""

    ledger: str
    title: str
    authors: str = ""
    says: str

    @property
    def described(self) -> str:
        """By whom it is, and that it has no date."""
        return f"{self.authors or 'no author named'}, undated"


SOURCES = (
    SourceDocument(
        ledger="paper",
        title="High-Performance Asynchronous AI Agent Core System Design and Implementation for Resource-Constrained "
        "Environments",
        says="blocking calls on threads make replies come sooner and serve fifty users in 4 GB; also called source 0",
    ),
    SourceDocument(
        ledger="source 1",
        title="Memory-Efficient Agent Architecture",
        authors="Lin Xiao, Openclaw and Kimi",
        says="tiers of memory, a semantic cache and packed states halve an agent's memory",
    ),
    SourceDocument(
        ledger="source 2",
        title="Performance Optimization Strategies for AI Agent Systems",
        says="a survey: processes, pools, caches, databases, compression",
    ),
    SourceDocument(
        ledger="source 3",
        title="Python Concurrency Part 5: Memory Agent, Token Optimizer & Analysis Agent",
        says="a research agent of tasks, threads and processes, in a tutorial",
    ),
    SourceDocument(
        ledger="source 4",
        title="Performance Optimization: Maximize speed, efficiency, and scalability for AI agent systems",
        says="a framework's guide, with targets for latency, throughput and memory",
    ),
)
