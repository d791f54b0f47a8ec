"""The checks of ``.ci/``, as modules: that folder is no package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[3]


def check(name: str) -> ModuleType:
    """Return ``.ci/NAME.py`` as a module."""
    found = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # where msgspec looks up what annotations name
    found.loader.exec_module(module)
    return module
