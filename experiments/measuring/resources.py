"""What a turn needs and can be loaded by itself, by name: for trials that load it and metrics that read them."""

from __future__ import annotations

IN_ORDER = ("agent", "keywords", "store", "library", "model", "turn")
"""The agent's code, the keywords' dictionaries, long-term memory, llama.cpp's library, the model, a turn on them."""

RESOURCES = ("interpreter", *IN_ORDER)
"""The same after what every process pays: the interpreter, and the part of the lab that runs in it."""
