"""What the research agent says of itself, and its traditional twin: the same agent with every pattern naive."""

from __future__ import annotations

import msgspec

from systems.description import Description
from systems.research.settings import ResearchSequentialSettings, ResearchSettings

DESCRIPTION = Description(
    name="research",
    summary=(
        "Answers from folders and addresses, with the sources cited: reads them at once, ranks passages beside the "
        "loop, analyses in a child, summarises in the background."
    ),
    implementation="systems.research.agent:Research",
    settings=ResearchSettings,
    blocks=False,
)

SEQUENTIAL = msgspec.structs.replace(
    DESCRIPTION,
    name="research-sequential",
    summary="The same research agent with every pattern naive: one step after another, each in the event loop.",
    settings=ResearchSequentialSettings,
)
