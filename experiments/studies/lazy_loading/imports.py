"""What importing a system's own code costs: a fresh interpreter each time, inside the trial's group."""

from __future__ import annotations

import subprocess
import sys
import time

from experiments.measuring.role import Role
from systems import registry

_REPETITIONS = 5

# Says when its first line ran, how long the import took and by how many bytes its anonymous memory grew.
_CHILD = """
import time
started = time.monotonic()
import importlib, sys
def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))
before = anonymous()
began = time.monotonic()
importlib.import_module(sys.argv[1])
took = time.monotonic() - began
print(started, took, anonymous() - before)
"""


def run(role: Role) -> None:
    """Import the trial's system in fresh interpreters, one after another."""
    module = registry.systems.get(str(role.spec.system)).module
    series = role.part.series
    for _ in range(_REPETITIONS):
        spawned = time.monotonic()
        done = subprocess.run([sys.executable, "-P", "-c", _CHILD, module], stdout=subprocess.PIPE, check=True)
        started, took, grown = map(float, done.stdout.split())
        series.setdefault("interpreter_s", []).append(started - spawned)
        series.setdefault("import_s", []).append(took)
        series.setdefault("import_anonymous_bytes", []).append(grown)
    role.outside_look()
