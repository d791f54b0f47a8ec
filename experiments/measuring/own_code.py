"""The files of a module that are its own: its whole package, and what it imports from beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

from systems.errors import BadInput

_LAB = ("systems", "experiments")
_INSTALLED = ("site-packages", "dist-packages")
_CODE = (".py", ".cjs", ".so")


def is_ours(module: str) -> bool:
    """Return whether ``module`` comes with the lab."""
    return module.partition(".")[0] in _LAB


def files(*modules: str) -> list[Path]:
    """Return the files of these modules that are their own, each once, in order. Raises `BadInput` for no such module.

    Of the lab's: the folder that holds the module, or its file where that folder holds many agents or studies. Of
    another package's: the whole package, and modules and packages in the folder beside it that its code imports, and
    those that these import. Where packages are installed, only what belongs to the same distribution counts as beside.
    A module that is imported by a name made up at run time is not seen.
    """
    found: dict[Path, None] = {}
    waiting, seen = [_whole(module) for module in modules], set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        spec = _found(name)
        paths = list(_files_of(spec))
        found.update(dict.fromkeys(paths))
        if not is_ours(name):
            waiting += _beside(name, spec, paths)
    return list(found)


def _whole(module: str) -> str:
    """Return the name of what ``module`` belongs to."""
    if is_ours(module):
        package, _, _ = module.rpartition(".")
        return package if package and package not in ("systems", "experiments.studies") else module
    top, *below = module.split(".")
    # A folder that several distributions share is nobody's own.
    while below and len(_found(top).submodule_search_locations or ()) > 1:
        top = f"{top}.{below.pop(0)}"
    return top


def _found(name: str) -> ModuleSpec:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError) as error:
        raise BadInput(f"The code of {name} cannot be found: {error}.") from error
    if spec is None or (spec.origin is None and not spec.submodule_search_locations):
        raise BadInput(f"The code of {name} cannot be found.")
    return spec


def _files_of(spec: ModuleSpec) -> Iterator[Path]:
    folders = [Path(place) for place in spec.submodule_search_locations or ()]
    held = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in _CODE and path.is_file()]
    yield from held or [Path(str(spec.origin))]


def _beside(name: str, spec: ModuleSpec, paths: Iterable[Path]) -> list[str]:
    """Return the modules and packages in the folder of ``name`` that the code in ``paths`` imports."""
    root = _folder(spec)
    imported = sorted({top for path in paths if path.suffix == ".py" for top in _imported(path)})
    near = [top for top in imported if not is_ours(top) and _is_in(root, top)]
    if root is not None and root.name in _INSTALLED:
        owners = packages_distributions()
        return [top for top in near if owners.get(top) == owners.get(name.partition(".")[0])]
    return near


def _is_in(root: Path | None, top: str) -> bool:
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return False
    return root is not None and spec is not None and _folder(spec) == root


def _folder(spec: ModuleSpec) -> Path | None:
    """Return the folder that holds a module or a package; None for what is in no single folder."""
    places = list(spec.submodule_search_locations or ())
    if len(places) > 1 or not (places or spec.has_location):
        return None
    return Path(places[0] if places else str(spec.origin)).absolute().parent


def _imported(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # its trials will say so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
