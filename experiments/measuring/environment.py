"""What a run happens in, as ``run.json`` keeps it: machine, packages, variables, and what of others it uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from experiments.errors import ServiceFailed
from experiments.measuring import code, running_services, variables
from experiments.measuring.probes import host
from experiments.measuring.records import TrialSpec
from experiments.measuring.runs import RunInfo

_USED = ("outside.", "service.")


def describe(system_names: Iterable[str], trials: Sequence[TrialSpec], before: RunInfo | None) -> dict[str, Any]:
    """Describe what these ``trials`` happen in, and keep what the run used ``before`` and does not now.

    No user names, host names or paths: it is published with results.
    """
    used = {name: value for name, value in before.environment.items() if name.startswith(_USED)} if before else {}
    return {
        **host.environment(),
        "variables": variables.that_matter(),
        **used,
        **code.outside(system_names, trials),
        **_services(trials),
    }


def _services(trials: Sequence[TrialSpec]) -> dict[str, str]:
    """Return the versions of the services that trials need; of one that does not tell, whose trials are void, none."""
    versions = {}
    for name in sorted({service.name for spec in trials for service in spec.services}):
        with suppress(ServiceFailed):
            versions[f"service.{name}"] = running_services.version(name)
    return versions
