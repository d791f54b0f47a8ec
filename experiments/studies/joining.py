"""The systems that stand beside the two that are compared, where results may be judged.

A run that compares the traditional agent with the asynchronous one has them beside these two, as they come, in a few
conditions: who names other systems gets those alone.
"""

from __future__ import annotations

import msgspec

from experiments.measuring.study import GRADED, GridRequest
from systems import registry

SYSTEMS = ("tiered", "pooled", "agenticaiframework")
"""Those that join, where they are registered."""

_COMPARED = {"baseline", "asynchronous"}


def beside(request: GridRequest) -> GridRequest:
    """Return ``request`` for the systems that stand beside those it names; perhaps there are none."""
    join = request.preset in GRADED and set(request.systems) >= _COMPARED
    known = registry.systems.names() if join else []
    return msgspec.structs.replace(
        request, systems=tuple(name for name in SYSTEMS if name in known and name not in request.systems)
    )
