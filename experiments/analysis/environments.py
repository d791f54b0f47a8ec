"""Which results may stand side by side: those of one machine, one model, one set of limits."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from experiments.errors import RunFolderError
from experiments.measuring.records import Record
from experiments.measuring.runs import RunInfo

_USED = ("outside.", "service.")
_SOFTWARE = ("python", "sqlite", "package.", *_USED)
_VARIABLES = "variables"


def differences(before: RunInfo, after: RunInfo) -> list[str]:
    """Return every difference that forbids to compare two runs, as "name: this against that".

    What the measured code or a package brings about forbids nothing: runs are compared for it. Neither do the shapes
    that a study needed besides the model of record: a cell that uses one is compared only where both runs used it.
    """
    facts, others = _facts(before), _facts(after)
    # Earlier runs did not record them: nothing is known of theirs.
    if _VARIABLES in before.environment and _VARIABLES in after.environment:
        facts |= _variables(before)
        others |= _variables(after)
    names = dict.fromkeys([*facts, *others])
    return [
        f"{name}: {_written(facts.get(name))} against {_written(others.get(name))}"
        for name in names
        if facts.get(name) != others.get(name)
    ]


def software(before: RunInfo, after: RunInfo) -> list[str]:
    """Return in words which code, packages and services changed between two runs.

    A package or a service that only one of them used is no change.
    """
    changed = [] if before.code_version == after.code_version else ["the code"]
    for name in sorted({*before.environment, *after.environment}):
        version, other = before.environment.get(name), after.environment.get(name)
        if not name.startswith(_SOFTWARE) or version == other or (name.startswith(_USED) and None in (version, other)):
            continue
        shown = name.removeprefix("package.").removeprefix("outside.").replace("service.", "the service ", 1)
        changed.append(f"{shown} {version} → {other}")
    return changed


def refuse_mixed(info: RunInfo, records: Sequence[Record]) -> None:
    """Raise `RunFolderError` where a run holds records of another code or another backend than it names."""
    versions = info.code_versions or (info.code_version,)
    strange = [
        record for record in records if record.spec.code_version not in versions or record.backend != info.backend
    ]
    if strange:
        raise RunFolderError(
            f"{len(strange)} of {len(records)} records of run {info.run_id} come from other code or another enforcing "
            "backend than it names: results of different environments are not pooled."
        )


def _facts(info: RunInfo) -> dict[str, object]:
    """Return by name what two runs must have in common."""
    machine = {
        name: value for name, value in info.environment.items() if not name.startswith(_SOFTWARE) and name != _VARIABLES
    }
    model = f"{info.engine.model} ({(info.engine.model_sha256 or 'no digest')[:12]})" if info.engine.model else None
    limits = {f"limits {name}": value for name, value in msgspec.structs.asdict(info.profile).items()}
    return {
        **machine,
        "engine": info.engine.name,
        "model": model,
        **limits,
        "backend": info.backend,
        "enforced": info.enforced,
        "lacking": "; ".join(info.lacking) or None,
        "seed": info.seed,
    }


def _variables(info: RunInfo) -> dict[str, object]:
    return {f"variable {name}": value for name, value in info.environment[_VARIABLES].items()}


def _written(value: object) -> str:
    return "none" if value is None else str(value)
