"""How it is measured: study → plan → trial → record → analysis → report, in that direction only."""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = {"load_run": "experiments.analysis.run", "where": "experiments.analysis.frames"}

__all__ = ["load_run", "where"]


def __getattr__(name: str) -> Any:
    # pandas is imported only by those who read runs: trials import this package too, and must not pay for it.
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
