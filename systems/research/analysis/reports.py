"""What an analysis is given, and what comes of it: a report, or why there is none."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class RatedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was fetched, and how relevant it is to the question."""

    source: str
    title: str
    text: str
    relevance: float


class SourceCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many documents came from a source, and how relevant they are on average."""

    source: str
    count: int
    relevance: float


class TopDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One of the most relevant documents."""

    source: str
    title: str
    relevance: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The statistics of a set of documents.

    ``relevance`` is their mean and ``deviation`` their standard deviation, None where there are too few for one.
    ``sources`` stand in the order in which they first came, ``top`` and ``keywords`` with the first one first.
    """

    count: int
    relevance: float | None = None
    deviation: float | None = None
    sources: tuple[SourceCount, ...] = ()
    top: tuple[TopDocument, ...] = ()
    keywords: tuple[tuple[str, int], ...] = ()


class WhyFailed(StrEnum):
    """Why there is no report."""

    CRASHED = "crashed"
    """It raised an error, was ended by a signal, or ended itself with a status that is not zero."""
    HUNG = "hung"
    """It had not ended at its deadline."""
    FLOODED = "flooded"
    """It said or printed more than it may."""
    OUT_OF_MEMORY = "out-of-memory"
    """It wanted more memory than it may have."""
    NO_REPORT = "no-report"
    """What it said is not JSON, or is no report."""
    SILENT = "silent"
    """It ended well and had said nothing."""
    NOT_STARTED = "not-started"
    """No process, or no thread, could be started for it."""
    CLOSED = "closed"
    """The agent was closed meanwhile."""


class AnalysisFailed(msgspec.Struct, frozen=True, kw_only=True):
    """There is no report: ``reason`` is what programs look at, ``detail`` one line for a person."""

    reason: WhyFailed
    detail: str = ""
