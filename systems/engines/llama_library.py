"""The one place that imports llama.cpp's library. Import this module only when a model is wanted: it loads it all.

Threads that decode together wait for one another at every step of the computation. OpenMP's spin for long while they
wait, in the belief that each has a processor to itself; beside any other busy process the one they wait for may not be
running, and decoding takes several times as long (`tests.benchmarks.decode_steps`). Here they sleep sooner, which costs
nothing where nothing else runs.
"""

from __future__ import annotations

import os

# Turns of a waiting loop: some microseconds. GNU's OpenMP reads it once, when the library is loaded.
SPINS = 1000

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))

import llama_cpp  # noqa: E402 - after the above

__all__ = ["SPINS", "llama_cpp"]
