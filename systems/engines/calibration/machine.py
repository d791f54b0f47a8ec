"""What a measurement holds for: the processor, how much of it may be used, and the llama.cpp that was compiled."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_CPUS = Path("/sys/devices/system/cpu")
_TASKS = Path("/proc/self/task")

# What tells processors apart whose name is the same, as virtual machines show it.
_TELLING = ("vendor_id", "cpu family", "model", "stepping", "flags", "CPU implementer", "CPU part", "Features")


def usable_cpus() -> int:
    """Return how many CPUs this process may be scheduled on; a quota of CPU time is not considered."""
    return len(_allowed())


def cores(cpus: Path = _CPUS) -> int:
    """Return how many cores the CPUs belong to that this process may use: two CPUs of one core share its units."""
    shared = set()
    for number in _allowed():
        try:
            shared.add((cpus / f"cpu{number}" / "topology" / "thread_siblings_list").read_text())
        except (OSError, ValueError):
            shared.add(str(number))
    return len(shared)


def processor(cpuinfo: Path = _CPUINFO) -> str:
    """Return the processor's name, and a digest of what else it says of itself."""
    try:
        text = cpuinfo.read_text("utf-8", "replace")
    except OSError:
        return platform.processor() or platform.machine()
    said: dict[str, str] = {}
    for line in text.partition("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        said[name.strip()] = value.strip()
    return f"{said.get('model name', platform.machine())} {_digest(said.get(name, '') for name in _TELLING)}"


def build() -> str:
    """Return which llama.cpp this is: its package's version, and a digest of what was compiled."""
    from systems.models.llama_library import llama_cpp

    libraries = sorted((Path(llama_cpp.__file__).parent / "lib").glob("*"))
    compiled = [llama_cpp.llama_print_system_info().decode("utf-8", "replace")]
    compiled += [f"{library.name} {library.stat().st_size}" for library in libraries]
    return f"{llama_cpp.__version__} {_digest(compiled)}"


def waited_s(tasks: Path = _TASKS) -> float:
    """Return how long this process's threads have waited for a CPU that others had; 0 where nobody tells."""
    waited = 0
    for task in tasks.glob("*"):
        with suppress(OSError, ValueError, IndexError):  # a thread that has ended meanwhile
            waited += int((task / "schedstat").read_text().split()[1])
    return waited / 1e9


def _digest(lines: Iterable[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()[:8]


def _allowed() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))
