"""Which code a trial's numbers depend on, as hashes: what all trials share, a system's own and a study's own.

A change of one agent leaves the runs of every other one as they are. Analysis, reporting and the command are no part of
it: they may change without making a run unfinishable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import experiments
import systems
from experiments.measuring import own_code
from experiments.measuring.records import TrialSpec
from experiments.measuring.services import services
from experiments.measuring.study import studies
from experiments.measuring.workload import workloads
from systems import registry
from systems.elsewhere import system as elsewhere
from systems.errors import BadInput
from systems.frameworks import environments, folders
from systems.registry import Registry, outside_entries

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
    "measuring/own_code.py",
    "measuring/environment.py",
    "measuring/variables.py",
)
# What a study does by them: when a search stops, what is loaded one after another.
_METRICS_OF_STUDIES = ("metrics/objective.py", "metrics/remembering.py")
# A class of settings that is made while the program runs names one of these.
_NOBODYS = ("msgspec", "builtins", "__main__", "")
_LENGTH = 12  # hexadecimal digits


def version(system: str | None, study: str) -> str:
    """Return a hash of the code that a trial of ``system`` (None: of a component) in ``study`` depends on."""
    loaded = [system] if system else studies.get(study).loads
    return _joined(_shared(), *map(_of_system, loaded), _of_study(study))


@cache
def fault(system: str) -> str:
    """Return why its own interpreter cannot run ``system``, without paths of this machine; empty where it can."""
    try:
        _of_system(system)
    except BadInput as error:
        said, interpreter = str(error).removesuffix("."), registry.systems.get(system).interpreter
        if interpreter is None:
            return said
        environment = interpreter.removesuffix("/bin/python")
        return said.replace(interpreter, "its interpreter").replace(environment, "its environment")
    return ""


def version_of_run(system_names: Iterable[str], study_names: Iterable[str]) -> str:
    """Return a hash of all code that a run of these systems and studies depends on."""
    named = [*study_names]
    loaded = dict.fromkeys([*system_names, *(name for study in named for name in studies.get(study).loads)])
    return _joined(_shared(), *map(_of_system, loaded), *map(_of_study, named))


def outside(system_names: Iterable[str], trials: Sequence[TrialSpec]) -> dict[str, str]:
    """Return the versions of the packages outside the lab that these systems and ``trials`` use, by package.

    A system that is named by its module has no version: a hash of its code stands in for it. So it does for engines,
    services and workloads, whose code is no part of a trial's version. Of a framework that is named or tried it is the
    version of its package and, with it, those of all that its interpreter has, and how many bytes they take.
    """
    named = [*system_names]
    used: list[tuple[Registry[Any], Iterable[str]]] = [
        (registry.systems, named),
        (studies, {spec.study for spec in trials}),
        (registry.engines, {spec.engine.name for spec in trials if spec.engine is not None}),
        (services, {service.name for spec in trials for service in spec.services}),
        (workloads, {spec.workload for spec in trials}),
    ]
    versions = {}
    for known, names in used:
        for name in set(names) - set(known.built_in_names()):
            for point in outside_entries(known.group, name):
                if point.dist is not None:
                    versions[f"outside.{point.dist.name}"] = point.dist.version
            if known not in (registry.systems, studies):
                module = known.get(name).__module__
                versions[f"outside.{module}"] = _hash(own_code.files(module))
    for name in dict.fromkeys([*named, *(spec.system for spec in trials if spec.system is not None)]):
        if ":" in name:
            versions[f"outside.{registry.systems.get(name).module}"] = _of_system(name)
        framework = folders.find(name)
        made = framework and environments.found(framework)
        if framework and made:
            versions[f"outside.{name}"] = made.packages.get(framework.says.package, made.python)
            versions[f"outside.{name} with"] = made.listed
            versions[f"outside.{name} bytes"] = str(made.size_bytes)
    return versions


@cache
def _shared() -> str:
    addresses = [known.address(name) for known in (registry.systems, studies) for name in known.built_in_names()]
    apart = {path for address in addresses for path in own_code.files(address.partition(":")[0])}
    return _hash(path for path in _project_files() if path not in apart)


@cache
def _of_system(name: str) -> str:
    description = registry.systems.get(name)
    # What can be set on it, and with which defaults, may be written in another module than the implementation is.
    modules = [description.settings.__module__, *([description.fills.partition(":")[0]] if description.fills else [])]
    beside = [module for module in modules if not own_code.is_ours(module) and module not in _NOBODYS]
    if description.interpreter is None:
        return _hash(own_code.files(description.module, *beside))
    own = _hash(own_code.files(*beside))
    if (framework := folders.find(name)) is not None:
        own = _hash(framework.files())
        made = environments.found(framework)
        if made is None:
            return own  # its trials are skipped
        own = _joined(own, made.listed)
    there = elsewhere.examine(name, description.interpreter, description.implementation, description.environment)
    return _joined(there, own)


@cache
def _of_study(name: str) -> str:
    return _hash(own_code.files(studies.get(name).__module__))


def _project_files() -> Iterator[Path]:
    here = Path(experiments.__path__[0])
    for path in sorted(here.rglob("*.py")):
        name = path.relative_to(here).as_posix()
        if name in _METRICS_OF_STUDIES or not name.startswith(_NOT_MEASURING):
            yield path
    yield from sorted(Path(systems.__path__[0]).rglob("*.py"))


def _hash(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.parent.name}/{path.name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_LENGTH]


def _joined(*hashes: str) -> str:
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:_LENGTH]
