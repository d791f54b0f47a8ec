"""What is known of a question so far: filled step by step, so that whoever stops it half-way has what is there."""

from __future__ import annotations

import msgspec

from systems.interface import Degraded
from systems.research.analysis.reports import Report
from systems.research.citing import Cited
from systems.research.sources.documents import SourceRefusal
from systems.research.synthesis import FoundPassage


class SourceRead(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was read: where it is from, its title and how many characters of text it has."""

    source: str
    title: str
    characters: int


class Findings(msgspec.Struct, kw_only=True):
    """What is known of ``question``; all but that is empty until its step is done.

    ``answer`` is as long as what has been said of it. ``passages`` are those that the model was given, under their
    numbers from 1. ``analysis`` is what the analysis made of what was read. ``kept`` says that the turn is in the
    memory of its conversation. ``seconds`` are how long each step took.
    """

    question: str
    topics: tuple[str, ...] = ()
    read: list[SourceRead] = []
    refused: list[SourceRefusal] = []
    passages: tuple[FoundPassage, ...] = ()
    answer: str = ""
    cited: Cited = Cited()
    analysis: Report | None = None
    degraded: tuple[Degraded, ...] = ()
    complete: bool = False
    kept: bool = False
    seconds: dict[str, float] = {}
