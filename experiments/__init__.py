"""How it is measured: study → plan → trial → record → analysis → report, in that direction only."""

from __future__ import annotations

from typing import Any

__all__ = ["load_run", "where"]


def __getattr__(name: str) -> Any:
    # pandas is imported only by those who read runs: trials import this package too, and must not pay for it.
    if name in __all__:
        from experiments.analysis import frames

        return getattr(frames, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
