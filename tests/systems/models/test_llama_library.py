"""How the library is loaded: in a process of its own, because it can be loaded only once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = "import os; print(os.environ.get('GOMP_SPINCOUNT'))"


def told(program: str, **given: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GOMP", "OMP"))}
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, env=environment | given, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_waiting_threads_sleep_soon() -> None:
    assert told(f"import systems.models.llama_library; {SHOW}") == "1000"


@pytest.mark.parametrize(
    ("name", "value", "expected"), [("GOMP_SPINCOUNT", "7", "7"), ("OMP_WAIT_POLICY", "active", "None")]
)
def test_what_the_user_chose_stays(name: str, value: str, expected: str) -> None:
    assert told(f"import systems.models.llama_library; {SHOW}", **{name: value}) == expected


@pytest.mark.parametrize("first", ["systems.engines.batched.context:Model", "systems.models.check:read_metadata"])
def test_whoever_is_first_to_load_it_sets_this(first: str, tiny_model: Path) -> None:
    module, _, name = first.partition(":")
    given = f"Path({str(tiny_model)!r})" + (", use_mmap=True, repack=False" if name == "Model" else "")
    assert told(f"from pathlib import Path; from {module} import {name}; {name}({given}); {SHOW}") == "1000"


@pytest.mark.parametrize(("amx", "expected"), [(True, "False False"), (False, "True False")])
def test_weights_are_not_repacked_for_amx_because_llama_cpp_dies_of_it(amx: bool, expected: str) -> None:
    known = "CPU : SSE3 = 1 | AMX_INT8 = 1 | REPACK = 1 | " if amx else "CPU : SSE3 = 1 | REPACK = 1 | "
    program = (
        "from systems.models import llama_library as library; "
        f"library.llama_cpp.llama_print_system_info = lambda: {known.encode()!r}; "
        "print(library.may_repack(True), library.may_repack(False))"
    )
    assert told(program) == expected
