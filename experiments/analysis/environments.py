"""Which results may stand side by side: those of one machine, one model, one set of limits."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.errors import RunFolderError
from experiments.measuring.records import Record
from experiments.measuring.runs import RunInfo

_SOFTWARE = ("python", "sqlite", "package.", "outside.")


def differences(before: RunInfo, after: RunInfo) -> list[str]:
    """Return what forbids to compare two runs at all: what neither measured code nor a package brings about."""
    pairs = {
        "the machine": (_machine(before), _machine(after)),
        "the model": (_models(before), _models(after)),
        "the engine": (before.engine.name, after.engine.name),
        "the limits": (before.profile, after.profile),
        "the enforcing backend": ((before.backend, before.enforced), (after.backend, after.enforced)),
    }
    return [what for what, (one, other) in pairs.items() if one != other]


def software(before: RunInfo, after: RunInfo) -> list[str]:
    """Return what of the code and the packages changed between two runs, in words."""
    changed = [] if before.code_version == after.code_version else ["the code"]
    names = sorted({*before.environment, *after.environment})
    for name in names:
        one, other = before.environment.get(name), after.environment.get(name)
        if name.startswith(_SOFTWARE) and one != other:
            changed.append(f"{name.removeprefix('package.').removeprefix('outside.')} {one} → {other}")
    return changed


def refuse_mixed(info: RunInfo, records: Sequence[Record]) -> None:
    """Raise `RunFolderError` where a run holds records of another code or another backend: they are not of one kind."""
    versions = info.code_versions or (info.code_version,)
    strange = [
        record for record in records if record.spec.code_version not in versions or record.backend != info.backend
    ]
    if strange:
        raise RunFolderError(
            f"{len(strange)} of {len(records)} records of run {info.run_id} come from other code or another enforcing "
            "backend than it names: results of different environments are not pooled."
        )


def _machine(info: RunInfo) -> dict[str, object]:
    return {name: value for name, value in info.environment.items() if not name.startswith(_SOFTWARE)}


def _models(info: RunInfo) -> list[str | None]:
    return [engine.model_sha256 for engine in (info.engine, *info.shapes.values())]
