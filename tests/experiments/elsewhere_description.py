"""What the system of another interpreter says of itself, in the lab's own: cheap to import."""

import os

import msgspec

from systems.description import Description


class ElsewhereSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be set on it."""

    greeting: str = "Be brief."


DESCRIPTION = Description(
    name="elsewhere",
    summary="Runs in an interpreter of its own, with a worker, and asks its model twice a turn.",
    implementation="elsewhere_system:Elsewhere",
    settings=ElsewhereSettings,
    blocks=False,
    asks_address=True,
    interpreter=os.environ.get("ELSEWHERE_PYTHON", "/nowhere/bin/python"),
)
