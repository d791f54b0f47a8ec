"""What the small system says of itself."""

import sys

import msgspec

from systems.description import Description


class NotebookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be set on it."""

    window: int = 0
    lazy: bool = False
    titles: bool = False
    torn: bool = False
    dies_at: int = 0


DESCRIPTION = Description(
    name="notebook",
    summary="Has the whole conversation in a file.",
    implementation="notebook_system:Notebook",
    settings=NotebookSettings,
    blocks=False,
    asks_address=True,
    interpreter=sys.executable,
)
