"""The machine a run happened on, and what else was going on there while a trial ran."""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
from importlib import metadata
from pathlib import Path

from experiments.measuring.limits.kernel import Kernel, shown

_PACKAGES = (
    "fourgig",
    "llama-cpp-python",
    "aiosqlite",
    "jieba",
    "memray",
    "msgspec",
    "numpy",
    "pandas",
    "rjieba",
    "scipy",
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
        "cpus_allowed": kernel.processors(),
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
    """What else happened on the machine between `start` and `stop`.

    The result has ``steal_share`` (processor time a hypervisor gave to others, of all that passed),
    ``others_cpu_share`` (busy time that neither this process nor its ended children used, of all that passed),
    ``load_start`` and ``load_stop`` (one-minute load averages), and, where the machine shows it,
    ``frequency_mhz`` (mean over processors of the readings at the start and at the stop).
    """

    def __init__(self, kernel: Kernel | None = None) -> None:
        self._kernel = kernel or Kernel()
        self._before: _Reading | None = None

    def start(self) -> None:
        """Take the first reading."""
        self._before = _Reading(self._kernel)

    def stop(self, still_running_cpu_s: float = 0.0) -> dict[str, float]:
        """Take the second reading and compare.

        Children count as ours once they were waited for; name the time of others in ``still_running_cpu_s``.
        """
        before, after = self._before, _Reading(self._kernel)
        if before is None:
            raise RuntimeError("Noise.stop before Noise.start")
        passed = after.total_s - before.total_s
        ours = after.own_s - before.own_s + still_running_cpu_s
        found = {"load_start": before.load, "load_stop": after.load}
        if passed > 0:
            found["steal_share"] = _share(after.steal_s - before.steal_s, passed)
            found["others_cpu_share"] = _share(after.busy_s - before.busy_s - ours, passed)
        frequencies = [each for each in (before.frequency_mhz, after.frequency_mhz) if each is not None]
        if frequencies:
            found["frequency_mhz"] = sum(frequencies) / len(frequencies)
        return found


class _Reading:
    def __init__(self, kernel: Kernel) -> None:
        line = (kernel.text(kernel.at("/proc/stat")) or "cpu").splitlines()[0]
        ticks = [int(part) for part in line.split()[1:9]]
        ticks += [0] * (8 - len(ticks))
        user, nice, system, idle, waiting, interrupts, soft, steal = (tick / os.sysconf("SC_CLK_TCK") for tick in ticks)
        self.busy_s = user + nice + system + interrupts + soft
        self.steal_s = steal
        self.total_s = self.busy_s + idle + waiting + steal
        self.own_s = sum(
            usage.ru_utime + usage.ru_stime
            for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        )
        self.load = float((kernel.text(kernel.at("/proc/loadavg")) or "0").split()[0])
        self.frequency_mhz = _frequency_mhz(kernel)


def _share(part: float, whole: float) -> float:
    # The kernel counts in ticks and at different moments, so a quiet machine can come out slightly below zero.
    return min(max(part / whole, 0.0), 1.0)


def _frequency_mhz(kernel: Kernel) -> float | None:
    files = kernel.at(str(_CPU)).glob("cpu[0-9]*/cpufreq/scaling_cur_freq")
    readings = [khz / 1000 for khz in map(kernel.number, files) if khz]
    return sum(readings) / len(readings) if readings else None


def _cpu_model(kernel: Kernel) -> str | None:
    for line in (kernel.text(kernel.at("/proc/cpuinfo")) or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "Processor"):
            return shown(value.strip())
    return None
