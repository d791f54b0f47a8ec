"""The studies of a run as this installation has them: one that it lacks has records, and nothing to compare them by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from systems.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from experiments.measuring.study import Study

_UNCOMPARED = "its measures are shown without comparison."


def installed(names: Iterable[str]) -> tuple[dict[str, type[Study]], dict[str, str]]:
    """Return those of the studies that are installed, in the order in which they are listed everywhere.

    Beside them, for each study that is not or that cannot be imported, a sentence that says so.
    """
    # The studies bring libraries of their own with them, which only comparisons need.
    from experiments.measuring.study import studies

    listed = {name: place for place, name in enumerate(studies.names())}
    here: dict[str, type[Study]] = {}
    missing = {}
    for name in sorted(dict.fromkeys(names), key=lambda name: listed.get(name, len(listed))):
        try:
            here[name] = studies.get(name)
        except UnknownName:
            missing[name] = f"The study {name} is not installed here: {_UNCOMPARED}"
        except BadInput as error:
            missing[name] = f"{str(error).removesuffix('.')}: {_UNCOMPARED}"
    return here, missing
