"""The code is in layers: no circle between modules or packages, and no import that runs back up.

The graph is read from the source, so that imports for type checkers only, and those inside functions, count like all
others. A package is the first two parts of a name: ``systems.engines``, ``experiments.measuring``.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

Graph = dict[str, set[str]]

LAYERS = (
    {"systems", "systems.errors", "systems.logs", "systems.settings"},
    {"systems.models"},
    {"systems.engines"},
    {"systems.interface", "systems.elsewhere", "systems.description", "systems.frameworks", "systems.registry"},
    {"systems.turn"},
    {"systems.memory"},
    {"systems.mechanisms"},
    {"systems.answering"},
    {"agents", "systems.server"},
    {"experiments", "experiments.errors", "experiments.printable", "experiments.invocation"},
    {"experiments.measuring"},
    {"experiments.workloads", "experiments.metrics"},
    {"experiments.grading"},
    {"experiments.studies", "experiments.reader"},
    {"experiments.analysis"},
    {"experiments.report"},
    {"experiments.commands"},
)
"""Each may import itself and those above it in this list. Every other folder of ``systems`` is an agent."""

# What reads records must not need what made them: reports of systems that are not installed here can be written.
READERS = ("experiments.metrics", "experiments.analysis", "experiments.report")


def sources(root: Path, *tops: str) -> dict[str, Path]:
    """Return every module of the packages ``tops`` in ``root`` by its dotted name."""
    names = {}
    for path in sorted(path for top in tops for path in (root / top).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imported(name: str, path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """Yield what of ``modules`` a module imports, wherever in it."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                if f"{origin}.{alias.name}" in modules:
                    yield f"{origin}.{alias.name}"
                elif origin in modules:
                    yield origin


def module_graph(root: Path, *tops: str) -> Graph:
    modules = sources(root, *tops)
    return {name: set(imported(name, path, modules)) - {name} for name, path in modules.items()}


def package(module: str) -> str:
    return ".".join(module.split(".")[:2])


def package_graph(modules: Graph) -> Graph:
    graph: Graph = {}
    for name, others in modules.items():
        graph.setdefault(package(name), set()).update(map(package, others))
    return {name: others - {name} for name, others in graph.items()}


def circle(graph: Graph) -> list[str]:
    """Return a circle of the graph, its first member also last; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def layer(name: str) -> int:
    """Return the place of a package in ``LAYERS``."""
    for place, packages in enumerate(LAYERS):
        if name in packages:
            return place
    assert name.startswith("systems."), f"{name} is in no layer: give it a place in LAYERS"
    return next(place for place, packages in enumerate(LAYERS) if "agents" in packages)


@pytest.fixture(scope="module")
def modules() -> Graph:
    return module_graph(ROOT, "systems", "experiments")


def test_modules_import_each_other_in_no_circle(modules: Graph) -> None:
    assert len(modules) > 200
    assert circle(modules) == []


def test_packages_import_each_other_in_no_circle(modules: Graph) -> None:
    assert circle(package_graph(modules)) == []


def test_no_import_runs_back_up(modules: Graph) -> None:
    backwards = [
        f"{name} imports {other}"
        for name, others in modules.items()
        for other in sorted(others)
        if layer(package(other)) > layer(package(name))
    ]
    assert backwards == []


def test_what_reads_records_imports_no_study_and_no_agent(modules: Graph) -> None:
    agents = next(place for place, packages in enumerate(LAYERS) if "agents" in packages)
    needless = [
        f"{name} imports {other}"
        for name, others in modules.items()
        if package(name) in READERS
        for other in sorted(others)
        if package(other) == "experiments.studies" or layer(package(other)) == agents
    ]
    assert needless == []


def test_imports_in_functions_and_for_type_checkers_are_seen(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "__init__.py").write_text("")
    (tmp_path / "a" / "one.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import two\n"
    )
    (tmp_path / "a" / "two.py").write_text("def late():\n    from .three import name\n")
    (tmp_path / "a" / "three.py").write_text("import a.one\nname = 1\n")
    graph = module_graph(tmp_path, "a")
    assert graph == {"a": set(), "a.one": {"a.two"}, "a.two": {"a.three"}, "a.three": {"a.one"}}
    assert set(circle(graph)) == {"a.one", "a.two", "a.three"}


def test_no_two_public_classes_have_one_name() -> None:
    """A reader who meets a name must not have to find out which of two things it is."""
    places: dict[str, list[str]] = {}
    # Every folder of a framework has the classes that the contract names, in an interpreter of its own.
    kept_apart = ("adapter.py", "in_process.py")
    for top in ("systems", "experiments"):
        for path in sorted((ROOT / top).rglob("*.py")):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and path.name not in kept_apart:
                    places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("systems.baseline.agent", {"asyncio", "http.client", "importlib.metadata", "numpy"}),
        ("systems.asynchronous.agent", {"http.client", "importlib.metadata", "numpy"}),
        ("systems.tiered.agent", {"http.client", "importlib.metadata", "numpy"}),
        ("systems.pooled.agent", {"http.client", "importlib.metadata", "numpy"}),
        ("systems.research.agent", {"http.client", "importlib.metadata", "numpy"}),
        ("experiments.measuring.role_process", {"http.client", "llama_cpp", "numpy", "pandas"}),
        ("experiments.studies.lazy_loading", {"http.client", "llama_cpp", "numpy", "pandas"}),
        ("experiments.studies.density", {"llama_cpp", "numpy", "pandas"}),
        ("experiments.studies.research", {"llama_cpp", "numpy", "pandas"}),
    ],
)
def test_what_a_trial_measures_imports_nothing_that_it_does_not_need(module: str, heavy: set[str]) -> None:
    """The lazy-loading study would measure it: in the start of every system, or in the import of one."""
    look = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert heavy & set(done.stdout.split()) == set()
