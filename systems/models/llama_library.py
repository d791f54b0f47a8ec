"""The one place that imports llama.cpp's library. Import this module only when a model is wanted: it loads it all.

Threads that decode together wait for one another at every step of the computation. OpenMP's spin for long while they
wait, in the belief that each has a processor to itself; beside any other busy process the one they wait for may not be
running, and decoding takes several times as long (`tests.benchmarks.decode_steps`). Here they sleep sooner, which costs
nothing where nothing else runs.
"""

from __future__ import annotations

import logging
import os

from systems.logs import event

# Turns of a waiting loop: some microseconds. GNU's OpenMP reads it once, when the library is loaded.
SPINS = 1000

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))

import llama_cpp  # noqa: E402 - after the above

__all__ = ["SPINS", "llama_cpp", "may_repack"]

log = logging.getLogger(__name__)


def may_repack(wanted: bool) -> bool:
    """Return whether weights may be repacked, if that is ``wanted``: not where llama.cpp would repack them for AMX.

    What it then computes with AMX ended the process with SIGSEGV at the first prompt, compiled by GCC 12
    (ggml-org/llama.cpp, issue 20824). Without AMX, as `noxfile.py` compiles it, nothing is lost but AMX.
    """
    if wanted and b"AMX_INT8 = 1" in llama_cpp.llama_print_system_info():
        event(log, logging.WARNING, "weights are not repacked: llama.cpp was compiled with AMX, which fails")
        return False
    return wanted
