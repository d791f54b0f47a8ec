"""Environment variables that change measurements: they go from the shell into every trial, unseen.

They are recorded with a run. A run is not gone on with under others, and runs that differ in one are not compared.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import PurePath

NAMES = (
    # what the loader and the C library do
    *("LD_PRELOAD", "LD_AUDIT", "LD_BIND_NOW", "GLIBC_TUNABLES", "_RJEM_MALLOC_CONF"),
    # what the interpreter does
    *("PYTHONASYNCIODEBUG", "PYTHONDEBUG", "PYTHONDEVMODE", "PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER"),
    *("PYTHONHASHSEED", "PYTHONMALLOC", "PYTHONMALLOCSTATS", "PYTHONNODEBUGRANGES", "PYTHONOPTIMIZE"),
    *("PYTHONPERFSUPPORT", "PYTHONPROFILEIMPORTTIME", "PYTHONTRACEMALLOC", "PYTHONUNBUFFERED", "PYTHONUTF8"),
    *("PYTHON_CPU_COUNT", "PYTHON_FROZEN_MODULES", "PYTHON_GIL", "PYTHON_JIT", "PYTHON_PERF_JIT_SUPPORT"),
    # how many threads libraries start
    *("GOTO_NUM_THREADS", "RAYON_NUM_THREADS", "TOKENIZERS_PARALLELISM"),
    # which accelerators are seen
    *("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"),
)
"""Those that are known one by one."""

PREFIXES = (
    *("MALLOC_", "JEMALLOC_", "MIMALLOC_", "TCMALLOC_"),
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "BLIS_", "NUMEXPR_"),
    *("GGML_", "LLAMA_", "CUDA_LAUNCH_"),
)
"""Those that a library reads a whole family of."""

# Other programs use the same families, and a run folder is shown to others.
_SECRET = re.compile("KEY|TOKEN|SECRET|PASSW|AUTH|CREDENTIAL")


def that_matter(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return those of ``variables`` that change measurements, without the folders of this machine and without secrets.

    Of a path only the last part is kept: which library is loaded, and not where it is.
    """
    return {
        name: _published(value)
        for name, value in sorted(variables.items())
        if name in NAMES or (name.startswith(PREFIXES) and not _SECRET.search(name))
    }


def _published(value: str) -> str:
    text = value.encode("utf-8", "replace").decode()
    if "/" not in text:
        return text
    return " ".join(PurePath(part).name for part in re.split(r"[:\s]+", text) if part)
