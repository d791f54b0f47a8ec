"""The documents that are researched where nobody names a source: a made-up valley, its towns, machines and people.

They come from a seed: experiments/workloads/research writes them, and docs/research/corpus.md is their datasheet.
"""

from __future__ import annotations

from pathlib import Path


def folder() -> Path:
    """Return the folder they lie in."""
    return Path(__file__).parent
