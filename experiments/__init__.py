"""How it is measured: study → plan → trial → record → analysis → report, in that direction only."""

from __future__ import annotations

from typing import Any

__all__ = ["load_run"]


def __getattr__(name: str) -> Any:
    # pandas is imported only by those who read runs: trials import this package too, and must not pay for it.
    if name == "load_run":
        from experiments.analysis.frames import load_run

        return load_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
