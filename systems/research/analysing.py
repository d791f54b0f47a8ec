"""The analysis as a turn sees it: documents with their relevance in, a report out, and an error where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from systems.errors import FourgigError
from systems.research.analysis.reports import AnalysisFailed, RatedDocument, Report
from systems.research.analysis.running import Analysis
from systems.research.sources.documents import Document

# Characters of a document that are analysed, and of all of them: what keywords stand out shows in less.
_EACH, _TOGETHER = 50_000, 2_000_000


class NoAnalysis(FourgigError):
    """The analysis failed; the message says how."""


class Analyser:
    """Has documents analysed."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    async def told(self, documents: Sequence[Document], relevance: Mapping[int, float]) -> Report:
        """Return the report of ``documents``; ``relevance`` has that of some by their places. Raises `NoAnalysis`.

        The most relevant are read first, where all of them are too many.
        """
        order = sorted(range(len(documents)), key=lambda place: -relevance.get(place, 0.0))
        rated, room = [], _TOGETHER
        for place in order:
            text = documents[place].text[: min(_EACH, room)]
            if not text:
                continue
            room -= len(text)
            document = documents[place]
            rated.append(
                RatedDocument(
                    source=document.source, title=document.title, text=text, relevance=relevance.get(place, 0.0)
                )
            )
        found = await self._analysis.analyse(rated)
        if isinstance(found, AnalysisFailed):
            raise NoAnalysis(f"The analysis failed ({found.reason}). {found.detail}".strip())
        return found
