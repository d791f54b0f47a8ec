"""What the agent made of the package agenticaiframework says of itself."""

from __future__ import annotations

from systems.agenticaiframework.settings import FrameworkSettings
from systems.description import Description

DESCRIPTION = Description(
    name="agenticaiframework",
    summary="The package agenticaiframework as it comes: its agent, context, memory and reply cache, turns on threads.",
    implementation="systems.agenticaiframework.agent:AgenticAiFramework",
    settings=FrameworkSettings,
    blocks=False,
    variants={"cache": {"none": {"cache": False}}},
    requires=("agenticaiframework",),
)
