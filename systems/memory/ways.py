"""The names of the ways to rank what full text finds, apart from what does it, which takes numpy (`retrieval`)."""

from __future__ import annotations

from typing import Literal

Retrieval = Literal["relevance", "bm25", "blended"]
