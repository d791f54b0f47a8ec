"""What this machine can enforce, and what would disturb a measurement on it; each with its remedy."""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from experiments.measuring import placement, requirements
from experiments.measuring.limits.kernel import Kernel, gibibytes
from experiments.measuring.limits.room import Resource
from experiments.measuring.limits.select import Judgement, judge, ways_to_enforce
from experiments.measuring.probes.host import Noise, governor, transparent_huge_pages
from experiments.measuring.profiles import Profile
from systems.errors import BadInput, ExitCode

LIMITS = "limits"
"""The finding that tells whether the profile can be enforced."""

_OF_THE_PROFILE = {LIMITS, "memory", "processors"}
_DISK_BYTES = 5 * 2**30  # the default models (about 1 GB each, made once) and a full run with its memray captures
_BUSY_SHARE = 0.05  # a twentieth of the machine busy elsewhere is more than most effects we want to see
_STEAL_SHARE = 0.01
_WATCHED_S = 0.5  # fifty ticks for each processor: enough to see a busy neighbour


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at. ``bad`` prevents a valid run, ``note`` makes its numbers worse or needs knowing."""

    name: str
    status: Literal["good", "note", "bad"]
    found: str
    remedy: str = ""


def examine(profile: Profile, kernel: Kernel | None = None, folder: Path | None = None) -> list[Finding]:
    """Look at everything. ``folder`` is where models and results will be written, by default the current one."""
    kernel = kernel or Kernel()
    judgement = judge(profile, kernel)
    return [
        *_limits(judgement),
        _memory(judgement),
        _processors(judgement),
        _swap(profile, kernel),
        *_neighbours(profile, kernel),
        _governor(kernel),
        _huge_pages(kernel),
        _disk(folder or Path.cwd()),
        _compiler(),
        *_calibrations(),
        *map(_requirement, requirements.names()),
    ]


def exit_code(findings: Sequence[Finding]) -> ExitCode:
    """Return whether the profile can be had here, and `ExitCode.UNFIT` for a machine with any other fault.

    What can do without the profile (``--allow-unenforced``) may go on after `ExitCode.CANNOT_ENFORCE`, and only then.
    """
    faults = {finding.name for finding in findings if finding.status == "bad"}
    if not faults:
        return ExitCode.DONE
    return ExitCode.CANNOT_ENFORCE if faults <= _OF_THE_PROFILE else ExitCode.UNFIT


def _limits(judgement: Judgement) -> list[Finding]:
    profile = judgement.profile
    found = [
        Finding(
            name=f"limits: {each.backend}",
            status="good" if each.usable else "note",
            found=each.reason,
            remedy=each.remedy,
        )
        for each in judgement.surveyed
    ]
    by = judgement.backend.name
    if judgement.enforced:
        return [Finding(name=LIMITS, status="good", found=f"{profile.name} is enforced by {by}"), *found]
    if judgement.backend.enforced:
        held = f"{by} can set the limits of {profile.name}, but trials would get less"
        return [Finding(name=LIMITS, status="note", found=held), *found]
    nothing = f"nothing here can enforce {profile.name}"
    return [Finding(name=LIMITS, status="bad", found=nothing, remedy=ways_to_enforce(profile)), *found]


def _shortage(judgement: Judgement, resource: Resource) -> Finding | None:
    for each in judgement.shortages:
        if each.resource == resource:
            return Finding(name=resource, status="bad", found=each.found, remedy=each.remedy)
    return None


def _memory(judgement: Judgement) -> Finding:
    if short := _shortage(judgement, "memory"):
        return short
    total, wanted = judgement.room.machine_bytes, judgement.profile.memory_bytes
    if total is None:
        return Finding(name="memory", status="note", found="the machine does not say how much it has")
    found = f"{gibibytes(total)} for a profile of {gibibytes(wanted)}"
    if total < wanted * 1.25:
        remedy = "the client and the desktop need room beside the trial: close programs, or choose a smaller profile"
        return Finding(name="memory", status="note", found=found, remedy=remedy)
    return Finding(name="memory", status="good", found=found)


def _processors(judgement: Judgement) -> Finding:
    if short := _shortage(judgement, "processors"):
        return short
    count, wanted = judgement.room.processors, judgement.profile.cpus
    found = f"{count} usable, {wanted} in the profile"
    if count == wanted:
        remedy = "the client shares the trial's processors; its lag is recorded and may void trials"
        return Finding(name="processors", status="note", found=found, remedy=remedy)
    return Finding(name="processors", status="good", found=found)


def _swap(profile: Profile, kernel: Kernel) -> Finding:
    size = kernel.swap_bytes()
    if size == 0:
        return Finding(name="swap", status="good", found="none")
    if size > profile.swap_bytes:
        remedy = "the trial is kept out of it, the rest of the machine is not: `swapoff -a` while measuring"
        return Finding(name="swap", status="note", found=f"{gibibytes(size)} active", remedy=remedy)
    return Finding(name="swap", status="good", found=f"{gibibytes(size)} active")


def _neighbours(profile: Profile, kernel: Kernel) -> list[Finding]:
    noise = Noise(placement.split(profile.cpus, kernel.processors())[0], kernel)
    noise.start()
    time.sleep(_WATCHED_S)
    seen = noise.stop(0.0)
    busy, steal = seen.get("others_cpu_share", 0.0), seen.get("steal_share", 0.0)
    return [
        Finding(
            name="other programs",
            status="note" if busy > _BUSY_SHARE else "good",
            found=f"{busy:.0%} of the processors busy, load average {seen['load_stop']:.2f}",
            remedy="close what is running beside the measurement" if busy > _BUSY_SHARE else "",
        ),
        Finding(
            name="steal",
            status="note" if steal > _STEAL_SHARE else "good",
            found=f"{steal:.1%} of the processors' time taken by other virtual machines",
            remedy="measure on a machine of your own, or with more blocks" if steal > _STEAL_SHARE else "",
        ),
    ]


def _governor(kernel: Kernel) -> Finding:
    found = governor(kernel)
    if found is None:
        return Finding(name="frequency", status="good", found="not shown; usual in a virtual machine")
    if found == "performance":
        return Finding(name="frequency", status="good", found="governor: performance")
    remedy = "`cpupower frequency-set -g performance` as root, while measuring"
    return Finding(name="frequency", status="note", found=f"governor: {found}", remedy=remedy)


def _huge_pages(kernel: Kernel) -> Finding:
    setting = transparent_huge_pages(kernel) or "not shown"
    return Finding(name="transparent huge pages", status="good", found=setting)


def _disk(folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        remedy = "run it in a folder that can be written"
        return Finding(name="disk", status="bad", found=f"cannot be examined: {error.strerror}", remedy=remedy)
    if free < _DISK_BYTES:
        remedy = f"models and results want about {gibibytes(_DISK_BYTES)}: make room, or use another folder"
        return Finding(name="disk", status="note", found=f"{gibibytes(free)} free", remedy=remedy)
    return Finding(name="disk", status="good", found=f"{gibibytes(free)} free")


def _compiler() -> Finding:
    found = next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), None)
    if found:
        return Finding(name="C++ compiler", status="good", found=found)
    if importlib.util.find_spec("llama_cpp"):
        return Finding(name="C++ compiler", status="good", found="none, and llama.cpp is built already")
    remedy = "llama.cpp is built when it is installed: install g++ (Debian: `apt install g++`)"
    return Finding(name="C++ compiler", status="bad", found="none", remedy=remedy)


def _calibrations() -> list[Finding]:
    """Tell how llama.cpp is used on this machine, by what was measured at the first load of each model."""
    if not importlib.util.find_spec("llama_cpp"):
        return []
    from systems.engines.calibration import keeping  # with llama.cpp: only who looks at it waits for it

    return [
        Finding(
            name=f"llama.cpp: {kept.holds_for.said}",
            status="note" if kept.calibration.unmeasured else "good",
            found=kept.calibration.said,
            remedy=f"set what you know to be faster, or delete {keeping.folder()}: then it is looked at again"
            if kept.calibration.unmeasured
            else "",
        )
        for kept in keeping.of_this_machine()
    ] or [Finding(name="llama.cpp", status="good", found="not calibrated yet: the first load of a model does it")]


def _requirement(name: str) -> Finding:
    """Look at what some cells need: where it is missing they are skipped, and the rest of a run is as valid."""
    try:
        wanted = requirements.get(name)
        missing, remedy = wanted.missing(), wanted.remedy
    except BadInput as error:
        missing, remedy = str(error), "mend or remove the package that registers it"
    if missing:
        return Finding(name=f"optional: {name}", status="note", found=missing, remedy=remedy)
    return Finding(name=f"optional: {name}", status="good", found="there")
