"""Which code a trial's numbers depend on, as hashes: what all trials share, a system's own and a study's own.

A change of one agent leaves the runs of every other one as they are. Analysis, reporting and the command are no part of
it: they may change without making a run unfinishable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import experiments
import systems
from experiments.measuring.services import services
from experiments.measuring.study import studies
from experiments.measuring.workload import workloads
from systems import registry
from systems.elsewhere import system as elsewhere
from systems.errors import BadInput

_NOT_MEASURING = (
    "analysis",
    "report",
    "metrics",
    "commands",
    "reader",
    "measuring/plan.py",
    "measuring/choosing.py",
    "measuring/resuming.py",
    "measuring/requirements.py",
    "measuring/code.py",
)
# What a study does by them: when a search stops, what is loaded one after another.
_METRICS_OF_STUDIES = ("metrics/objective.py",)
_LENGTH = 12  # hexadecimal digits


def version(system: str | None, study: str) -> str:
    """Return a hash of the code that a trial of ``system`` (None: of a component) in ``study`` depends on."""
    loaded = [system] if system else studies.get(study).loads
    return _joined(_shared(), *map(_of_system, loaded), _of_study(study))


def version_of_run(system_names: Iterable[str], study_names: Iterable[str]) -> str:
    """Return a hash of all code that a run of these systems and studies depends on."""
    named = [*study_names]
    loaded = dict.fromkeys([*system_names, *(name for study in named for name in studies.get(study).loads)])
    return _joined(_shared(), *map(_of_system, loaded), *map(_of_study, named))


def outside(system_names: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages that extend the lab, by package.

    A system that is named by its module has no version: a hash of the module's code stands in for it.
    """
    groups = (registry.systems.group, registry.engines.group, studies.group, services.group, workloads.group)
    points = [point for group in groups for point in entry_points(group=group)]
    versions = {f"outside.{point.dist.name}": point.dist.version for point in points if point.dist is not None}
    for name in system_names:
        if ":" in name:
            versions[f"outside.{registry.systems.get(name).module}"] = _of_system(name)
    return versions


@cache
def _shared() -> str:
    addresses = [known.address(name) for known in (registry.systems, studies) for name in known.built_in_names()]
    apart = {path for address in addresses for path in _own_files(address.partition(":")[0])}
    return _hash(path for path in _project_files() if path not in apart)


@cache
def _of_system(name: str) -> str:
    description = registry.systems.get(name)
    if description.interpreter is None:
        return _hash(_own_files(description.module))
    return elsewhere.examine(name, description.interpreter, description.implementation)


@cache
def _of_study(name: str) -> str:
    return _hash(_own_files(studies.get(name).__module__))


def _project_files() -> Iterator[Path]:
    here = Path(experiments.__path__[0])
    for path in sorted(here.rglob("*.py")):
        name = path.relative_to(here).as_posix()
        if name in _METRICS_OF_STUDIES or not name.startswith(_NOT_MEASURING):
            yield path
    yield from sorted(Path(systems.__path__[0]).rglob("*.py"))


def _own_files(module: str) -> list[Path]:
    """Return the files of the folder that holds ``module``, if it is a package's; else the module's own file.

    The folders that hold many agents or studies are nobody's own. Raises `BadInput` where there is no such module.
    """
    package, _, _ = module.rpartition(".")
    whole = package if package and package not in ("systems", "experiments.studies") else module
    try:
        spec = find_spec(whole)
    except (ImportError, ValueError) as error:
        raise BadInput(f"The code of {module} cannot be found: {error}.") from error
    if spec is None or (spec.origin is None and not spec.submodule_search_locations):
        raise BadInput(f"The code of {module} cannot be found.")
    folders = [Path(place) for place in spec.submodule_search_locations or ()]
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))] or [Path(str(spec.origin))]


def _hash(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.parent.name}/{path.name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_LENGTH]


def _joined(*hashes: str) -> str:
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:_LENGTH]
